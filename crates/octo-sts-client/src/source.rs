//! Where OIDC tokens come from.
//!
//! | Source | Name for `--from` | How |
//! |---|---|---|
//! | a variable, a file, standard input | `env:NAME`, `file:PATH`, `stdin` | read |
//! | a command | | run by `sh -c`, its output read |
//! | GitHub Actions | `github-actions` | the runner's token endpoint |
//! | GitLab CI | `gitlab` | the job's `id_tokens` variable |
//! | CircleCI | `circleci` | `circleci run oidc get` |
//! | Buildkite | `buildkite` | `buildkite-agent oidc request-token` |
//! | Google Cloud | `google` | the metadata server |
//! | AWS | `aws` | `aws sts get-web-identity-token` |
//! | Azure | `azure` | the managed identity endpoint |
//! | Kubernetes | `kubernetes` | a projected service account token |

mod command;
mod detect;
mod endpoint;
mod error;
mod local;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use octo_sts_http::Client;
use secrecy::{ExposeSecret as _, SecretString};

pub use error::{SourceError, UnknownSource};

/// Longest token, in bytes: what the service reads.
const LONGEST: usize = 16 * 1024;
/// Where a projected token is mounted when `OCTO_STS_TOKEN_FILE` does not say.
pub(crate) const KUBERNETES_FILE: &str = "/var/run/secrets/octo-sts/token";

/// One place that hands out OIDC tokens.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// This very token.
    Given(SecretString),
    /// The content of a file.
    File(PathBuf),
    /// What comes on standard input.
    Stdin,
    /// What a shell command prints.
    Command(String),
    /// The value of an environment variable.
    Variable(String),
    /// The token endpoint of a GitHub Actions job.
    GitHubActions,
    /// A variable that a GitLab job's `id_tokens` fills.
    GitLab,
    /// CircleCI's command, which asks for our audience.
    CircleCi,
    /// Buildkite's agent.
    Buildkite,
    /// The metadata server of Google Cloud.
    Google,
    /// AWS outbound identity federation, through the `aws` command.
    Aws,
    /// Azure's managed identities: App Service's endpoint where there is one, else the instance metadata service.
    Azure,
    /// A projected service account token.
    Kubernetes,
}

/// What surrounds the process, passed in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// An environment variable's value.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    /// Whether a file is there.
    pub exists: &'a (dyn Fn(&Path) -> bool + Send + Sync),
    /// For sources that are asked over HTTP.
    pub http: &'a Client,
}

impl TokenSource {
    /// The source that the environment shows, first CI systems, then clouds, then Kubernetes.
    pub fn detect(surroundings: &Surroundings<'_>) -> Option<Self> {
        detect::detect(surroundings)
    }

    /// A text that differs where another workload, or another job, stands behind this source: what was got for one of them is
    /// never to be kept for another. Nobody is asked for it.
    pub fn holder(&self, surroundings: &Surroundings<'_>) -> String {
        let variable = |name: &str| (surroundings.variable)(name).unwrap_or_default();
        let secret = match self {
            Self::Given(token) => token.expose_secret().to_owned(),
            Self::File(path) => local::file(path).unwrap_or_default(),
            Self::Variable(name) => variable(name),
            Self::GitLab => local::gitlab("", surroundings).unwrap_or_default(),
            Self::Kubernetes => local::kubernetes("", surroundings).unwrap_or_default(),
            Self::Command(line) => line.clone(),
            Self::CircleCi => variable("CIRCLE_WORKFLOW_JOB_ID"),
            Self::Buildkite => variable("BUILDKITE_JOB_ID"),
            Self::GitHubActions => variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
            Self::Azure => variable("AZURE_CLIENT_ID"),
            Self::Aws => ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"].map(variable).join(" "),
            Self::Stdin | Self::Google => String::new(),
        };
        format!("{self}: {}", crate::sha256_hex(&secret))
    }

    /// Gets a token for an audience. Sources that cannot choose the audience give the token they have.
    pub async fn token(&self, audience: &str, surroundings: &Surroundings<'_>) -> Result<SecretString, SourceError> {
        let text = match self {
            Self::Given(token) => Ok(token.expose_secret().to_owned()),
            Self::File(path) => local::file(path),
            Self::Stdin => local::stdin(),
            Self::Variable(name) => local::variable(name, surroundings),
            Self::GitLab => local::gitlab(audience, surroundings),
            Self::Kubernetes => local::kubernetes(audience, surroundings),
            Self::Command(line) => command::shell(line).await,
            Self::CircleCi => command::circleci(audience, surroundings).await,
            Self::Buildkite => command::buildkite(audience).await,
            Self::Aws => command::aws(audience).await,
            Self::GitHubActions => endpoint::github_actions(audience, surroundings).await,
            Self::Google => endpoint::google(audience, surroundings).await,
            Self::Azure => endpoint::azure(audience, surroundings).await,
        }?;
        let token = SecretString::from(text.trim());
        if is_token(token.expose_secret()) { Ok(token) } else { Err(SourceError::NotAToken(self.to_string())) }
    }
}

/// Whether a text has the shape of a signed token (RFC 7515 §7.1).
fn is_token(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    text.len() <= LONGEST && text.split('.').count() == 3 && text.split('.').all(plain)
}

impl FromStr for TokenSource {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, UnknownSource> {
        Ok(match name.split_once(':') {
            Some(("env", variable)) if !variable.is_empty() => Self::Variable(variable.to_owned()),
            Some(("file", path)) if !path.is_empty() => Self::File(path.into()),
            _ => match name {
                "stdin" | "-" => Self::Stdin,
                "github-actions" => Self::GitHubActions,
                "gitlab" => Self::GitLab,
                "circleci" => Self::CircleCi,
                "buildkite" => Self::Buildkite,
                "google" => Self::Google,
                "aws" => Self::Aws,
                "azure" => Self::Azure,
                "kubernetes" => Self::Kubernetes,
                _ => return Err(UnknownSource(name.to_owned())),
            },
        })
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("the command line"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Stdin => f.write_str("standard input"),
            Self::Command(_) => f.write_str("the token command"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::GitHubActions => f.write_str("GitHub Actions"),
            Self::GitLab => f.write_str("GitLab CI"),
            Self::CircleCi => f.write_str("CircleCI"),
            Self::Buildkite => f.write_str("Buildkite"),
            Self::Google => f.write_str("Google Cloud"),
            Self::Aws => f.write_str("AWS"),
            Self::Azure => f.write_str("Azure"),
            Self::Kubernetes => f.write_str("Kubernetes"),
        }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use octo_sts_http::{ClientSettings, Protocol, Roots};

    use super::*;

    /// A client that trusts nobody: enough for plain http.
    pub(crate) fn http() -> Client {
        let roots = Roots::from_pem(&rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();
        let (connect_timeout, deadline) = (Duration::from_secs(1), Duration::from_secs(2));
        Client::new(ClientSettings {
            user_agent: "t".into(),
            roots,
            protocol: Protocol::Http1,
            guard: None,
            connect_timeout,
            deadline,
            max_body: 65536,
        })
        .unwrap()
    }

    /// Variables as a function.
    pub(crate) fn variables(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + Send + Sync + use<> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    #[tokio::test]
    async fn a_source_trims_and_gives_nothing_but_a_token() {
        let (http, variable) =
            (http(), variables(&[("GOOD", " a.b-_.c\n"), ("TWO", "a.b"), ("HTML", "<html>"), ("OPAQUE", "ghs_abc"), ("EMPTY", "")]));
        let surroundings = Surroundings { variable: &variable, exists: &|_| false, http: &http };
        let token = |name: &str| TokenSource::Variable(name.to_owned());
        assert_eq!(token("GOOD").token("a", &surroundings).await.unwrap().expose_secret(), "a.b-_.c");
        for name in ["TWO", "HTML", "OPAQUE"] {
            assert!(matches!(token(name).token("a", &surroundings).await, Err(SourceError::NotAToken(_))), "Variable: {name}");
        }
        assert!(matches!(token("EMPTY").token("a", &surroundings).await, Err(SourceError::Missing(_))));
    }

    #[test]
    fn names_are_sources() {
        for name in ["github-actions", "gitlab", "circleci", "buildkite", "google", "aws", "azure", "kubernetes", "stdin", "env:X", "file:/x"] {
            assert!(name.parse::<TokenSource>().is_ok(), "Input: {name}");
        }
        for name in ["", "env:", "file:", "GitHub", "github_actions"] {
            assert!(name.parse::<TokenSource>().is_err(), "Input: {name}");
        }
    }

    #[test]
    fn another_job_is_another_holder_and_no_secret_shows() {
        let http = http();
        let holder = |source: &TokenSource, pairs: &[(&str, &str)]| {
            let variable = variables(pairs);
            source.holder(&Surroundings { variable: &variable, exists: &|_| false, http: &http })
        };
        for (source, name) in [
            (TokenSource::GitHubActions, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
            (TokenSource::GitLab, "OCTO_STS_ID_TOKEN"),
            (TokenSource::Buildkite, "BUILDKITE_JOB_ID"),
            (TokenSource::CircleCi, "CIRCLE_WORKFLOW_JOB_ID"),
            (TokenSource::Variable("X".to_owned()), "X"),
        ] {
            let (one, other) = (holder(&source, &[(name, "sekret-1")]), holder(&source, &[(name, "sekret-2")]));
            assert_ne!(one, other, "Source: {source}");
            assert!(!one.contains("sekret"), "{one}");
        }
        assert_ne!(holder(&TokenSource::Google, &[]), holder(&TokenSource::Azure, &[]));
    }

    /// T-105
    #[test]
    fn a_given_token_prints_nowhere() {
        let source = TokenSource::Given("a.sekret.c".into());
        assert!(!format!("{source:?} {source}").contains("sekret"));
    }
}
