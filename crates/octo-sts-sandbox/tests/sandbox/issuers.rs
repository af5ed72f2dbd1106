//! Issuers: discovery, keys, tokens.

use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request};
use octo_sts_sandbox::{ActionsJob, Algorithm, Fault, IssuerAddress, KeyId, SignOptions, Signature};
use serde_json::{Value, json};

use crate::support::{World, json};

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&decode(token.split('.').nth(at).unwrap())).unwrap()
}

/// Whether the signature is good for this key: judged by the crypto library, not by the sandbox.
fn verifies(token: &str, jwk: &Value) -> bool {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let coordinate = |name: &str| decode(jwk[name].as_str().unwrap());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let rsa = |algorithm| {
        let components = aws_lc_rs::rsa::PublicKeyComponents { n: coordinate("n"), e: coordinate("e") };
        let key: Result<ParsedPublicKey, _> = components.to_parsed_public_key(algorithm);
        key.unwrap().verify_sig(input.as_bytes(), &signature).is_ok()
    };
    let ec = |algorithm: &'static dyn VerificationAlgorithm| {
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        UnparsedPublicKey::new(algorithm, point).verify(input.as_bytes(), &signature).is_ok()
    };
    match jwk["alg"].as_str().unwrap() {
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => ec(&signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => ec(&signature::ECDSA_P384_SHA384_FIXED),
        "ES512" => ec(&signature::ECDSA_P521_SHA512_FIXED),
        "EdDSA" => UnparsedPublicKey::new(&signature::ED25519, coordinate("x")).verify(input.as_bytes(), &signature).is_ok(),
        other => panic!("{other}"),
    }
}

async fn fetch(world: &World, url: &str) -> Value {
    let reply = world.client.send(Request::get(url).body(Bytes::new()).unwrap()).await.unwrap();
    assert_eq!(reply.status, 200, "{url}");
    json(&reply)
}

async fn published(world: &World, issuer: &str) -> Vec<Value> {
    let discovery = fetch(world, &format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(discovery["issuer"], issuer);
    fetch(world, discovery["jwks_uri"].as_str().unwrap()).await["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_algorithm_signs_with_a_published_key() {
    let world = World::new().await;
    let issuer = world.sandbox.issuer("gha");
    for algorithm in Algorithm::ALL {
        let token = issuer.token_with(&json!({"sub": "x"}), &SignOptions::algorithm(algorithm));
        let keys = published(&world, &issuer.url()).await;
        let key = keys.iter().find(|key| key["kid"] == part(&token, 0)["kid"]).unwrap();
        assert!(verifies(&token, key), "{algorithm:?}");
        let forged = issuer.token_with(&json!({"sub": "x"}), &SignOptions { signature: Signature::Stranger, ..SignOptions::algorithm(algorithm) });
        assert!(!verifies(&forged, key), "{algorithm:?}");
        let tampered = issuer.token_with(&json!({"sub": "x"}), &SignOptions { signature: Signature::Tampered, ..SignOptions::algorithm(algorithm) });
        assert!(!verifies(&tampered, key), "{algorithm:?}");
    }
}

#[tokio::test]
async fn claims_are_completed_and_headers_changed() {
    let world = World::new().await;
    let issuer = world.sandbox.issuer("gha");
    let token = issuer.token(&json!({"sub": "x", "exp": 5}));
    let claims = part(&token, 1);
    assert_eq!((claims["iss"].as_str(), claims["exp"].as_i64()), (Some(issuer.url().as_str()), Some(5)));
    assert_eq!(part(&issuer.sign(&json!({"sub": "x"}), &SignOptions::default()), 1), json!({"sub": "x"}));

    let mut options = SignOptions { kid: KeyId::Named("other".to_owned()), ..SignOptions::default() };
    options.header.insert("crit".to_owned(), json!(["b64"]));
    options.header.insert("typ".to_owned(), Value::Null);
    assert_eq!(part(&issuer.token_with(&json!({}), &options), 0), json!({"alg": "RS256", "kid": "other", "crit": ["b64"]}));
    let unsigned = issuer.token_with(&json!({}), &SignOptions { kid: KeyId::Absent, ..SignOptions::unsigned() });
    assert!(unsigned.ends_with('.'));
    assert_eq!(part(&unsigned, 0), json!({"alg": "none", "typ": "JWT"}));
}

#[tokio::test]
async fn keys_rotate_with_and_without_the_old_ones() {
    let world = World::new().await;
    let issuer = world.sandbox.issuer("gha");
    let first = issuer.kid(Algorithm::Rs256);
    let second = issuer.rotate(true);
    let kids = |keys: Vec<Value>| keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kids(published(&world, &issuer.url()).await), [first.clone(), second.clone()]);
    assert_eq!(part(&issuer.token(&json!({})), 0)["kid"], second.as_str());
    let third = issuer.rotate(false);
    assert_eq!(kids(published(&world, &issuer.url()).await), [third]);
    issuer.publish(json!({"kty": "odd", "kid": "odd"}));
    assert_eq!(published(&world, &issuer.url()).await.len(), 2);
}

#[tokio::test]
async fn issuers_have_four_kinds_of_addresses() {
    let world = World::new().await;
    for (name, address, start) in [
        ("a", IssuerAddress::Http, "http://127.0.0.1:"),
        ("b", IssuerAddress::HttpLocalhost, "http://localhost:"),
        ("c", IssuerAddress::Https, "https://127.0.0.1:"),
        ("realms/d", IssuerAddress::HttpsLocalhost, "https://localhost:"),
        ("", IssuerAddress::Http, "http://127.0.0.1:"),
    ] {
        let issuer = world.sandbox.issuer_at(name, address);
        assert!(issuer.url().starts_with(start), "{}", issuer.url());
        assert!(published(&world, &issuer.url()).await.is_empty());
    }
}

#[tokio::test]
async fn jobs_get_their_tokens_as_on_github() {
    let world = World::new().await;
    let issuer = world.sandbox.issuer("gha");
    let job = issuer.start_job(ActionsJob::new("acme/app").environment("prod"));
    let ask = async |bearer: &str, more: &str| {
        let request = Request::get(format!("{}{more}", job.request_url)).header("authorization", format!("Bearer {bearer}"));
        world.client.send(request.body(Bytes::new()).unwrap()).await.unwrap()
    };
    let reply = ask(&job.request_token, "&audience=https://github.com/acme/app").await;
    let token = json(&reply)["value"].as_str().unwrap().to_owned();
    assert_eq!(json(&reply)["count"], token.len());
    assert!(verifies(&token, &issuer.jwk(Algorithm::Rs256)));
    let claims = part(&token, 1);
    assert_eq!((claims["aud"].as_str(), claims["sub"].as_str()), (Some("https://github.com/acme/app"), Some("repo:acme/app:environment:prod")));
    assert_eq!(part(json(&ask(&job.request_token, "").await)["value"].as_str().unwrap(), 1)["aud"], "https://github.com/acme");
    assert_eq!(ask("wrong", "").await.status, 401);
}

#[tokio::test]
async fn an_issuer_fails_alone() {
    let world = World::new().await;
    let (one, two) = (world.sandbox.issuer("one"), world.sandbox.issuer("two"));
    one.fault(Fault::on(Method::GET, "discovery").respond_with(200, "text/html", "<html>"));
    two.set_discovery("jwks_uri", json!("http://169.254.169.254/"));
    let url = |issuer: &octo_sts_sandbox::FakeIssuer| format!("{}/.well-known/openid-configuration", issuer.url());
    let odd = world.client.send(Request::get(url(&one)).body(Bytes::new()).unwrap()).await.unwrap();
    assert_eq!(odd.body, "<html>");
    assert_eq!(fetch(&world, &url(&two)).await["jwks_uri"], "http://169.254.169.254/");
    assert_eq!((one.calls().len(), two.calls().len()), (1, 1));
    let nobody = url(&two).replace("/two/", "/three/");
    assert_eq!(world.client.send(Request::get(nobody).body(Bytes::new()).unwrap()).await.unwrap().status, 404);
}
