//! From the reason of a refusal to what the caller reads: the one place that decides it.
//!
//! A caller hears which stage refused, facts of his own token, and what to do; never the text of a policy. GitHub's own
//! words go only to a caller whose token matched.

mod answer;

use std::{fmt, time::Duration};

use octo_sts_exchange::{During, ExchangeError, Refusal, TooMany};
use octo_sts_github::GitHubError;
use octo_sts_oidc::{TokenFault, TokenFormError, VerifyError};
use octo_sts_policy::GuardrailRefusal;
use octo_sts_types::{ClaimsError, Printable};
use tonic::Code;

pub(crate) use answer::{Answer, Info};

/// What to wait before trying again where nobody knows better, in seconds.
const SOON: u64 = 1;

/// What the caller reads of a refused exchange.
pub(crate) fn answer(refusal: &Refusal, request_id: &str) -> Answer {
    let error = refusal.error.as_ref();
    let (code, message) = told(error, &Named::of(refusal));
    let mut metadata = vec![("stage", error.stage().as_str().to_owned()), ("request_id", request_id.to_owned())];
    let shown = |text: &String| Printable(text).to_string();
    metadata.extend(refusal.facts.issuer.as_ref().map(|issuer| ("issuer", shown(issuer))));
    metadata.extend(refusal.facts.subject.as_ref().map(|subject| ("subject", shown(subject))));
    if !refusal.facts.audiences.is_empty() {
        metadata.push(("audience", shown(&refusal.facts.audiences.join(" "))));
    }
    Answer {
        code,
        message,
        info: Some(Info { reason: error.reason(), metadata }),
        retry_after: retry_after(error, code),
        invalid_token: refuses_the_token(error),
    }
}

/// What the caller asked for, as messages name it.
struct Named {
    owner: String,
    scope: String,
    identity: String,
}

impl Named {
    fn of(refusal: &Refusal) -> Self {
        Self {
            owner: refusal.scope.as_ref().map(|scope| scope.owner().to_string()).unwrap_or_default(),
            scope: refusal.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
            identity: refusal.identity.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Code and message. Messages begin as upstream's do; what to do follows.
fn told(error: &ExchangeError, named: &Named) -> (Code, String) {
    use ExchangeError as E;
    let Named { owner, scope, identity } = named;
    match error {
        E::SeveralScopes => say(Code::InvalidArgument, "multiple scopes not supported", "ask for one"),
        E::NoAuthorization | E::SeveralAuthorizations => {
            say(Code::Unauthenticated, "expected exactly one authorization header", "send `Authorization: Bearer` and the OIDC token, once")
        }
        E::NotAToken(form @ TokenFormError::Issuer(_)) => say(Code::InvalidArgument, "invalid issuer format", form.what_to_do()),
        E::NotAToken(form) => say(Code::InvalidArgument, "invalid bearer token", form.what_to_do()),
        E::NoScope => {
            say(Code::InvalidArgument, "scope must be provided", "write `scope=OWNER/REPOSITORY`, or `scope=OWNER` for an organisation policy")
        }
        E::NoIdentity => say(Code::InvalidArgument, "identity must be provided", "write `identity=` and the name of the trust policy"),
        E::Scope(why) => say(Code::InvalidArgument, "invalid scope", why),
        E::Identity(why) => say(Code::InvalidArgument, "invalid identity", why),
        E::Token(error) => token(error),
        E::TooMany(TooMany::UnknownOwners { .. }) => {
            say(Code::ResourceExhausted, "too many requests for owners without an installation", "wait before you ask for another one")
        }
        E::TooMany(TooMany::UnknownNames { .. }) => say(
            Code::ResourceExhausted,
            &format!("too many requests for repositories and policies that \"{owner}\" does not have"),
            "wait, and check the spelling of scope and identity",
        ),
        E::TooMany(TooMany::Exchanges { .. }) => {
            say(Code::ResourceExhausted, "too many exchanges by this issuer and subject", "wait, and use a token as long as it lives")
        }
        E::TooMany(TooMany::Failures { .. }) => {
            say(Code::ResourceExhausted, "too many tokens from this address did not verify", "wait before you try again")
        }
        E::NoPool => say(Code::NotFound, &format!("no GitHub App configured for org \"{owner}\""), "this service does not serve that owner"),
        E::NotInstalled => not_installed(owner),
        E::Suspended => suspended(owner),
        E::Renamed => renamed(identity),
        E::IssuerNotListed => say(
            Code::PermissionDenied,
            "issuer not permitted by organization policy",
            format!("the token's issuer must be listed in `trusted-token-issuers.yaml` of {owner}"),
        ),
        E::AllowlistInvalid(_) | E::AllowlistOdd(_) => say(
            Code::FailedPrecondition,
            "organization trusted-issuer configuration is invalid",
            format!("an administrator of {owner} has to correct `trusted-token-issuers.yaml`"),
        ),
        E::PolicyAbsent => say(
            Code::NotFound,
            &format!("unable to find trust policy for \"{identity}\""),
            format!(
                "for {scope} it must be `.github/chainguard/{identity}.sts.yaml` on the default branch, and the GitHub App must be installed there"
            ),
        ),
        E::PolicyUnparsable(_) => policy_fault("parse", identity, "whoever may read it sees why with `octo-sts policy check`"),
        E::PolicyUncompilable(_) => policy_fault("compile", identity, "whoever may read it sees why with `octo-sts policy check`"),
        E::PolicyOdd(what) => policy_fault("read", identity, what),
        E::NotVerifiedByPolicy(_) | E::NoKeysInPolicy => say(
            Code::Unauthenticated,
            "unable to verify bearer token",
            "no trust policy of this scope and identity has the key that signed it; check both, and `jwks` in the policy",
        ),
        E::PolicyKeysNotAllowed => say(
            Code::FailedPrecondition,
            &format!("trust policy found for \"{identity}\" has `jwks`, which this service does not allow for the token's issuer"),
            "delete `jwks` from the policy, or ask the operator to list the issuer in STS_POLICY_JWKS_ISSUERS",
        ),
        E::Mismatch(mismatch) => {
            say(Code::PermissionDenied, "token does not match trust policy", format!("its {} is not what the policy requires", mismatch.field()))
        }
        E::Guardrails(refusal) => say(Code::PermissionDenied, "guardrails refuse the grant", guardrails(refusal)),
        E::GuardrailsInvalid(_) | E::GuardrailsOdd(_) => say(
            Code::FailedPrecondition,
            "organization guardrails are invalid",
            format!("an administrator of {owner} has to correct `guardrails.yaml`"),
        ),
        E::UsedBefore => say(Code::Unauthenticated, "unable to verify bearer token", "it was exchanged before, and counts once; request a new one"),
        E::UsesUnknown(_) => say(Code::Unavailable, "unable to find out whether the token was exchanged before", "try again"),
        E::NoConsent(_) => say(Code::PermissionDenied, "token does not match trust policy", "not every repository that the policy lists consents"),
        E::NoSuchApp => say(
            Code::FailedPrecondition,
            "trust policy requires a GitHub App that is not configured here",
            format!("none that serves {owner} has that name"),
        ),
        E::GitHub { during, source } => github(*during, source, named),
        E::TimedOut => say(Code::Unavailable, "the exchange took too long", "try again"),
        E::Overloaded => say(Code::Unavailable, "as many exchanges are under way as the service takes at once", "try again"),
        E::Draining => say(Code::Unavailable, "the service is shutting down", "try again"),
        E::Broken => (Code::Internal, "internal error".to_owned()),
    }
}

fn token(error: &VerifyError) -> (Code, String) {
    let (code, message) = match error {
        VerifyError::IssuerRefused(_) | VerifyError::Discovery(_) => (Code::InvalidArgument, "unable to fetch or create the provider"),
        VerifyError::Token(_) | VerifyError::Claims(ClaimsError::Time(_) | ClaimsError::Type(_)) => {
            (Code::Unauthenticated, "unable to verify bearer token")
        }
        VerifyError::Claims(ClaimsError::NoIssuer | ClaimsError::Issuer(_)) => (Code::InvalidArgument, "invalid issuer in token"),
        VerifyError::Claims(ClaimsError::NoSubject | ClaimsError::Subject(_)) => (Code::InvalidArgument, "invalid subject in token"),
        VerifyError::Claims(ClaimsError::Audience) => (Code::InvalidArgument, "invalid audience in token"),
        VerifyError::Unmet(_) => (Code::PermissionDenied, "token not permitted by this service"),
    };
    say(code, message, error.what_to_do())
}

/// What of the guardrails a caller may hear: which kind of bound, and facts of his own token.
fn guardrails(refusal: &GuardrailRefusal) -> &'static str {
    match refusal {
        GuardrailRefusal::PolicySource => "policies in repositories give nothing here",
        GuardrailRefusal::Event(_) => "the event that started the job gets nothing",
        GuardrailRefusal::UnpinnedClaims(_) => "the policy does not pin a claim that it has to pin",
        GuardrailRefusal::TokenLife(_) => "the token is good for too long",
        GuardrailRefusal::NoTokenLife => "the token does not say how long it is good for (`iat` and `exp`)",
        GuardrailRefusal::NoTokenId => "the token has no `jti`, by which it would count once",
        GuardrailRefusal::NothingLeft => "nothing of what the policy gives is left",
    }
}

fn github(during: During, error: &GitHubError, named: &Named) -> (Code, String) {
    use GitHubError as G;
    let Named { owner, identity, .. } = named;
    match (error, during) {
        (G::Suspended, _) => suspended(owner),
        (G::Moved, _) => renamed(identity),
        (G::KeyRefused { .. } | G::Sign(_), _) => {
            say(Code::Internal, "failed to get token", "this service cannot sign in to GitHub; its operator has to mend its key")
        }
        (G::NotFound, During::Installation | During::Mint) => not_installed(owner),
        (G::NotFound, During::Policy) => {
            say(Code::NotFound, &format!("unable to find trust policy for \"{identity}\""), "the GitHub App does not see that repository")
        }
        (G::RateLimited { .. }, During::Policy) => {
            say(Code::ResourceExhausted, &format!("GitHub API rate limit exceeded for \"{identity}\""), "try again later")
        }
        (G::RateLimited { .. }, During::Allowlist) => {
            say(Code::ResourceExhausted, "organization trusted-issuer lookup rate limited", "try again later")
        }
        (G::RateLimited { .. }, During::Guardrails) => say(Code::ResourceExhausted, "organization guardrails lookup rate limited", "try again later"),
        (G::RateLimited { .. }, _) => say(Code::ResourceExhausted, "failed to get token", "GitHub API rate limit exceeded; try again later"),
        (_, During::Guardrails) => say(Code::Unavailable, "organization guardrails lookup unavailable", "try again"),
        (_, During::Allowlist) => say(Code::Unavailable, "organization trusted-issuer lookup unavailable", "try again"),
        (G::Wider { .. }, _) => say(Code::Internal, "failed to get token", "GitHub offered a wider one than was asked for, and it was refused"),
        (G::Forbidden { .. }, During::Policy) => say(
            Code::PermissionDenied,
            &format!("unable to read trust policy found for \"{identity}\""),
            format!(
                "GitHub does not let the App read there; an administrator of {owner} has to look at the App's permissions and the organisation's access rules"
            ),
        ),
        (_, During::Policy) => {
            say(Code::Unavailable, &format!("unable to find trust policy for \"{identity}\""), "GitHub is not available; try again")
        }
        (G::Unprocessable { message }, During::Mint) => {
            say(Code::PermissionDenied, "token exchange failure (StatusUnprocessableEntity)", Printable(message))
        }
        (G::Forbidden { message }, During::Mint) => {
            say(Code::PermissionDenied, "failed to get token", format!("GitHub forbids it: {}", Printable(message)))
        }
        (G::Unexpected { .. }, During::Mint) => say(Code::Internal, "failed to get token", "GitHub gave an answer that makes no sense"),
        (G::TokenRefused | G::Unavailable { .. }, During::Mint) => {
            say(Code::Unavailable, "failed to get token", "GitHub is not available; try again")
        }
        (_, During::Installation) => {
            say(Code::Unavailable, &format!("unable to look for an installation for \"{owner}\""), "GitHub does not answer as it should; try again")
        }
    }
}

fn not_installed(owner: &str) -> (Code, String) {
    say(Code::NotFound, &format!("no installation found for \"{owner}\""), "install the GitHub App there, or check the spelling of the scope")
}

fn suspended(owner: &str) -> (Code, String) {
    say(Code::PermissionDenied, &format!("installation for \"{owner}\" is suspended"), "an administrator there has to unsuspend the GitHub App")
}

fn renamed(identity: &str) -> (Code, String) {
    say(Code::NotFound, &format!("unable to find trust policy for \"{identity}\""), "the repository goes by another name now; ask for it by that")
}

fn policy_fault(verb: &str, identity: &str, what: impl fmt::Display) -> (Code, String) {
    say(Code::NotFound, &format!("unable to {verb} trust policy found for \"{identity}\""), what)
}

fn say(code: Code, message: &str, advice: impl fmt::Display) -> (Code, String) {
    (code, format!("{message}: {advice}"))
}

/// When to try again: as GitHub says, or soon where the fault will pass.
fn retry_after(error: &ExchangeError, code: Code) -> Option<u64> {
    let known = match error {
        ExchangeError::TooMany(
            TooMany::UnknownOwners { retry_after }
            | TooMany::UnknownNames { retry_after }
            | TooMany::Exchanges { retry_after }
            | TooMany::Failures { retry_after },
        ) => Some(Duration::from_secs(*retry_after)),
        ExchangeError::GitHub { source, .. } => source.retry_after(),
        ExchangeError::Token(error) if error.is_transient() => Some(Duration::from_secs(SOON)),
        _ => None,
    };
    let passes = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    // A second too late is better than one too early.
    known.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).map(|wait| wait.max(SOON)).or(passes.then_some(SOON))
}

/// Whether it is the token that is refused. One whose issuer does not show its keys is not at fault.
fn refuses_the_token(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::UsedBefore
        | ExchangeError::NotVerifiedByPolicy(_)
        | ExchangeError::NoKeysInPolicy
        | ExchangeError::Token(VerifyError::Claims(ClaimsError::Time(_) | ClaimsError::Type(_))) => true,
        ExchangeError::Token(VerifyError::Token(fault)) => !matches!(fault, TokenFault::Keys(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
