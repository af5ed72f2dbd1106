//! Section 2, first half: requests and tokens that are refused before anything of GitHub is asked.

use crate::support::{CI, DOMAIN, House, NOTHING, WARM, claims_with, now};
use octo_sts_sandbox::{Algorithm, KeyId, SignOptions, Signature};
use serde_json::json;

/// One situation: its name, the lines of the head with the credentials, status, code, how the message begins, calls.
type Row = (&'static str, String, u16, i64, &'static str, &'static str);

const NO_AUTHORIZATION: &str = "expected exactly one authorization header";
const NOT_VERIFIED: &str = "unable to verify bearer token";
const NO_PROVIDER: &str = "unable to fetch or create the provider";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

async fn refused(house: &House, rows: Vec<Row>) {
    for (situation, authorization, status, code, begins, calls) in rows {
        let separator = if authorization.is_empty() { "" } else { "\r\n" };
        let (answer, called) = house.ask(&format!("GET /sts/exchange?{CI} HTTP/1.1{separator}{authorization}"), "").await;
        answer.refuses(situation, status, code, begins);
        assert_eq!(called, calls, "{situation}");
        assert_eq!(answer.header("grpc-metadata-content-type"), Some("application/grpc"), "{situation}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{situation}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        let expected = match begins {
            NO_AUTHORIZATION => "Bearer",
            NOT_VERIFIED => r#"Bearer error="invalid_token", error_description="unable to verify bearer token"#,
            _ => "",
        };
        assert!(challenge.starts_with(expected) && challenge.is_empty() == expected.is_empty(), "{situation}: {challenge}");
    }
}

/// Upstream answers 401 to the scheme in lower case; RFC 9110 §11.1 has it without case.
#[tokio::test]
async fn the_form_of_credentials() {
    let house = House::new().await;
    let token = house.token();
    house.exchange(CI, &token).await.0.grants("warm");
    for (situation, authorization) in [
        ("`Authorization: <jwt>` without Bearer", format!("Authorization: {token}")),
        ("`Authorization: bearer <jwt>` (lower case)", format!("Authorization: bearer {token}")),
    ] {
        let (answer, calls) = house.ask(&format!("GET /sts/exchange?{CI} HTTP/1.1\r\n{authorization}"), "").await;
        answer.grants(situation);
        assert_eq!(calls, WARM, "{situation}");
    }
    let foreign = house.token_of(&json!({"iss": "http://example.com"}));
    refused(
        &house,
        vec![
            ("No Authorization header", String::new(), 401, 16, NO_AUTHORIZATION, NOTHING),
            ("Two Authorization headers", format!("{0}\r\n{0}", bearer(&token)), 401, 16, NO_AUTHORIZATION, NOTHING),
            ("Grpc-Metadata-Authorization alone", format!("Grpc-Metadata-{}", bearer(&token)), 401, 16, NO_AUTHORIZATION, NOTHING),
            ("`Authorization: Basic eDp5`", "Authorization: Basic eDp5".into(), 400, 3, "invalid bearer token", NOTHING),
            ("Not a JWT", bearer("nonsense"), 400, 3, "invalid bearer token", NOTHING),
            ("Issuer not acceptable (`http://example.com`)", bearer(&foreign), 400, 3, "invalid issuer format", NOTHING),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_issuer_without_discovery() {
    let house = House::new().await;
    let nowhere = house.token_of(&json!({"iss": house.issuer.url().replace("/gha", "/nowhere")}));
    refused(&house, vec![("Issuer without a discovery document (404)", bearer(&nowhere), 400, 3, NO_PROVIDER, "discovery")]).await;
    let private = house.token_of(&json!({"iss": "https://10.0.0.1"}));
    let (answer, calls) = house.exchange(CI, &private).await;
    assert_eq!((answer.status, calls.as_str()), (400, NOTHING), "an issuer on a private address: {}", answer.body);
}

/// Upstream fetches the key set again for each of them; here they share one fetch a minute.
#[tokio::test]
async fn signatures_that_are_not_the_issuers() {
    let house = House::new().await;
    house.exchange(CI, &house.token()).await.0.grants("warm");
    let sign = |options: &SignOptions| bearer(&house.issuer.token_with(&claims_with(&json!({})), options));
    let public = house.issuer.jwk(Algorithm::Rs256).to_string().into_bytes();
    let row = |situation, options: SignOptions, calls| (situation, sign(&options), 401, 16, NOT_VERIFIED, calls);
    refused(
        &house,
        vec![
            row("Signature of another key, same kid", SignOptions { signature: Signature::Stranger, ..SignOptions::default() }, "jwks"),
            row("Tampered signature", SignOptions { signature: Signature::Tampered, ..SignOptions::default() }, NOTHING),
            row("`alg: none`", SignOptions::unsigned(), NOTHING),
            row(
                "HS256 keyed with the public key",
                SignOptions { alg: Some("HS256".into()), signature: Signature::Hmac(public), ..SignOptions::default() },
                NOTHING,
            ),
            row("Unknown kid", SignOptions { kid: KeyId::Named("unknown".into()), ..SignOptions::default() }, NOTHING),
        ],
    )
    .await;
}

/// Upstream does not look at `iat`.
#[tokio::test]
async fn times() {
    let house = House::new().await;
    house.exchange(CI, &house.token()).await.0.grants("warm");
    let now = now();
    let token = |claims| bearer(&house.token_of(&claims));
    let mut without = claims_with(&json!({"iss": house.issuer.url(), "iat": now}));
    without.as_object_mut().unwrap().remove("exp");
    let without = bearer(&house.issuer.sign(&without, &SignOptions::default()));
    let row = |situation, authorization| (situation, authorization, 401, 16, NOT_VERIFIED, NOTHING);
    refused(
        &house,
        vec![
            row("Expired 10 s ago", token(json!({"iat": now - 300, "nbf": now - 300, "exp": now - 10}))),
            row("No exp", without),
            row("nbf 10 minutes ahead", token(json!({"nbf": now + 600, "exp": now + 900}))),
            row("iat 1 hour ahead", token(json!({"iat": now + 3_600, "exp": now + 7_200}))),
        ],
    )
    .await;
    for (situation, claims) in
        [("nbf 4 minutes ahead", json!({"nbf": now + 240, "exp": now + 900})), ("exp in 10 years", json!({"exp": now + 315_360_000}))]
    {
        let (answer, calls) = house.exchange(CI, &house.token_of(&claims)).await;
        answer.grants(situation);
        assert_eq!(calls, WARM, "{situation}");
    }
}

/// Subjects are opaque here: a space is one that the policy does not name, and not a bad token.
#[tokio::test]
async fn texts_of_claims() {
    let house = House::new().await;
    house.exchange(CI, &house.token()).await.0.grants("warm");
    let token = |claims| bearer(&house.token_of(&claims));
    refused(
        &house,
        vec![
            ("Empty subject", token(json!({"sub": ""})), 400, 3, "invalid subject in token", NOTHING),
            ("Subject with a control character", token(json!({"sub": "a\nb"})), 400, 3, "invalid subject in token", NOTHING),
            ("Audience with a space", token(json!({"aud": "a b"})), 400, 3, "invalid audience in token", NOTHING),
        ],
    )
    .await;
    house.file("acme/app", "spaced", &format!("issuer: {}\nsubject: 'a {{b}} [c]'\npermissions: {{contents: read}}\n", house.issuer.url()));
    let spaced = house.token_of(&json!({"sub": "a {b} [c]"}));
    house.exchange("scope=acme/app&identity=spaced", &spaced).await.0.grants("a policy that names the subject with its spaces");
    let (answer, _) = house.exchange(CI, &spaced).await;
    answer.refuses("Subject with a space", 403, 7, "token does not match trust policy: its subject");
}

/// What is missing in the request is said before the token is looked at, and costs nothing.
#[tokio::test]
async fn missing_fields() {
    let house = House::new().await;
    let token = house.token();
    for (situation, query, begins) in [
        ("No scope", "identity=ci", "scope must be provided"),
        ("No identity", "scope=acme/app", "identity must be provided"),
        ("Two scopes", "scopes=acme/app&scopes=acme/x&identity=ci", "multiple scopes not supported"),
        ("`scope` twice", "scope=acme/app&scope=acme/x&identity=ci", "too many values for field \"scope\": acme/app, acme/x"),
    ] {
        let (answer, calls) = house.exchange(query, &token).await;
        answer.refuses(situation, 400, 3, begins);
        assert_eq!(calls, NOTHING, "{situation}");
    }
    let (answer, _) = house.exchange(&format!("{CI}&aud={DOMAIN}"), &token).await;
    answer.grants("an `aud` beside them");
}
