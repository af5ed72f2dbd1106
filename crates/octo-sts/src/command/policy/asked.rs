//! The token that somebody asks about, and what it would be exchanged for.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use octo_sts_http::Roots;
use octo_sts_oidc::{StaticKeySet, UnverifiedToken, Verifier, VerifierSettings, VerifyError};
use octo_sts_policy::{Requirement, TrustPolicy};
use octo_sts_types::{ClaimSet, Issuer, Owner, Repository, Scope, SystemClock, json};
use secrecy::{ExposeSecret as _, SecretString};

use crate::command::failure::{Exit, Failure};

/// Longest text with claims or a token, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Where the claims come from.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct AskedArgs {
    /// An OIDC token; `-` reads it from standard input, where nobody else on this machine sees it
    #[arg(long, value_name = "JWT")]
    token: Option<SecretString>,
    /// A file with the claims of a token, a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
}

/// A token, or only its claims.
pub(super) struct Asked {
    token: Option<UnverifiedToken>,
    pub(super) claims: ClaimSet,
}

impl AskedArgs {
    pub(super) fn read(&self) -> anyhow::Result<Asked> {
        if let Some(path) = &self.claims {
            let members = json::parse_strict_object(text(path)?.as_bytes()).context("the claims are not a JSON object with every key once")?;
            return Ok(Asked { token: None, claims: ClaimSet::from_members(members)? });
        }
        let Some(given) = &self.token else { bail!("say --token or --claims") };
        let bearer = if given.expose_secret() == "-" { SecretString::from(text(Path::new("-"))?) } else { given.clone() };
        let token = UnverifiedToken::parse(bearer.expose_secret().trim())?;
        let claims = token.unverified_claims().map_err(|error| anyhow!("the token's claims are not usable: {error}"))?.clone();
        Ok(Asked { token: Some(token), claims })
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?)
    };
    let mut text = String::new();
    reader.take(LONGEST).read_to_string(&mut text).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text)
}

impl Asked {
    /// When the token ended, if that was before `now`. Of claims alone nobody expects that they last.
    pub(super) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        self.token.as_ref()?;
        self.claims.time("exp").ok().flatten().filter(|end| *end <= now)
    }

    /// Whether there is a token, and not its claims alone.
    pub(super) fn is_token(&self) -> bool {
        self.token.is_some()
    }

    /// The scope that the holder of a GitHub Actions token asks for when he says nothing: his own repository.
    pub(super) fn own_scope(&self, organisation: bool) -> Scope {
        let repository = self.claims.member("repository").and_then(|name| name.as_str()).and_then(|name| name.parse::<Repository>().ok());
        match repository {
            Some(repository) if organisation => Scope::Owner(repository.owner),
            Some(repository) => Scope::Repository(repository),
            None => placeholder(organisation),
        }
    }

    /// Finds out whether the token is its issuer's own and counts now: by the keys in the policy, or by asking the issuer. One
    /// that the policy names may be on a private network.
    pub(super) async fn verify(&self, policy: &TrustPolicy) -> Result<(), Failure> {
        let token = self.token.as_ref().ok_or_else(|| Failure::usage(anyhow!("claims alone have no signature: --verify needs --token")))?;
        let named: Vec<Issuer> = match policy.issuer() {
            Requirement::Exact(issuer) if *token.issuer().as_str() == **issuer => vec![token.issuer().clone()],
            _ => Vec::new(),
        };
        let allow_localhost = !named.is_empty();
        let private_issuers = named.into_iter().filter(|issuer| issuer.as_str().starts_with("https://")).collect();
        let settings = VerifierSettings { private_issuers, allow_localhost, ..VerifierSettings::default() };
        let roots = Roots::load().context("no HTTPS is possible").map_err(Failure::usage)?;
        let verifier = Verifier::new(settings, roots, Arc::new(SystemClock)).map_err(|error| Failure::usage(error.into()))?;
        match policy.jwks() {
            None => verifier.verify(token).await.map(drop).map_err(not_genuine),
            Some(jwks) => {
                let keys = StaticKeySet::read(jwks.clone(), usize::MAX).context("the keys in the policy").map_err(Failure::usage)?;
                verifier.verify_with(token, &keys).map(drop).map_err(not_genuine)
            }
        }
    }
}

fn not_genuine(error: VerifyError) -> Failure {
    let exit = if error.is_transient() { Exit::Unreachable } else { Exit::Refused };
    let more = vec![error.what_to_do().into_owned()];
    Failure { exit, error: error.into(), more }
}

/// Stands for a scope that nobody named.
pub(super) fn placeholder(organisation: bool) -> Scope {
    #[expect(clippy::expect_used, reason = "both are names, as the test below shows")]
    let owner: Owner = "OWNER".parse().expect("a name");
    #[expect(clippy::expect_used, reason = "both are names, as the test below shows")]
    let name = "REPOSITORY".parse().expect("a name");
    if organisation { Scope::Owner(owner) } else { Scope::Repository(Repository { owner, name }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_nobody_named_is_shown_as_such() {
        assert_eq!(placeholder(true).to_string(), "OWNER");
        assert_eq!(placeholder(false).to_string(), "OWNER/REPOSITORY");
    }
}
