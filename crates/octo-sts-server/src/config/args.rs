//! The variables and flags of `octo-sts serve`.

use clap::Args;

/// What the operator wrote: one text per variable, flag before environment, nothing checked yet.
///
/// The first line of each help text is also the variable's row in the reference page; `Default:` in it begins the column
/// of defaults.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The service")]
pub struct ServeArgs {
    /// The service's public name, without scheme: what callers ask their token for. Default: none, required
    #[arg(long = "domain", env = "STS_DOMAIN", value_name = "HOST")]
    pub sts_domain: Option<String>,
    /// The port to listen on, on every address. Default: `8080`
    #[arg(long, env = "PORT", value_name = "PORT")]
    pub port: Option<String>,
    /// The address to listen on, instead of PORT, such as `127.0.0.1:8080` or `[::]:8080`. Default: `0.0.0.0:PORT`
    #[arg(long = "listen", env = "STS_LISTEN", value_name = "ADDRESS:PORT")]
    pub sts_listen: Option<String>,
    /// A file with the certificate chain, PEM: serve TLS. Read again when it changes. Default: none
    #[arg(long = "tls-cert-file", env = "STS_TLS_CERT_FILE", value_name = "FILE")]
    pub sts_tls_cert_file: Option<String>,
    /// A file with the private key of the certificate, PEM. Default: none
    #[arg(long = "tls-key-file", env = "STS_TLS_KEY_FILE", value_name = "FILE")]
    pub sts_tls_key_file: Option<String>,
    /// Whether gRPC reflection tells what the service offers. Default: `true`
    #[arg(long = "reflection", env = "STS_REFLECTION", value_name = "BOOL")]
    pub sts_reflection: Option<String>,
    /// The longest drain after SIGTERM, such as `10s`. Default: `10s`
    #[arg(long = "drain-timeout", env = "STS_DRAIN_TIMEOUT", value_name = "DURATION")]
    pub sts_drain_timeout: Option<String>,

    /// The App's id; several, separated by commas, together with `KMS_KEYS`. Default: none
    #[arg(long, env = "GITHUB_APP_IDS", value_name = "IDS", help_heading = "GitHub Apps and their keys")]
    pub github_app_ids: Option<String>,
    /// A file with the App's private key, PEM; several keys of the one App may follow each other. Default: none
    #[arg(long, env = "APP_SECRET_CERTIFICATE_FILE", value_name = "FILE", help_heading = "GitHub Apps and their keys")]
    pub app_secret_certificate_file: Option<String>,
    /// The App's private key itself, PEM, or a reference to a secret. Default: none
    #[arg(long, env = "APP_SECRET_CERTIFICATE_ENV_VAR", value_name = "PEM", hide_env_values = true, help_heading = "GitHub Apps and their keys")]
    pub app_secret_certificate_env_var: Option<String>,
    /// The keys in a key management service, one per App of `GITHUB_APP_IDS`, same order. Default: none
    #[arg(long, env = "KMS_KEYS", value_name = "KEYS", help_heading = "GitHub Apps and their keys")]
    pub kms_keys: Option<String>,
    /// Where `KMS_KEYS` are: `gcp`, `aws`, `akv` or `pkcs11`. Default: `gcp`
    #[arg(long, env = "KMS_PROVIDER", value_name = "PROVIDER", help_heading = "GitHub Apps and their keys")]
    pub kms_provider: Option<String>,
    /// A YAML file that names the Apps per organisation; wins over the variables above. Default: none
    #[arg(long, env = "APP_CONFIG_FILE", value_name = "FILE", help_heading = "GitHub Apps and their keys")]
    pub app_config_file: Option<String>,
    /// GitHub's API; for GitHub Enterprise Server `https://HOST/api/v3`. Default: `https://api.github.com`
    #[arg(long, env = "GITHUB_BASE_URL", value_name = "URL", help_heading = "GitHub Apps and their keys")]
    pub github_base_url: Option<String>,

    /// The repository of organisation policies and the issuer allowlist. Default: `.github`
    #[arg(long, env = "ORG_POLICY_REPO", value_name = "NAME", help_heading = "Policies")]
    pub org_policy_repo: Option<String>,
    /// Audiences accepted where a policy names none, separated by commas; `{scope}` stands for the repository asked for. Default: `STS_DOMAIN`, `https://STS_DOMAIN`, `https://github.com/{scope}`
    #[arg(long = "default-audiences", env = "STS_DEFAULT_AUDIENCES", value_name = "AUDIENCES", help_heading = "Policies")]
    pub sts_default_audiences: Option<String>,
    /// Accept `STS_DOMAIN` alone where a policy names no audience. Default: `false`
    #[arg(long = "strict-audience", env = "STS_STRICT_AUDIENCE", value_name = "BOOL", help_heading = "Policies")]
    pub sts_strict_audience: Option<String>,
    /// What a repository's policy may grant over its organisation: `deny`, `read` or `allow`. Default: `read`
    #[arg(long = "repo-policy-org-permissions", env = "STS_REPO_POLICY_ORG_PERMISSIONS", value_name = "MODE", help_heading = "Policies")]
    pub sts_repo_policy_org_permissions: Option<String>,
    /// Refuse policies that are symbolic links. Default: `false`
    #[arg(long = "strict-policy-files", env = "STS_STRICT_POLICY_FILES", value_name = "BOOL", help_heading = "Policies")]
    pub sts_strict_policy_files: Option<String>,
    /// Where the guardrails of organisations count: `with-allowlist` where there is an issuer allowlist beside them, `always` everywhere. Default: `with-allowlist`
    #[arg(long = "org-guardrails", env = "STS_ORG_GUARDRAILS", value_name = "WHERE", help_heading = "Policies")]
    pub sts_org_guardrails: Option<String>,
    /// A file of guardrails, YAML, that bound every grant of this service. Default: none
    #[arg(long = "guardrails-file", env = "STS_GUARDRAILS_FILE", value_name = "FILE", help_heading = "Policies")]
    pub sts_guardrails_file: Option<String>,
    /// How often one OIDC token may be exchanged while it is valid: `allow` for as often as its holder likes, or `once`. Default: `allow`
    #[arg(long = "replay", env = "STS_REPLAY", value_name = "MODE", help_heading = "Policies")]
    pub sts_replay: Option<String>,

    /// The issuers that are admitted at all, separated by commas; `*` stands for one segment of the path. Default: every issuer
    #[arg(long = "allowed-issuers", env = "STS_ALLOWED_ISSUERS", value_name = "ISSUERS", help_heading = "Issuers")]
    pub sts_allowed_issuers: Option<String>,
    /// Issuers that may be on private or loopback addresses: full https URLs, separated by commas. Default: none
    #[arg(long = "private-issuers", env = "STS_PRIVATE_ISSUERS", value_name = "ISSUERS", help_heading = "Issuers")]
    pub sts_private_issuers: Option<String>,
    /// A YAML or JSON file that describes issuers one by one: where their keys are, whom TLS trusts for them, their addresses, and what their tokens must say. Read again when it changes. Default: none
    #[arg(long = "issuers-file", env = "STS_ISSUERS_FILE", value_name = "FILE", help_heading = "Issuers")]
    pub sts_issuers_file: Option<String>,
    /// Issuers that this service cannot reach, separated by commas, `*` for a segment of the path: their tokens are verified with the `jwks` of the policy that is asked for, and with nothing else. Default: none
    #[arg(long = "policy-jwks-issuers", env = "STS_POLICY_JWKS_ISSUERS", value_name = "ISSUERS", help_heading = "Issuers")]
    pub sts_policy_jwks_issuers: Option<String>,
    /// Admit http issuers on loopback, for trying things out. Default: `false`
    #[arg(long = "allow-localhost-issuers", env = "STS_ALLOW_LOCALHOST_ISSUERS", value_name = "BOOL", help_heading = "Issuers")]
    pub sts_allow_localhost_issuers: Option<String>,
    /// Issuers whose keys are fetched at start, separated by commas; empty: none. Default: `https://token.actions.githubusercontent.com`
    #[arg(long = "prefetch-issuers", env = "STS_PREFETCH_ISSUERS", value_name = "ISSUERS", help_heading = "Issuers")]
    pub sts_prefetch_issuers: Option<String>,
    /// How long past its `exp` a token still counts; 5 minutes at the most. Default: `0s`
    #[arg(long = "clock-leeway", env = "STS_CLOCK_LEEWAY", value_name = "DURATION", help_heading = "Issuers")]
    pub sts_clock_leeway: Option<String>,

    /// The secret that GitHub signs deliveries with, several with commas between them, or a reference; with `KMS_KEYS`, names in the secret manager beside it. Default: none, no deliveries are taken
    #[arg(long, env = "GITHUB_WEBHOOK_SECRET", value_name = "SECRETS", hide_env_values = true, help_heading = "Webhook")]
    pub github_webhook_secret: Option<String>,
    /// A file with the secrets, instead of `GITHUB_WEBHOOK_SECRET`, one to a line. Default: none
    #[arg(long, env = "GITHUB_WEBHOOK_SECRET_FILE", value_name = "FILE", help_heading = "Webhook")]
    pub github_webhook_secret_file: Option<String>,
    /// The organisations whose deliveries count, separated by commas. Default: all
    #[arg(long, env = "GITHUB_WEBHOOK_ORGANIZATION_FILTER", value_name = "ORGANISATIONS", help_heading = "Webhook")]
    pub github_webhook_organization_filter: Option<String>,

    /// Where the App that a caller who writes checks was given is remembered: `memory`, `redis` or `firestore`. Default: none, every replica computes the same order
    #[arg(long = "sticky-store", env = "OCTOSTS_STICKY_STORE", value_name = "STORE", help_heading = "Replicas")]
    pub octosts_sticky_store: Option<String>,
    /// The Redis that replicas share, `redis://` or `rediss://`, or a reference to a secret: for sticky routes, used tokens and news of pushes. Default: none
    #[arg(long = "redis-url", env = "STS_REDIS_URL", value_name = "URL", hide_env_values = true, help_heading = "Replicas")]
    pub sts_redis_url: Option<String>,
    /// A file with the address of Redis, instead of `STS_REDIS_URL`. Default: none
    #[arg(long = "redis-url-file", env = "STS_REDIS_URL_FILE", value_name = "FILE", help_heading = "Replicas")]
    pub sts_redis_url_file: Option<String>,
    /// The Google Cloud project of the Firestore. Default: the one the service runs in
    #[arg(
        long = "sticky-store-firestore-project",
        env = "OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT",
        value_name = "PROJECT",
        help_heading = "Replicas"
    )]
    pub octosts_sticky_store_firestore_project: Option<String>,
    /// The Firestore collection of sticky routes. Default: `sticky-routes`
    #[arg(
        long = "sticky-store-firestore-collection",
        env = "OCTOSTS_STICKY_STORE_FIRESTORE_COLLECTION",
        value_name = "NAME",
        help_heading = "Replicas"
    )]
    pub octosts_sticky_store_firestore_collection: Option<String>,
    /// How long a route in Firestore lasts after its last use. Default: `1h`
    #[arg(long = "sticky-store-firestore-ttl", env = "OCTOSTS_STICKY_STORE_FIRESTORE_TTL", value_name = "DURATION", help_heading = "Replicas")]
    pub octosts_sticky_store_firestore_ttl: Option<String>,

    /// Exchanges under way at once; beyond, `503` at once. A number or `off`. Default: `4096`
    #[arg(long = "max-exchanges", env = "STS_MAX_EXCHANGES", value_name = "COUNT", help_heading = "Limits per caller")]
    pub sts_max_exchanges: Option<String>,

    /// Exchanges of one issuer and subject, such as `600/min` or `10/s burst 50`; beyond, `429`. Default: `off`
    #[arg(long = "rate-limit-per-caller", env = "STS_RATE_LIMIT_PER_CALLER", value_name = "RATE", help_heading = "Limits per caller")]
    pub sts_rate_limit_per_caller: Option<String>,
    /// Requests from one address whose token does not verify; beyond, `429`. Loopback and private addresses are not limited: proxies have them. `off` behind a proxy with a public address. Default: `600/min burst 200`
    #[arg(
        long = "rate-limit-failures-per-address",
        env = "STS_RATE_LIMIT_FAILURES_PER_ADDRESS",
        value_name = "RATE",
        help_heading = "Limits per caller"
    )]
    pub sts_rate_limit_failures_per_address: Option<String>,
    /// Requests from one address for one owner whose token is not verified by the `jwks` of a policy that was read for it; beyond, `429`. Callers behind a proxy with a private address count as one. Default: `60/min burst 30`
    #[arg(long = "rate-limit-policy-jwks", env = "STS_RATE_LIMIT_POLICY_JWKS", value_name = "RATE", help_heading = "Limits per caller")]
    pub sts_rate_limit_policy_jwks: Option<String>,

    /// Where CloudEvents of every exchange are posted. Default: none
    #[arg(long, env = "EVENT_INGRESS_URI", value_name = "URL", hide_env_values = true, help_heading = "Records and metrics")]
    pub event_ingress_uri: Option<String>,
    /// Post events in batches of at most so many, each within a second, as `application/cloudevents-batch+json`. Default: none, each by itself in binary mode
    #[arg(long = "event-batch", env = "STS_EVENT_BATCH", value_name = "EVENTS", help_heading = "Records and metrics")]
    pub sts_event_batch: Option<String>,
    /// Whether one JSON line per exchange goes to standard output. Default: `false`
    #[arg(long = "audit-stdout", env = "STS_AUDIT_STDOUT", value_name = "BOOL", help_heading = "Records and metrics")]
    pub sts_audit_stdout: Option<String>,
    /// A file that takes one JSON line per exchange. Default: none
    #[arg(long = "audit-file", env = "STS_AUDIT_FILE", value_name = "FILE", help_heading = "Records and metrics")]
    pub sts_audit_file: Option<String>,
    /// A folder where events wait while `EVENT_INGRESS_URI` does not take them. Default: none, they wait in memory
    #[arg(long = "audit-dir", env = "STS_AUDIT_DIR", value_name = "FOLDER", help_heading = "Records and metrics")]
    pub sts_audit_dir: Option<String>,
    /// Whether metrics are served and CloudEvents are sent. Default: `true`
    #[arg(long, env = "METRICS", value_name = "BOOL", help_heading = "Records and metrics")]
    pub metrics: Option<String>,
    /// The port of the metrics page, `/metrics`. Default: `2112`
    #[arg(long, env = "METRICS_PORT", value_name = "PORT", help_heading = "Records and metrics")]
    pub metrics_port: Option<String>,

    /// An App with fewer calls left is the last choice. Default: `1500`
    #[arg(long = "quota-floor-hard", env = "OCTOSTS_QUOTA_FLOOR_HARD", value_name = "CALLS", help_heading = "GitHub's rate limits")]
    pub octosts_quota_floor_hard: Option<String>,
    /// An App with fewer calls left is a second choice. Default: `5000`
    #[arg(long = "quota-floor-soft", env = "OCTOSTS_QUOTA_FLOOR_SOFT", value_name = "CALLS", help_heading = "GitHub's rate limits")]
    pub octosts_quota_floor_soft: Option<String>,
    /// Older readings of what is left count as unknown. Default: `5m`
    #[arg(long = "quota-stale", env = "OCTOSTS_QUOTA_STALE", value_name = "DURATION", help_heading = "GitHub's rate limits")]
    pub octosts_quota_stale: Option<String>,
}
