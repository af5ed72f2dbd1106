//! A configuration that needs a client which is not in this build.

use octo_sts_server::{Config, ServeArgs, start};

use crate::house::{DOMAIN, House};

fn args(key: &str) -> ServeArgs {
    let text = |text: &str| Some(text.to_owned());
    ServeArgs {
        sts_domain: text(DOMAIN),
        github_app_ids: text("4242"),
        app_secret_certificate_env_var: text(key),
        sts_listen: text("127.0.0.1:0"),
        metrics: text("false"),
        ..ServeArgs::default()
    }
}

fn refused(args: &ServeArgs) -> String {
    Config::from_args(args, &|_| None).unwrap_err().to_string()
}

#[tokio::test]
async fn key_services_and_stores_are_named_with_their_feature() {
    let house = House::build().await;
    let key = house.app.private_key_pem();
    for (provider, name, place, feature) in [
        ("aws", "alias/octo-sts", "AWS KMS", "aws"),
        ("gcp", "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "Google Cloud KMS", "gcp"),
        ("akv", "https://v.vault.azure.net/keys/app", "Azure Key Vault", "azure"),
        ("pkcs11", "pkcs11:object=app?module-path=/lib.so&pin-value=1234", "PKCS#11", "pkcs11"),
    ] {
        let kms = ServeArgs { app_secret_certificate_env_var: None, kms_provider: Some(provider.into()), kms_keys: Some(name.into()), ..args(&key) };
        let said = refused(&kms);
        assert!(said.starts_with(&format!("KMS_KEYS: this build has no {place}: build with `--features {feature}` or")), "{said}");
        assert!(!said.contains("1234"), "{said}");
    }
    let firestore = ServeArgs { octosts_sticky_store: Some("firestore".into()), ..args(&key) };
    assert!(refused(&firestore).starts_with("OCTOSTS_STICKY_STORE: this build has no Firestore: build with `--features firestore` or"));
    for sticky in [None, Some("redis".into())] {
        let redis = ServeArgs { octosts_sticky_store: sticky, sts_redis_url: Some("redis://:hunter2@localhost".into()), ..args(&key) };
        let said = refused(&redis);
        assert!(said.starts_with("STS_REDIS_URL: this build has no Redis: build with `--features redis` or") && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn secret_managers_are_named_with_their_feature_before_anybody_is_served() {
    let house = House::build().await;
    let key = house.app.private_key_pem();
    for (reference, feature) in [("aws-sm://octo-sts", "aws"), ("projects/p/secrets/s", "gcp"), ("https://v.vault.azure.net/secrets/s", "azure")] {
        let webhook = ServeArgs { github_webhook_secret: Some(reference.into()), ..args(&key) };
        for (args, variable) in [(webhook, "GITHUB_WEBHOOK_SECRET"), (args(reference), "APP_SECRET_CERTIFICATE_ENV_VAR")] {
            let mut config = Config::from_args(&args, &|_| None).unwrap();
            config.extra_roots = Some(house.sandbox.ca_pem().to_owned());
            let said = start(config).await.unwrap_err().to_string();
            assert!(said.contains(variable) && said.contains(&format!("build with `--features {feature}` or")), "{said}");
        }
    }
}
