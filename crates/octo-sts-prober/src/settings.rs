//! What is probed, and how; read from flags and variables.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use octo_sts_client::{ServiceAddress, TokenSource};
use octo_sts_types::{Identity, Printable, Repository};

use crate::{args::ProbeArgs, probe::Probe};

const GITHUB: &str = "https://api.github.com";
/// The repository of upstream's probers.
const SCOPE: &str = "octo-sts/prober";
/// An audience that no policy is about: no name under `.invalid` is anybody's (RFC 2606 §2).
pub(crate) const FOREIGN_AUDIENCE: &str = "https://octo-sts-prober.invalid";

/// What is probed, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the service is.
    pub service: ServiceAddress,
    /// The audience of the OIDC token.
    pub audience: String,
    /// GitHub's API.
    pub github: ServiceAddress,
    /// The repository that is asked for.
    pub repository: Repository,
    /// The trust policy that admits the prober.
    pub identity: Identity,
    /// Where OIDC tokens come from.
    pub source: TokenSource,
    /// How a mismatch is brought about; none where there is no way.
    pub mismatch: Option<MismatchBy>,
    /// A file with a genuine token that has expired.
    pub expired_token_file: Option<PathBuf>,
    /// The probes of a round.
    pub probes: Vec<Probe>,
}

/// How a mismatch is brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MismatchBy {
    /// With a token for an audience that no policy is about.
    Audience,
    /// With a policy that is not about the prober's token.
    Identity(Identity),
}

/// What is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct ConfigError {
    /// The variables that it is about.
    pub name: &'static str,
    /// What is wrong, and what to write.
    pub why: String,
}

pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Reads what is probed, and how.
    pub fn from_args(args: &ProbeArgs, env: Env<'_>) -> Result<Self, ConfigError> {
        let (service, audience) = service(args)?;
        let source = source(args, env)?;
        let mismatch = match set(args.mismatch_identity.as_deref()) {
            Some(text) => Some(MismatchBy::Identity(read("PROBER_MISMATCH_IDENTITY", text)?)),
            None => chooses_audience(&source).then_some(MismatchBy::Audience),
        };
        let identity =
            set(args.identity.as_deref()).ok_or_else(|| wrong("PROBER_IDENTITY", "is not set: name the trust policy that admits the prober"))?;
        let identity: Identity = read("PROBER_IDENTITY", identity)?;
        if mismatch == Some(MismatchBy::Identity(identity.clone())) {
            return Err(wrong("PROBER_MISMATCH_IDENTITY", "is PROBER_IDENTITY: name a trust policy that does not admit the prober"));
        }
        let github = ServiceAddress::parse(set(args.github_url.as_deref()).unwrap_or(GITHUB)).map_err(|error| wrong("GITHUB_BASE_URL", error))?;
        Ok(Self {
            service,
            audience,
            github,
            repository: read("PROBER_SCOPE", set(args.scope.as_deref()).unwrap_or(SCOPE))?,
            identity,
            source,
            mismatch,
            expired_token_file: set_path(args.expired_token_file.as_ref()),
            probes: probes(args)?,
        })
    }
}

/// Where the service is, and the audience that it is asked for with.
fn service(args: &ProbeArgs) -> Result<(ServiceAddress, String), ConfigError> {
    let (domain, url) = (set(args.domain.as_deref()), set(args.url.as_deref()));
    let service = match (url, domain) {
        (Some(url), _) => ServiceAddress::parse(url).map_err(|error| wrong("PROBER_URL", error))?,
        (None, Some(domain)) => ServiceAddress::of_domain(domain).map_err(|error| wrong("STS_DOMAIN", error))?,
        (None, None) => return Err(wrong("STS_DOMAIN", "is not set: write the service's public name, or its address in PROBER_URL")),
    };
    let audience = domain.unwrap_or_else(|| service.host()).to_owned();
    Ok((service, audience))
}

/// The one source that is named; else GitHub Actions in a job of it, and Google's metadata server everywhere else.
fn source(args: &ProbeArgs, env: Env<'_>) -> Result<TokenSource, ConfigError> {
    const ALL: &str = "PROBER_TOKEN, PROBER_TOKEN_FILE, --token-command, PROBER_FROM";
    let from = set(args.from.as_deref()).filter(|from| *from != "auto");
    let from = from.map(|from| from.parse().map_err(|error| wrong("PROBER_FROM", error))).transpose()?;
    let named = [
        env("PROBER_TOKEN").filter(|token| !token.is_empty()).map(|token| TokenSource::Given(token.into())),
        set_path(args.token_file.as_ref()).map(TokenSource::File),
        set(args.token_command.as_deref()).map(|command| TokenSource::Command(command.to_owned())),
        from,
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(wrong(ALL, "name more than one source of the OIDC token: leave one")),
        (Some(source), None) => Ok(source),
        (None, _)
            if env("ACTIONS_ID_TOKEN_REQUEST_URL").or_else(|| env("GITHUB_ACTIONS")).is_some_and(|value| !matches!(value.as_str(), "" | "false")) =>
        {
            Ok(TokenSource::GitHubActions)
        }
        (None, _) => Ok(TokenSource::Google),
    }
}

/// Whether a source gives tokens for the audience that it is asked for. Azure's wants an audience that is registered.
fn chooses_audience(source: &TokenSource) -> bool {
    use TokenSource as S;
    matches!(source, S::GitHubActions | S::CircleCi | S::Buildkite | S::Google | S::Aws)
}

fn probes(args: &ProbeArgs) -> Result<Vec<Probe>, ConfigError> {
    let Some(text) = set(args.probes.as_deref()) else { return Ok(Probe::ALL.to_vec()) };
    let mut probes: Vec<Probe> = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let probe = read("PROBER_PROBES", name)?;
        if !probes.contains(&probe) {
            probes.push(probe);
        }
    }
    if probes.is_empty() { Err(wrong("PROBER_PROBES", "names no probe: leave it unset for all")) } else { Ok(probes) }
}

fn read<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|error: T::Err| wrong(name, format!("`{}`: {error}", Printable(text))))
}

pub(crate) fn wrong(name: &'static str, why: impl Display) -> ConfigError {
    ConfigError { name, why: why.to_string() }
}

/// An empty variable counts as not set.
pub(crate) fn set(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn set_path(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty()).cloned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn args() -> ProbeArgs {
        let text = |text: &str| Some(text.to_owned());
        ProbeArgs { domain: text("sts.example"), identity: text("prober"), ..ProbeArgs::default() }
    }

    pub(crate) fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn settings(args: &ProbeArgs, pairs: &'static [(&str, &str)]) -> Result<Settings, ConfigError> {
        Settings::from_args(args, &env(pairs))
    }

    #[test]
    fn two_variables_are_enough_as_they_are_upstream() {
        let found = settings(&args(), &[]).unwrap();
        assert_eq!((found.service.to_string().as_str(), found.audience.as_str()), ("https://sts.example", "sts.example"));
        assert_eq!((found.github.to_string().as_str(), found.repository.to_string().as_str()), ("https://api.github.com", "octo-sts/prober"));
        assert!(matches!(found.source, TokenSource::Google));
        assert_eq!((found.mismatch, found.probes.len()), (Some(MismatchBy::Audience), 6));
    }

    /// T-134
    #[test]
    fn an_enterprise_server_and_another_address_are_asked_where_they_are() {
        let text = |text: &str| Some(text.to_owned());
        let found =
            settings(&ProbeArgs { url: text("https://10.0.0.1:8443/x/"), github_url: text("https://ghes.example/api/v3"), ..args() }, &[]).unwrap();
        assert_eq!((found.service.to_string().as_str(), found.audience.as_str()), ("https://10.0.0.1:8443/x", "sts.example"));
        assert_eq!(found.github.to_string(), "https://ghes.example/api/v3");
        let nameless = settings(&ProbeArgs { url: text("https://sts.internal"), domain: None, ..args() }, &[]).unwrap();
        assert_eq!(nameless.audience, "sts.internal");
    }

    #[test]
    fn the_source_is_the_one_that_is_named_else_what_the_surroundings_offer() {
        let file = ProbeArgs { token_file: Some("/t".into()), ..args() };
        let command = ProbeArgs { token_command: Some("x".to_owned()), ..args() };
        assert!(matches!(settings(&args(), &[("ACTIONS_ID_TOKEN_REQUEST_URL", "u")]).unwrap().source, TokenSource::GitHubActions));
        assert!(matches!(settings(&args(), &[("PROBER_TOKEN", "a.b.c"), ("GITHUB_ACTIONS", "true")]).unwrap().source, TokenSource::Given(_)));
        assert!(matches!(settings(&file, &[]).unwrap().source, TokenSource::File(_)));
        assert!(matches!(settings(&command, &[]).unwrap().source, TokenSource::Command(_)));
        assert!(settings(&file, &[]).unwrap().mismatch.is_none());
        assert!(settings(&file, &[("PROBER_TOKEN", "a.b.c")]).is_err());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_variable() {
        let text = |text: &str| Some(text.to_owned());
        for (args, name) in [
            (ProbeArgs { domain: None, ..args() }, "STS_DOMAIN"),
            (ProbeArgs { domain: text("a b"), ..args() }, "STS_DOMAIN"),
            (ProbeArgs { url: text("http://sts.example"), ..args() }, "PROBER_URL"),
            (ProbeArgs { identity: text(""), ..args() }, "PROBER_IDENTITY"),
            (ProbeArgs { identity: text("../x"), ..args() }, "PROBER_IDENTITY"),
            (ProbeArgs { mismatch_identity: text("prober"), ..args() }, "PROBER_MISMATCH_IDENTITY"),
            (ProbeArgs { scope: text("acme"), ..args() }, "PROBER_SCOPE"),
            (ProbeArgs { scope: text("acme/../x"), ..args() }, "PROBER_SCOPE"),
            (ProbeArgs { github_url: text("ghes"), ..args() }, "GITHUB_BASE_URL"),
            (ProbeArgs { probes: text("exchange,nonsense"), ..args() }, "PROBER_PROBES"),
            (ProbeArgs { probes: text(","), ..args() }, "PROBER_PROBES"),
            (ProbeArgs { from: text("mars"), ..args() }, "PROBER_FROM"),
        ] {
            assert_eq!(settings(&args, &[]).unwrap_err().name, name, "Input: {args:?}");
        }
    }
}
