//! What the configuration accepts, and what it says to everything else.

use std::{fmt::Write as _, fs, sync::LazyLock};

use super::*;

/// A key of the right kind: making one takes a moment, so that all tests share it.
static KEY: LazyLock<String> =
    LazyLock::new(|| rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap().serialize_pem());

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The message without the folder's name, which is another one in every run.
    fn hide(&self, message: &str) -> String {
        message.replace(self.0.path().to_str().unwrap(), "FOLDER")
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

/// The smallest configuration that can be served.
fn good() -> ServeArgs {
    ServeArgs {
        sts_domain: Some("sts.example.com".into()),
        github_app_ids: Some("4242".into()),
        app_secret_certificate_env_var: Some(KEY.clone()),
        ..ServeArgs::default()
    }
}

/// Applies `NAME=value` pairs; a name alone takes the variable away.
fn with(mut args: ServeArgs, changes: &[&str]) -> ServeArgs {
    for change in changes {
        let (name, value) = change.split_once('=').map_or((*change, None), |(name, value)| (name, Some(value.to_owned())));
        let slot = match name {
            "PORT" => &mut args.port,
            "STS_LISTEN" => &mut args.sts_listen,
            "STS_DOMAIN" => &mut args.sts_domain,
            "STS_TLS_CERT_FILE" => &mut args.sts_tls_cert_file,
            "STS_TLS_KEY_FILE" => &mut args.sts_tls_key_file,
            "STS_REFLECTION" => &mut args.sts_reflection,
            "STS_DRAIN_TIMEOUT" => &mut args.sts_drain_timeout,
            "GITHUB_APP_IDS" => &mut args.github_app_ids,
            "APP_SECRET_CERTIFICATE_FILE" => &mut args.app_secret_certificate_file,
            "APP_SECRET_CERTIFICATE_ENV_VAR" => &mut args.app_secret_certificate_env_var,
            "KMS_KEYS" => &mut args.kms_keys,
            "KMS_PROVIDER" => &mut args.kms_provider,
            "APP_CONFIG_FILE" => &mut args.app_config_file,
            "GITHUB_BASE_URL" => &mut args.github_base_url,
            "ORG_POLICY_REPO" => &mut args.org_policy_repo,
            "STS_DEFAULT_AUDIENCES" => &mut args.sts_default_audiences,
            "STS_STRICT_AUDIENCE" => &mut args.sts_strict_audience,
            "STS_REPO_POLICY_ORG_PERMISSIONS" => &mut args.sts_repo_policy_org_permissions,
            "STS_STRICT_POLICY_FILES" => &mut args.sts_strict_policy_files,
            "STS_ORG_GUARDRAILS" => &mut args.sts_org_guardrails,
            "STS_GUARDRAILS_FILE" => &mut args.sts_guardrails_file,
            "STS_REPLAY" => &mut args.sts_replay,
            "STS_ALLOWED_ISSUERS" => &mut args.sts_allowed_issuers,
            "STS_PRIVATE_ISSUERS" => &mut args.sts_private_issuers,
            "STS_ISSUERS_FILE" => &mut args.sts_issuers_file,
            "STS_POLICY_JWKS_ISSUERS" => &mut args.sts_policy_jwks_issuers,
            "STS_ALLOW_LOCALHOST_ISSUERS" => &mut args.sts_allow_localhost_issuers,
            "STS_PREFETCH_ISSUERS" => &mut args.sts_prefetch_issuers,
            "STS_CLOCK_LEEWAY" => &mut args.sts_clock_leeway,
            "GITHUB_WEBHOOK_SECRET" => &mut args.github_webhook_secret,
            "GITHUB_WEBHOOK_SECRET_FILE" => &mut args.github_webhook_secret_file,
            "GITHUB_WEBHOOK_ORGANIZATION_FILTER" => &mut args.github_webhook_organization_filter,
            "OCTOSTS_STICKY_STORE" => &mut args.octosts_sticky_store,
            "STS_REDIS_URL" => &mut args.sts_redis_url,
            "STS_REDIS_URL_FILE" => &mut args.sts_redis_url_file,
            "OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT" => &mut args.octosts_sticky_store_firestore_project,
            "OCTOSTS_STICKY_STORE_FIRESTORE_COLLECTION" => &mut args.octosts_sticky_store_firestore_collection,
            "OCTOSTS_STICKY_STORE_FIRESTORE_TTL" => &mut args.octosts_sticky_store_firestore_ttl,
            "STS_MAX_EXCHANGES" => &mut args.sts_max_exchanges,
            "STS_RATE_LIMIT_PER_CALLER" => &mut args.sts_rate_limit_per_caller,
            "STS_RATE_LIMIT_FAILURES_PER_ADDRESS" => &mut args.sts_rate_limit_failures_per_address,
            "STS_RATE_LIMIT_POLICY_JWKS" => &mut args.sts_rate_limit_policy_jwks,
            "EVENT_INGRESS_URI" => &mut args.event_ingress_uri,
            "STS_AUDIT_FILE" => &mut args.sts_audit_file,
            "STS_AUDIT_DIR" => &mut args.sts_audit_dir,
            "METRICS" => &mut args.metrics,
            "METRICS_PORT" => &mut args.metrics_port,
            "OCTOSTS_QUOTA_FLOOR_HARD" => &mut args.octosts_quota_floor_hard,
            "OCTOSTS_QUOTA_FLOOR_SOFT" => &mut args.octosts_quota_floor_soft,
            "OCTOSTS_QUOTA_STALE" => &mut args.octosts_quota_stale,
            other => panic!("no such variable: {other}"),
        };
        *slot = value;
    }
    args
}

fn refused(changes: &[&str]) -> String {
    Config::from_args(&with(good(), changes), &nothing).err().unwrap_or_else(|| panic!("accepted: {changes:?}")).to_string()
}

#[test]
fn the_smallest_configuration_has_every_default() {
    let config = Config::from_args(&good(), &nothing).unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.metrics.unwrap().to_string(), "0.0.0.0:2112");
    assert_eq!(config.github_base_url.as_str(), "https://api.github.com/");
    assert_eq!(config.policy_repository.to_string(), ".github");
    assert_eq!(config.default_audiences, ["sts.example.com", "https://sts.example.com", "https://github.com/{scope}"]);
    assert_eq!(config.issuers.prefetch[0].as_str(), "https://token.actions.githubusercontent.com");
    assert_eq!((config.drain_timeout, config.issuers.clock_leeway), (Duration::from_secs(10), Duration::ZERO));
    assert!(config.reflection && config.tls.is_none() && config.event_ingress.is_none() && config.warnings.is_empty());
    assert!(matches!(config.org_permissions, OrgPermissions::Read));
}

#[test]
fn every_variable_takes_effect() {
    let folder = Folder::new();
    let audit = format!("STS_AUDIT_FILE={}", folder.0.path().join("audit.jsonl").display());
    let changes = [
        "PORT=9000",
        "STS_REFLECTION=0",
        "STS_DRAIN_TIMEOUT=1m30s",
        "GITHUB_BASE_URL=https://ghe.example/api/v3/",
        "ORG_POLICY_REPO=policies",
        "STS_STRICT_AUDIENCE=true",
        "STS_REPO_POLICY_ORG_PERMISSIONS=allow",
        "STS_STRICT_POLICY_FILES=T",
        "STS_ALLOWED_ISSUERS=https://gitlab.example/*",
        "STS_PRIVATE_ISSUERS=https://10.0.0.1:8443/x, https://b.example",
        "STS_ALLOW_LOCALHOST_ISSUERS=true",
        "STS_PREFETCH_ISSUERS=",
        "STS_CLOCK_LEEWAY=30s",
        "EVENT_INGRESS_URI=http://sink.example/",
        &audit,
        "METRICS_PORT=9",
        "OCTOSTS_QUOTA_FLOOR_HARD=1",
        "OCTOSTS_QUOTA_FLOOR_SOFT=2",
        "OCTOSTS_QUOTA_STALE=1m",
    ];
    let config = Config::from_args(&with(good(), &changes), &nothing).unwrap();
    assert_eq!((config.listen.port(), config.reflection, config.drain_timeout.as_secs()), (9000, false, 90));
    assert_eq!(config.github_base_url.as_str(), "https://ghe.example/api/v3");
    assert_eq!((config.policy_repository.to_string(), config.default_audiences), ("policies".into(), vec!["sts.example.com".to_owned()]));
    assert!(matches!(config.org_permissions, OrgPermissions::Allow) && config.strict_policy_files && config.issuers.allowed.is_some());
    assert_eq!((config.issuers.private.len(), config.issuers.allow_localhost, config.issuers.prefetch.len()), (2, true, 0));
    assert_eq!((config.issuers.clock_leeway.as_secs(), config.metrics.unwrap().port()), (30, 9));
    assert!(config.event_ingress.is_some() && config.audit_file.is_some());
    assert_eq!((config.quota.hard, config.quota.soft, config.quota.stale.as_secs()), (1, 2, 60));
}

#[test]
fn metrics_switched_off_switch_off_the_events_too() {
    let config = Config::from_args(&with(good(), &["METRICS=false", "EVENT_INGRESS_URI=https://sink.example/"]), &nothing).unwrap();
    assert!(config.metrics.is_none() && config.event_ingress.is_none());
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn the_apps_file_wins_over_the_variables() {
    let folder = Folder::new();
    let key = folder.file("key.pem", &KEY);
    let apps = folder.file("apps.yaml", &format!("orgs:\n  - name: '*'\n    apps: [{{app_id: 1, private_key_file: {key}}}]\n"));
    let config = Config::from_args(&with(good(), &[&format!("APP_CONFIG_FILE={apps}")]), &nothing).unwrap();
    assert!(matches!(config.apps, AppsSource::File(path) if path.as_os_str() == apps.as_str()));
    assert_eq!(config.warnings, ["APP_CONFIG_FILE is set: GITHUB_APP_IDS, APP_SECRET_CERTIFICATE_ENV_VAR is not read"]);
}

/// T-105
#[test]
fn no_message_and_no_debug_output_repeats_a_secret() {
    let args = with(good(), &["PORT=x"]);
    let error = Config::from_args(&args, &nothing).unwrap_err();
    let config = Config::from_args(&good(), &nothing).unwrap();
    let secret = KEY.lines().nth(3).unwrap();
    assert!(!format!("{error} {error:?} {config:?}").contains(secret));
    let cut = KEY.replace(&secret[..20], "");
    assert!(!refused(&[&format!("APP_SECRET_CERTIFICATE_ENV_VAR={cut}")]).contains(KEY.lines().nth(5).unwrap()));
}

/// T-133
#[test]
fn each_bad_variable_is_named_with_what_to_write() {
    let ec = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let (two_ids, ec) = ("GITHUB_APP_IDS=1,2", format!("APP_SECRET_CERTIFICATE_ENV_VAR={ec}"));
    let kms = |more: &[&'static str]| {
        [&["APP_SECRET_CERTIFICATE_ENV_VAR", "KMS_KEYS=projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"], more].concat()
    };
    let rows: Vec<Vec<&str>> = vec![
        vec!["PORT=http"],
        vec!["PORT=70000"],
        vec!["PORT=-1"],
        vec!["STS_LISTEN=localhost"],
        vec!["STS_LISTEN=:8080"],
        vec!["STS_DOMAIN"],
        vec!["STS_DOMAIN="],
        vec!["STS_DOMAIN=https://sts.example.com/"],
        vec!["STS_DOMAIN=sts.example.com/path"],
        vec!["STS_TLS_CERT_FILE=/nowhere/cert.pem"],
        vec!["STS_TLS_KEY_FILE=/nowhere/key.pem"],
        vec!["STS_TLS_CERT_FILE=/nowhere/cert.pem", "STS_TLS_KEY_FILE=/nowhere/key.pem"],
        vec!["STS_REFLECTION=yes"],
        vec!["STS_DRAIN_TIMEOUT=10"],
        vec!["STS_DRAIN_TIMEOUT=1h"],
        vec!["GITHUB_APP_IDS"],
        vec!["GITHUB_APP_IDS=my-app"],
        vec!["GITHUB_APP_IDS=0"],
        vec!["GITHUB_APP_IDS=,"],
        vec!["GITHUB_APP_IDS=7,7"],
        vec![two_ids],
        vec!["APP_SECRET_CERTIFICATE_ENV_VAR"],
        vec!["APP_SECRET_CERTIFICATE_ENV_VAR=not a key"],
        vec![&ec],
        vec!["APP_SECRET_CERTIFICATE_FILE=/nowhere/key.pem"],
        vec!["APP_SECRET_CERTIFICATE_ENV_VAR", "APP_SECRET_CERTIFICATE_FILE=/nowhere/key.pem"],
        vec!["APP_SECRET_CERTIFICATE_ENV_VAR", "APP_SECRET_CERTIFICATE_FILE=/"],
        kms(&[two_ids]),
        kms(&["KMS_PROVIDER=vault"]),
        kms(&["KMS_PROVIDER=akv"]),
        vec!["APP_SECRET_CERTIFICATE_ENV_VAR", "KMS_KEYS=my-key"],
        vec!["KMS_KEYS=my-key"],
        vec!["APP_CONFIG_FILE=/nowhere/apps.yaml"],
        vec!["GITHUB_BASE_URL=http://ghe.example/api/v3"],
        vec!["GITHUB_BASE_URL=ghe.example"],
        vec!["GITHUB_BASE_URL=https://user:secret@ghe.example"],
        vec!["ORG_POLICY_REPO="],
        vec!["ORG_POLICY_REPO=acme/.github"],
        vec!["STS_DEFAULT_AUDIENCES=,"],
        vec!["STS_DEFAULT_AUDIENCES=a\u{7}b"],
        vec!["STS_DEFAULT_AUDIENCES=x", "STS_STRICT_AUDIENCE=true"],
        vec!["STS_STRICT_AUDIENCE=maybe"],
        vec!["STS_REPO_POLICY_ORG_PERMISSIONS=write"],
        vec!["STS_STRICT_POLICY_FILES=2"],
        vec!["STS_ORG_GUARDRAILS=never"],
        vec!["STS_GUARDRAILS_FILE=/nowhere/guardrails.yaml"],
        vec!["STS_REPLAY=never"],
        vec!["STS_ALLOWED_ISSUERS=*"],
        vec!["STS_PRIVATE_ISSUERS=10.0.0.1"],
        vec!["STS_PRIVATE_ISSUERS=http://localhost:8080"],
        vec!["STS_ISSUERS_FILE=/nowhere/issuers.yaml"],
        vec!["STS_ISSUERS_FILE=/"],
        vec!["STS_POLICY_JWKS_ISSUERS=*"],
        vec!["STS_PREFETCH_ISSUERS=github"],
        vec!["STS_CLOCK_LEEWAY=5min"],
        vec!["STS_CLOCK_LEEWAY=6m"],
        vec!["GITHUB_WEBHOOK_SECRET=short"],
        vec!["GITHUB_WEBHOOK_SECRET=0123456789abcdef,"],
        vec!["GITHUB_WEBHOOK_SECRET=vault://x"],
        vec!["GITHUB_WEBHOOK_SECRET=0123456789abcdef", "GITHUB_WEBHOOK_SECRET_FILE=/nowhere/secret"],
        vec!["GITHUB_WEBHOOK_SECRET_FILE=/nowhere/secret"],
        vec!["GITHUB_WEBHOOK_ORGANIZATION_FILTER=acme,a/b"],
        vec!["OCTOSTS_STICKY_STORE=etcd"],
        vec!["OCTOSTS_STICKY_STORE=redis"],
        vec!["OCTOSTS_STICKY_STORE_FIRESTORE_COLLECTION=a/b"],
        vec!["OCTOSTS_STICKY_STORE_FIRESTORE_TTL=forever"],
        vec!["STS_MAX_EXCHANGES=0"],
        vec!["STS_RATE_LIMIT_PER_CALLER=many"],
        vec!["STS_RATE_LIMIT_FAILURES_PER_ADDRESS=0/s"],
        vec!["STS_RATE_LIMIT_POLICY_JWKS=1"],
        vec!["EVENT_INGRESS_URI=kafka://x"],
        vec!["STS_AUDIT_FILE=/nowhere/audit.jsonl"],
        vec!["STS_AUDIT_FILE=/"],
        vec!["STS_AUDIT_DIR=/nowhere"],
        vec!["METRICS=on"],
        vec!["METRICS_PORT=x"],
        vec!["OCTOSTS_QUOTA_FLOOR_HARD=many"],
        vec!["OCTOSTS_QUOTA_FLOOR_HARD=6000"],
        vec!["OCTOSTS_QUOTA_STALE=2h"],
        vec!["PORT=x", "STS_DOMAIN", "GITHUB_APP_IDS", "STS_CLOCK_LEEWAY=never", "METRICS=?"],
    ];
    let mut page = String::new();
    for row in &rows {
        let shown =
            row.iter().map(|change| if change.contains("PRIVATE KEY") { "APP_SECRET_CERTIFICATE_ENV_VAR=(a key of another kind)" } else { change });
        _ = writeln!(page, "{}\n    {}", shown.collect::<Vec<_>>().join(" ").escape_debug(), refused(row).replace('\n', "\n    "));
    }
    insta::assert_snapshot!(page);
}

#[cfg(not(feature = "gcp"))]
#[test]
fn a_key_service_that_is_not_built_in_is_named_with_its_feature() {
    let key = "KMS_KEYS=projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    let expected = "KMS_KEYS: this build has no Google Cloud KMS: build with `--features gcp` or `--features full`";
    let message = refused(&["APP_SECRET_CERTIFICATE_ENV_VAR", key]);
    assert!(message.starts_with(expected), "{message}");
}

#[cfg(not(feature = "redis"))]
#[test]
fn a_store_that_is_not_built_in_is_named_with_its_feature() {
    let message = refused(&["STS_REDIS_URL=redis://user:hidden@localhost"]);
    assert!(message.starts_with("STS_REDIS_URL: this build has no Redis: build with `--features redis` or `--features full`"), "{message}");
    assert!(!message.contains("hidden"));
}

/// T-143
#[test]
fn secrets_of_the_webhook_are_texts_files_references_or_names_beside_the_keys() {
    let folder = Folder::new();
    let of = |changes: &[&str]| Config::from_args(&with(good(), changes), &nothing).unwrap().webhook.unwrap();
    let secret = "0123456789abcdef,fedcba9876543210";
    assert!(matches!(of(&[&format!("GITHUB_WEBHOOK_SECRET={secret}")]).secret, SecretSource::Value { .. }));
    let file = format!("GITHUB_WEBHOOK_SECRET_FILE={}", folder.file("secret", "0123456789abcdef\nfedcba9876543210\n"));
    assert!(matches!(of(&[&file]).secret, SecretSource::File { .. }));
    let config = of(&["GITHUB_WEBHOOK_SECRET=vault://secret/octo-sts#webhook", "GITHUB_WEBHOOK_ORGANIZATION_FILTER=Acme, other"]);
    assert_eq!(config.organisations, ["acme".parse().unwrap(), "other".parse().unwrap()]);
    assert!(!format!("{config:?}").contains("octo-sts#webhook"));
    let args = with(good(), &["KMS_KEYS=alias/x", "KMS_PROVIDER=aws", "GITHUB_WEBHOOK_SECRET=one,two"]);
    let named = webhook::read(&args, Role::Service, &mut Findings::default()).unwrap().unwrap();
    assert!(matches!(named.secret, SecretSource::Named { references, .. } if references.len() == 2));
}

#[test]
fn a_receiver_needs_a_secret_and_no_name() {
    let read = |changes: &[&str]| Config::for_role(Role::Receiver, &with(good(), changes), &nothing);
    assert!(read(&["STS_DOMAIN"]).unwrap_err().to_string().starts_with("GITHUB_WEBHOOK_SECRET: is not set"));
    let config = read(&["STS_DOMAIN", "GITHUB_WEBHOOK_SECRET=0123456789abcdef"]).unwrap();
    assert_eq!((config.domain.as_str(), config.warnings.len()), ("localhost", 1));
}

/// T-140
#[test]
fn an_empty_webhook_secret_is_a_mistake_and_no_choice() {
    for empty in ["GITHUB_WEBHOOK_SECRET=", "GITHUB_WEBHOOK_SECRET=  "] {
        assert!(refused(&[empty]).contains("GITHUB_WEBHOOK_SECRET: is empty"), "Input: {empty}");
    }
}

/// T-133
#[test]
fn a_key_may_be_a_reference_and_a_bad_reference_is_never_a_key() {
    let key = |text: &str| format!("APP_SECRET_CERTIFICATE_ENV_VAR={text}");
    Config::from_args(&with(good(), &[&key("vault://secret/octo-sts#key")]), &nothing).unwrap();
    assert!(refused(&[&key("vault://secret")]).contains("write `vault://MOUNT/PATH#FIELD`"));
}

#[test]
fn an_app_may_have_several_keys_in_a_key_service() {
    let text = "orgs:\n  - name: '*'\n    apps: [{app_id: 1, kms_key: 'alias/new, alias/old'}]\n";
    let owners = app_file::parse(text, &|name| (name == "KMS_PROVIDER").then(|| "aws".to_owned())).unwrap();
    assert!(matches!(&owners[0].apps[0].key, KeySource::Kms { keys, .. } if *keys == ["alias/new", "alias/old"]));
}

/// T-133
#[test]
fn each_fault_of_the_apps_file_is_found_at_its_place() {
    let folder = Folder::new();
    let key = folder.file("key.pem", &KEY);
    let app = |more: &str| format!("orgs:\n  - name: acme\n    apps:\n      - {{app_id: 1, private_key_file: {key}{more}}}\n");
    let org = |name: &str, id: u64, more: &str| format!("  - name: {name}\n    apps: [{{app_id: {id}, private_key_file: {key}{more}}}]\n");
    let rows = [
        String::new(),
        "- a\n".to_owned(),
        "organisations: []\n".to_owned(),
        "orgs: []\n".to_owned(),
        "orgs:\n  - name: acme\n".to_owned(),
        "orgs:\n  - apps: []\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: []\n".to_owned(),
        "orgs:\n  - name: a/b\n    apps: [{app_id: 1}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: 1}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: one, private_key: x}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: 1, private_key: '${UNSET}'}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: 1, private_key: nonsense}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: 1, private_key_file: /nowhere/k.pem}]\n".to_owned(),
        "orgs:\n  - name: acme\n    apps: [{app_id: 1, kms_key: short}]\n".to_owned(),
        app(", private_key: x"),
        app(", key: x"),
        app(", app_name: [x]"),
        app(&format!("}}\n      - {{app_id: 1, private_key_file: {key}")),
        format!("orgs:\n{}{}", org("acme", 1, ""), org("ACME", 2, "")),
        format!("orgs:\n{}{}", org("'*'", 1, ""), org("'*'", 2, "")),
        format!("orgs:\n{}{}", org("acme", 1, ""), org("other", 1, ", app_name: x")),
    ];
    let mut page = String::new();
    for (at, text) in rows.iter().enumerate() {
        let path = folder.file(&format!("{at:02}.yaml"), text);
        _ = writeln!(page, "{}", folder.hide(&refused(&[&format!("APP_CONFIG_FILE={path}")])));
    }
    insta::assert_snapshot!(page);
}
