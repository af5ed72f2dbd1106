//! Each refusal as its caller reads it.

use std::{fmt::Write as _, sync::Arc};

use octo_sts_exchange::{ExchangeError as E, TokenFacts};
use octo_sts_github::{GitHubError as G, Limit, OddContent, Outage};
use octo_sts_oidc::{IssuerError, IssuerRefused, NotAToken, RefusedBecause, TokenFault, Unmet};
use octo_sts_policy::{ConsentError, Guardrails, IssuerAllowlist, ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_store::StoreError;
use octo_sts_types::{Identity, InvalidIssuer, InvalidSubject, Issuer, Scope};

use super::*;

fn refusal(error: E) -> Refusal {
    Refusal {
        error: Arc::new(error),
        facts: TokenFacts {
            issuer: Some("https://issuer.example".into()),
            subject: Some("repo:acme/app".into()),
            audiences: vec!["a".into(), "b".into()],
        },
        scope: Some("acme/app".parse().unwrap()),
        identity: Some("ci".parse().unwrap()),
    }
}

fn github(during: During, source: G) -> E {
    E::GitHub { during, source }
}

/// What GitHub may say, once each.
fn faults() -> Vec<(&'static str, G)> {
    let message = || "GitHub's words".to_owned();
    vec![
        ("key refused", G::KeyRefused { message: message() }),
        ("token refused", G::TokenRefused),
        ("forbidden", G::Forbidden { message: message() }),
        ("suspended", G::Suspended),
        ("not found", G::NotFound),
        ("moved", G::Moved),
        ("rate limited", G::RateLimited { kind: Limit::Primary, retry_after: Some(Duration::from_millis(1_500)) }),
        ("unprocessable", G::Unprocessable { message: message() }),
        ("wider", G::Wider { what: "issues: write".into() }),
        ("unexpected", G::Unexpected { status: Some(418), what: "a teapot".into() }),
        ("unavailable", G::Unavailable { outage: Outage::Status(502), retry_after: None }),
    ]
}

fn line(page: &mut String, name: &str, error: E) {
    let answer = answer(&refusal(error), "id");
    let (code, status, info) = (answer.code as i32, answer.http_status().as_u16(), answer.info.unwrap());
    let stage = &info.metadata[0].1;
    let wait = answer.retry_after.map(|wait| format!(", retry after {wait}")).unwrap_or_default();
    let invalid = if answer.invalid_token { ", invalid token" } else { "" };
    _ = writeln!(page, "{name}: {code} {status} {} at {stage}{wait}{invalid}\n    {}", info.reason, answer.message);
}

#[test]
fn each_refusal_has_its_code_and_its_sentence() {
    let policy = |text: &str| TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).err().unwrap();
    let invalid_allowlist = IssuerAllowlist::parse("mode: maybe\n").err().unwrap();
    let refused = IssuerRefused { issuer: Issuer::parse("https://10.0.0.1").unwrap(), because: RefusedBecause::Address };
    let rows = vec![
        ("several scopes", E::SeveralScopes),
        ("no authorization", E::NoAuthorization),
        ("several authorizations", E::SeveralAuthorizations),
        ("not a token", E::NotAToken(TokenFormError::NotAToken(NotAToken::Parts))),
        ("issuer form", E::NotAToken(TokenFormError::Issuer(InvalidIssuer::Scheme))),
        ("no scope", E::NoScope),
        ("no identity", E::NoIdentity),
        ("scope", E::Scope("a/b/c".parse::<Scope>().unwrap_err())),
        ("identity", E::Identity("../x".parse::<Identity>().unwrap_err())),
        ("issuer refused", E::Token(VerifyError::IssuerRefused(refused))),
        ("discovery, transient", E::Token(VerifyError::Discovery(Arc::new(IssuerError::Busy)))),
        ("discovery, final", E::Token(VerifyError::Discovery(Arc::new(IssuerError::Redirect { url: "https://secret.internal".into() })))),
        ("signature", E::Token(VerifyError::Token(TokenFault::Signature))),
        ("issuer's claim", E::Token(VerifyError::Claims(ClaimsError::NoIssuer))),
        ("subject's claim", E::Token(VerifyError::Claims(ClaimsError::Subject(InvalidSubject::ControlCharacter)))),
        ("audience's claim", E::Token(VerifyError::Claims(ClaimsError::Audience))),
        ("type of a claim", E::Token(VerifyError::Claims(ClaimsError::Type("aud")))),
        ("time's claim", E::Token(VerifyError::Claims(ClaimsError::Time("nbf")))),
        ("required claim", E::Token(VerifyError::Unmet(Unmet::Claim { name: "environment".into() }))),
        ("too long a life", E::Token(VerifyError::Unmet(Unmet::Life))),
        ("no known life", E::Token(VerifyError::Unmet(Unmet::NoLife))),
        ("no policy verifies", E::NotVerifiedByPolicy(Arc::new(E::NotInstalled))),
        ("no keys in policy", E::NotVerifiedByPolicy(Arc::new(E::NoKeysInPolicy))),
        ("policy's keys", E::PolicyKeysNotAllowed),
        ("unknown owners", E::TooMany(TooMany::UnknownOwners { retry_after: 7 })),
        ("unknown names", E::TooMany(TooMany::UnknownNames { retry_after: 7 })),
        ("too many exchanges", E::TooMany(TooMany::Exchanges { retry_after: 8 })),
        ("too many failures", E::TooMany(TooMany::Failures { retry_after: 9 })),
        ("no pool", E::NoPool),
        ("not installed", E::NotInstalled),
        ("suspended", E::Suspended),
        ("renamed", E::Renamed),
        ("issuer not listed", E::IssuerNotListed),
        ("allowlist invalid", E::AllowlistInvalid(invalid_allowlist)),
        ("allowlist odd", E::AllowlistOdd(OddContent::Directory)),
        ("policy absent", E::PolicyAbsent),
        ("policy unparsable", E::PolicyUnparsable(policy("issuer: [\n"))),
        ("policy uncompilable", E::PolicyUncompilable(policy("issuer: https://secret-issuer.example\n"))),
        ("policy odd", E::PolicyOdd(OddContent::Directory)),
        ("no such app", E::NoSuchApp),
        ("no consent", E::NoConsent(ConsentError::Absent("secret".parse().unwrap()))),
        ("guardrails, source", E::Guardrails(GuardrailRefusal::PolicySource)),
        ("guardrails, event", E::Guardrails(GuardrailRefusal::Event("secret_event".into()))),
        ("guardrails, claims", E::Guardrails(GuardrailRefusal::UnpinnedClaims(vec!["secret_claim".into()]))),
        ("guardrails, life", E::Guardrails(GuardrailRefusal::TokenLife(Duration::from_mins(5)))),
        ("guardrails, no life", E::Guardrails(GuardrailRefusal::NoTokenLife)),
        ("guardrails, no id", E::Guardrails(GuardrailRefusal::NoTokenId)),
        ("guardrails, nothing", E::Guardrails(GuardrailRefusal::NothingLeft)),
        ("guardrails invalid", E::GuardrailsInvalid(Guardrails::parse("secret: 1\n").err().unwrap())),
        ("guardrails odd", E::GuardrailsOdd(OddContent::Directory)),
        ("used before", E::UsedBefore),
        ("uses unknown", E::UsesUnknown(StoreError::TimedOut { store: "the secret store", after: Duration::from_millis(1) })),
        ("timed out", E::TimedOut),
        ("overloaded", E::Overloaded),
        ("draining", E::Draining),
        ("broken", E::Broken),
    ];
    let mut page = String::new();
    for (name, error) in rows {
        line(&mut page, name, error);
    }
    for during in [During::Installation, During::Allowlist, During::Guardrails, During::Policy, During::Mint] {
        for (name, fault) in faults() {
            line(&mut page, &format!("{during}, {name}"), github(during, fault));
        }
    }
    assert!(!page.contains("secret"), "{page}");
    insta::assert_snapshot!(page);
}

/// Only whoever matched the policy may hear what GitHub says of the installation.
#[test]
fn githubs_words_reach_only_a_caller_whose_token_matched() {
    for during in [During::Installation, During::Allowlist, During::Guardrails, During::Policy] {
        for (name, fault) in faults() {
            let answer = answer(&refusal(github(during, fault)), "id");
            assert!(!answer.message.contains("GitHub's words"), "{during}: {name}");
        }
    }
    let told = answer(&refusal(github(During::Mint, G::Unprocessable { message: "no `workflows` permission\u{1b}[1m".into() })), "id");
    assert_eq!(told.message, "token exchange failure (StatusUnprocessableEntity): no `workflows` permission\\u{1b}[1m");
}

#[test]
fn the_details_hold_the_callers_own_facts() {
    let info = answer(&refusal(E::PolicyAbsent), "some-id").info.unwrap();
    let expected =
        [("stage", "policy"), ("request_id", "some-id"), ("issuer", "https://issuer.example"), ("subject", "repo:acme/app"), ("audience", "a b")];
    assert_eq!(info.metadata.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(), expected);
}
