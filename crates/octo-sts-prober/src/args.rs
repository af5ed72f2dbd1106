//! The command line and the variables of `octo-sts probe`.

use std::path::PathBuf;

/// Flags, each with its variable. `AUTHORIZATION` and `PROBER_TOKEN` have none: a command line can be seen by others.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ProbeArgs {
    /// Run one round and end: 0 when all is as it must be, 1 when a probe failed, 2 for a bad configuration
    #[arg(long, conflicts_with = "every")]
    pub once: bool,
    /// Run a round every so often, such as 60s, and leave metrics
    #[arg(long, value_name = "TIME", env = "PROBER_EVERY")]
    pub every: Option<String>,
    /// The service's domain; the audience of the OIDC token
    #[arg(long, value_name = "DOMAIN", env = "STS_DOMAIN")]
    pub domain: Option<String>,
    /// The service's address, where it is not `https://DOMAIN`
    #[arg(long, value_name = "URL", env = "PROBER_URL")]
    pub url: Option<String>,
    /// The repository that is probed [default: octo-sts/prober]
    #[arg(long, value_name = "OWNER/REPOSITORY", env = "PROBER_SCOPE")]
    pub scope: Option<String>,
    /// The trust policy that admits the prober
    #[arg(long, value_name = "NAME", env = "PROBER_IDENTITY")]
    pub identity: Option<String>,
    /// A trust policy in the same repository that does not admit the prober
    #[arg(long, value_name = "NAME", env = "PROBER_MISMATCH_IDENTITY")]
    pub mismatch_identity: Option<String>,
    /// GitHub's API [default: `https://api.github.com`]; an Enterprise Server's is `https://HOST/api/v3`
    #[arg(long, value_name = "URL", env = "GITHUB_BASE_URL")]
    pub github_url: Option<String>,
    /// Where the OIDC token comes from, as for `exchange --from` [default: GitHub Actions in a job of it, else google]
    #[arg(long, value_name = "SOURCE", env = "PROBER_FROM")]
    pub from: Option<String>,
    /// A file that holds the OIDC token; it is read anew in every round
    #[arg(long, value_name = "PATH", env = "PROBER_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// A shell command that prints the OIDC token
    #[arg(long, value_name = "COMMAND", env = "PROBER_TOKEN_COMMAND")]
    pub token_command: Option<String>,
    /// A file that holds a genuine OIDC token that has expired
    #[arg(long, value_name = "PATH", env = "PROBER_EXPIRED_TOKEN_FILE")]
    pub expired_token_file: Option<PathBuf>,
    /// Only these probes, with commas between them [default: all]
    #[arg(long, value_name = "PROBES", env = "PROBER_PROBES")]
    pub probes: Option<String>,
    /// The port of the endpoint, where neither --once nor --every is given [default: 8080]
    #[arg(long, value_name = "PORT", env = "PORT")]
    pub port: Option<String>,
    /// Whether there are metrics [default: true]
    #[arg(long, value_name = "BOOL", env = "METRICS")]
    pub metrics: Option<String>,
    /// The port of the metrics [default: 2112]
    #[arg(long, value_name = "PORT", env = "METRICS_PORT")]
    pub metrics_port: Option<String>,
}
