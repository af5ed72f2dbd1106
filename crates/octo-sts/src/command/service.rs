//! Which service is asked, and with which OIDC token: the arguments that `exchange` and `git-credential` share.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use octo_sts_client::{Reply, ServiceAddress, StsClient, Surroundings, TokenSource, Wanted};
use octo_sts_http::{Client, ClientSettings, Protocol, Proxy, Roots};
use octo_sts_types::SystemClock;
use secrecy::SecretString;

use super::failure::{Exit, Failure};

/// Longest time for one request; the service itself ends one after 10 s.
const ONE_REQUEST: Duration = Duration::from_secs(15);

/// The domain of the public service.
const PUBLIC: &str = "octo-sts.dev";

/// Which service, and with which token.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServiceArgs {
    /// The service's domain; it is asked at `https://DOMAIN` [default: octo-sts.dev]
    #[arg(long, env = "OCTO_STS_DOMAIN")]
    pub(crate) domain: Option<String>,
    /// The service's address, where it is not `https://DOMAIN`
    #[arg(long, env = "OCTO_STS_URL")]
    pub(crate) url: Option<String>,
    /// The audience of the OIDC token [default: DOMAIN, or the host of URL where that alone is given]
    #[arg(long, env = "OCTO_STS_AUDIENCE")]
    pub(crate) audience: Option<String>,
    /// Where the OIDC token comes from: auto, github-actions, gitlab, circleci, buildkite, google, aws, azure, kubernetes, stdin, `env:NAME`, `file:PATH`
    #[arg(long, env = "OCTO_STS_FROM", default_value = "auto", value_name = "SOURCE")]
    pub(crate) from: String,
    /// The OIDC token itself. Others on this machine may see it; the other ways do not show it
    #[arg(long, value_name = "JWT", conflicts_with_all = ["token_file", "token_command"])]
    pub(crate) token: Option<SecretString>,
    /// A file that holds the OIDC token; `-` is standard input
    #[arg(long, value_name = "PATH", conflicts_with = "token_command")]
    pub(crate) token_file: Option<PathBuf>,
    /// A shell command that prints the OIDC token
    #[arg(long, value_name = "COMMAND")]
    pub(crate) token_command: Option<String>,
    /// Longest time to try, for all attempts together
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// Say what is done, even where standard error is no terminal
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Where GitHub's API is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApiArgs {
    /// GitHub's API, where tokens are revoked; an Enterprise Server's is `https://HOST/api/v3`
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com", value_name = "URL")]
    pub(crate) api_url: String,
}

impl ApiArgs {
    pub(crate) fn address(&self) -> Result<ServiceAddress, Failure> {
        Ok(ServiceAddress::parse(&self.api_url)?)
    }
}

impl ServiceArgs {
    /// Gets an OIDC token and exchanges it.
    pub(crate) async fn exchange(&self, http: &Client, scope: &str, identity: &str) -> Result<Reply, Failure> {
        let surroundings = surroundings(http);
        let (address, audience, source) = (self.address()?, self.audience()?, self.source(&surroundings)?);
        self.tell(&format!("OIDC token from {source}, for audience {audience}"));
        let oidc = source.token(&audience, &surroundings).await?;
        self.tell(&format!("asking {address} for {identity} on {scope}"));
        let client = StsClient::new(http.clone(), address, self.timeout, Arc::new(SystemClock));
        client.exchange(&oidc, Wanted { scope, identity }).await.map_err(|error| {
            let mut failure = Failure::from(error);
            failure.more.push(format!("asked for {identity} on {scope}, with an OIDC token from {source} for audience {audience}"));
            failure
        })
    }

    /// Whom, and in whose name, an exchange would ask: a token is never kept for another of either.
    pub(crate) fn asked(&self, http: &Client) -> Result<[String; 3], Failure> {
        let surroundings = surroundings(http);
        Ok([self.address()?.to_string(), self.audience()?, self.source(&surroundings)?.holder(&surroundings)])
    }

    fn audience(&self) -> Result<String, Failure> {
        if let Some(audience) = &self.audience {
            return Ok(audience.clone());
        }
        let service = self.domain.as_deref().map_or_else(|| self.address(), |domain| Ok(ServiceAddress::of_domain(domain)?))?;
        Ok(service.host().to_owned())
    }

    fn address(&self) -> Result<ServiceAddress, Failure> {
        Ok(self.url.as_deref().map_or_else(|| ServiceAddress::of_domain(self.domain.as_deref().unwrap_or(PUBLIC)), ServiceAddress::parse)?)
    }

    fn source(&self, surroundings: &Surroundings<'_>) -> Result<TokenSource, Failure> {
        if let Some(token) = &self.token {
            return Ok(TokenSource::Given(token.clone()));
        }
        if let Some(path) = &self.token_file {
            return Ok(if path.as_os_str() == "-" { TokenSource::Stdin } else { TokenSource::File(path.clone()) });
        }
        if let Some(command) = &self.token_command {
            return Ok(TokenSource::Command(command.clone()));
        }
        if self.from != "auto" {
            return self.from.parse().map_err(|error| Failure::usage(anyhow::Error::new(error)));
        }
        TokenSource::detect(surroundings).ok_or_else(|| {
            Failure::new(
                Exit::NoToken,
                anyhow!("nothing here shows where an OIDC token comes from: say it with --from, --token-file or --token-command"),
            )
        })
    }

    /// Says what is done to a person who watches.
    pub(crate) fn tell(&self, what: &str) {
        if self.verbose || (!self.quiet && std::io::stderr().is_terminal()) {
            eprintln!("octo-sts: {what}");
        }
    }
}

fn surroundings(http: &Client) -> Surroundings<'_> {
    Surroundings { variable: &variable, exists: &Path::exists, http }
}

/// An environment variable that is text.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The proxy that the environment names, in the variables that `curl` reads.
fn proxy() -> Result<Option<Proxy>, Failure> {
    let first = |names: [&str; 2]| names.into_iter().filter_map(variable).find(|value| !value.is_empty());
    let Some(address) = first(["https_proxy", "HTTPS_PROXY"]).or_else(|| first(["all_proxy", "ALL_PROXY"])) else { return Ok(None) };
    let except = first(["no_proxy", "NO_PROXY"]).unwrap_or_default();
    Proxy::new(&address, &except).map(Some).map_err(|error| Failure::usage(anyhow!("HTTPS_PROXY: {error}")))
}

/// The client of these commands.
pub(crate) fn http() -> Result<Client, Failure> {
    let roots = Roots::load().context("no HTTPS is possible").map_err(Failure::usage)?;
    let settings = ClientSettings {
        user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).to_owned(),
        roots,
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: Duration::from_secs(5),
        deadline: ONE_REQUEST,
        max_body: 256 * 1024,
    };
    Client::behind(settings, proxy()?).map_err(|error| Failure::usage(error.into()))
}
