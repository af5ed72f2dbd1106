//! Only what the issuer's key signed, as it signed it, is verified.

use octo_sts_oidc::{Algorithm, HeaderFault, TokenFault, UnverifiedToken, VerifyError};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::common::{
    NOW, StoppedClock, chain, claims,
    issuer::TestIssuer,
    keys::{TestKey, encode, new_key, rsa_key},
    verifier, verifier_with, verify,
};

const EVERY: [&str; 10] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

async fn issuer_with(keys: &[Value]) -> TestIssuer {
    let issuer = TestIssuer::start().await;
    issuer.publish("", &EVERY, keys);
    issuer
}

#[tokio::test]
async fn a_genuine_token_of_every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let fresh;
        let key = if algorithm.name().starts_with(['R', 'P']) {
            rsa_key(0)
        } else {
            fresh = new_key(algorithm);
            &fresh
        };
        let issuer = issuer_with(&[key.jwk("a")]).await;
        let bearer = key.token(algorithm, "a", &claims(&issuer.url("")));
        let verified = verify(&verifier(&StoppedClock::new()), &bearer).await;
        let verified = verified.unwrap_or_else(|error| panic!("{algorithm}: {}", chain(&error)));
        assert_eq!(verified.subject().as_str(), "repo:acme/app:ref:refs/heads/main");
        assert_eq!(verified.audiences()[0].as_str(), "octo-sts.dev");
        assert_eq!(verified.member("repository_id"), Some(&json!("74")));
    }
}

/// T-004: for every algorithm in the header and every key of the issuer, only the key's own algorithms pass.
#[tokio::test]
async fn an_algorithm_goes_with_its_keys_alone() {
    let keys: Vec<(&str, TestKey)> =
        [("ES256", Algorithm::Es256), ("ES384", Algorithm::Es384), ("ES512", Algorithm::Es512), ("EdDSA", Algorithm::EdDsa)]
            .map(|(name, algorithm)| (name, new_key(algorithm)))
            .into();
    let mut published: Vec<_> = keys.iter().map(|(name, key)| key.jwk(name)).collect();
    published.push(rsa_key(0).jwk("RSA"));
    let mut only = rsa_key(1).jwk("RS256 only");
    only["alg"] = "RS256".into();
    published.push(only);
    let issuer = issuer_with(&published).await;
    let verifier = verifier(&StoppedClock::new());
    let claims = claims(&issuer.url(""));
    for algorithm in Algorithm::ALL {
        for kid in ["ES256", "ES384", "ES512", "EdDSA", "RSA", "RS256 only"] {
            let signer = match kid {
                "RSA" => rsa_key(0),
                "RS256 only" => rsa_key(1),
                _ => &keys.iter().find(|(name, _)| *name == kid).unwrap().1,
            };
            let rsa = algorithm.name().starts_with(['R', 'P']);
            let fits = match kid {
                "RSA" => rsa,
                "RS256 only" => algorithm == Algorithm::Rs256,
                _ => algorithm.name() == kid,
            };
            let result = verify(&verifier, &signer.token(algorithm, kid, &claims)).await;
            assert_eq!(result.is_ok(), fits, "{algorithm} with {kid}");
        }
    }
}

/// T-001, T-002: nothing is asked of anybody.
#[tokio::test]
async fn tokens_without_a_real_signature_are_refused_before_anything_is_fetched() {
    let key = rsa_key(0);
    let issuer = issuer_with(&[key.jwk("a")]).await;
    let verifier = verifier(&StoppedClock::new());
    let payload = encode(claims(&issuer.url("")).to_string());
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512"] {
        let header = encode(json!({"alg": alg, "kid": "a"}).to_string());
        let input = format!("{header}.{payload}");
        let hmacs = [aws_lc_rs::hmac::HMAC_SHA256, aws_lc_rs::hmac::HMAC_SHA384, aws_lc_rs::hmac::HMAC_SHA512];
        let forged = hmacs.map(|hmac| {
            let secret = aws_lc_rs::hmac::Key::new(hmac, &key.der());
            encode(aws_lc_rs::hmac::sign(&secret, input.as_bytes()))
        });
        let genuine = encode(key.sign(Algorithm::Rs256, input.as_bytes()));
        for signature in forged.iter().map(String::as_str).chain([genuine.as_str(), ""]) {
            let error = verify(&verifier, &format!("{input}.{signature}")).await.unwrap_err();
            assert!(matches!(error, VerifyError::Token(TokenFault::Header(HeaderFault::Algorithm))), "Input: {alg}: {error:?}");
        }
    }
    assert_eq!(issuer.all_hits(), 0);
}

/// T-013: a key that the token brings along is not looked at, nor are the places it names.
#[tokio::test]
async fn keys_that_the_token_brings_along_are_not_looked_at() {
    let (key, other) = (rsa_key(0), rsa_key(1));
    let (issuer, elsewhere) = (issuer_with(&[key.jwk("a")]).await, issuer_with(&[other.jwk("a")]).await);
    let verifier = verifier(&StoppedClock::new());
    let header = json!({
        "alg": "RS256", "kid": "a", "jwk": other.jwk("a"), "jku": elsewhere.url("/jwks"), "x5u": elsewhere.url("/x5u"), "x5c": ["AAAA"],
    });
    let claims = claims(&issuer.url(""));
    assert!(verify(&verifier, &key.token_with(Algorithm::Rs256, &header, &claims)).await.is_ok());
    let forged = verify(&verifier, &other.token_with(Algorithm::Rs256, &header, &claims)).await.unwrap_err();
    assert!(matches!(forged, VerifyError::Token(TokenFault::Signature)));
    assert_eq!(elsewhere.all_hits(), 0);
}

/// T-018
#[tokio::test]
async fn a_signature_has_one_form() {
    let key = new_key(Algorithm::Es256);
    let issuer = issuer_with(&[key.jwk("a"), rsa_key(0).jwk("r")]).await;
    let verifier = verifier(&StoppedClock::new());
    let bearer = key.token(Algorithm::Es256, "a", &claims(&issuer.url("")));
    let token = UnverifiedToken::parse(&bearer).unwrap();
    let input = token.signing_input();
    let fixed = key.sign(Algorithm::Es256, input.as_bytes());
    let integer = |number: &[u8]| [&[0x02, 33, 0][..], number].concat();
    let der = [&[0x30, 70][..], &integer(&fixed[..32]), &integer(&fixed[32..])].concat();
    let zero_r = [&[0; 32], &fixed[32..]].concat();
    let zero_s = [&fixed[..32], &[0; 32]].concat();
    let large = [&[0xff; 32], &fixed[32..]].concat();
    let (short, long) = (fixed[..63].to_vec(), [&fixed[..], &[0]].concat());
    for signature in [der, zero_r, zero_s, large, short, long, vec![0; 64], vec![1]] {
        let error = verify(&verifier, &format!("{input}.{}", encode(&signature))).await.unwrap_err();
        assert!(matches!(error, VerifyError::Token(TokenFault::Signature)), "Input: {signature:?}");
    }
    let rsa = rsa_key(0).token(Algorithm::Rs256, "r", &claims(&issuer.url("")));
    let (input, signature) = rsa.rsplit_once('.').unwrap();
    assert!(verify(&verifier, &rsa).await.is_ok());
    assert!(verify(&verifier, &format!("{input}.AAAA{signature}")).await.is_err());
}

/// T-019
#[tokio::test]
async fn keys_of_one_issuer_do_not_verify_for_another() {
    let (one, two) = (rsa_key(0), rsa_key(1));
    let issuer = TestIssuer::start().await;
    issuer.publish("/one", &["RS256"], &[one.jwk("a")]);
    issuer.publish("/two", &["RS256"], &[two.jwk("a")]);
    let verifier = verifier(&StoppedClock::new());
    let (first, second) = (claims(&issuer.url("/one")), claims(&issuer.url("/two")));
    assert!(verify(&verifier, &one.token(Algorithm::Rs256, "a", &first)).await.is_ok());
    assert!(verify(&verifier, &two.token(Algorithm::Rs256, "a", &second)).await.is_ok());
    assert!(verify(&verifier, &one.token(Algorithm::Rs256, "a", &second)).await.is_err());
    assert!(verify(&verifier, &two.token(Algorithm::Rs256, "a", &first)).await.is_err());
    let slashed = claims(&issuer.url("/one/"));
    let error = verify(&verifier, &one.token(Algorithm::Rs256, "a", &slashed)).await.unwrap_err();
    assert!(matches!(error, VerifyError::Discovery(_)));
}

/// T-003
#[tokio::test]
async fn only_advertised_algorithms_are_verified() {
    let key = new_key(Algorithm::Es256);
    for advertised in [&["HS256", "none"][..], &[], &["RS256"], &["es256"], &["ES384", "PS256"]] {
        let issuer = TestIssuer::start().await;
        issuer.publish("", advertised, &[key.jwk("a"), rsa_key(0).jwk("r"), new_key(Algorithm::Es384).jwk("e")]);
        let bearer = key.token(Algorithm::Es256, "a", &claims(&issuer.url("")));
        let error = verify(&verifier(&StoppedClock::new()), &bearer).await.unwrap_err();
        assert!(matches!(error, VerifyError::Token(TokenFault::AlgorithmNotAdvertised(Algorithm::Es256))), "Input: {advertised:?}: {error:?}");
        assert_eq!(issuer.hits("/jwks"), 1);
    }
}

/// T-022, T-023, T-024, T-025: times are judged before anything is fetched.
#[tokio::test]
async fn a_token_out_of_its_time_is_refused_before_anything_is_fetched() {
    let issuer = issuer_with(&[rsa_key(0).jwk("a")]).await;
    let verifier = verifier(&StoppedClock::new());
    let odd = [
        ("exp", json!(NOW)),
        ("exp", json!(NOW - 10)),
        ("exp", json!("x")),
        ("exp", Value::Null),
        ("nbf", json!(NOW + 600)),
        ("iat", json!(NOW + 3_600)),
    ];
    for (name, value) in odd {
        let mut claims = claims(&issuer.url(""));
        claims[name] = value.clone();
        let error = verify(&verifier, &rsa_key(0).token(Algorithm::Rs256, "a", &claims)).await.unwrap_err();
        assert!(matches!(error, VerifyError::Token(TokenFault::Times(_))), "Input: {name} {value}: {error:?}");
    }
    assert_eq!(issuer.all_hits(), 0);
    let clock = StoppedClock::new();
    let lenient = octo_sts_oidc::VerifierSettings {
        allow_localhost: true,
        expiry_leeway: std::time::Duration::from_secs(30),
        ..octo_sts_oidc::VerifierSettings::default()
    };
    let mut claims = claims(&issuer.url(""));
    claims["exp"] = json!(NOW - 29);
    let bearer = rsa_key(0).token(Algorithm::Rs256, "a", &claims);
    assert!(verify(&verifier_with(lenient, &clock), &bearer).await.is_ok());
}

/// T-027, T-029: the claims of a genuine token have a grammar of their own.
#[tokio::test]
async fn a_genuine_token_with_odd_claims_is_refused_as_such() {
    let issuer = issuer_with(&[rsa_key(0).jwk("a")]).await;
    let verifier = verifier(&StoppedClock::new());
    for (name, value) in [("sub", json!("")), ("sub", json!(1)), ("sub", json!("a\nb")), ("aud", json!(null)), ("aud", json!([""]))] {
        let mut claims = claims(&issuer.url(""));
        claims[name] = value.clone();
        let error = verify(&verifier, &rsa_key(0).token(Algorithm::Rs256, "a", &claims)).await.unwrap_err();
        assert!(matches!(error, VerifyError::Claims(_)), "Input: {name} {value}: {error:?}");
        let forged = verify(&verifier, &rsa_key(1).token(Algorithm::Rs256, "a", &claims)).await.unwrap_err();
        assert!(matches!(forged, VerifyError::Token(TokenFault::Signature)), "Input: {name} {value}: {forged:?}");
    }
}

/// T-015: what verifies is what was signed, bit for bit, and has no second spelling.
#[test]
fn any_flipped_bit_is_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (verifier, bearers) = runtime.block_on(async {
        let key = new_key(Algorithm::Es256);
        let issuer = issuer_with(&[rsa_key(0).jwk("a"), key.jwk("e")]).await;
        let claims = claims(&issuer.url(""));
        let bearers = [rsa_key(0).token(Algorithm::Rs256, "a", &claims), key.token(Algorithm::Es256, "e", &claims)];
        let verifier = verifier(&StoppedClock::new());
        for bearer in &bearers {
            assert!(verify(&verifier, bearer).await.is_ok());
        }
        (verifier, bearers)
    });
    TestRunner::default()
        .run(&(0..2_usize, any::<prop::sample::Index>(), 0..8_u32), |(which, place, bit)| {
            let mut bytes = bearers[which].clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(bytes) else { return Ok(()) };
            let Ok(token) = UnverifiedToken::parse(&flipped) else { return Ok(()) };
            if token.issuer().as_str().starts_with("http://127.0.0.1") {
                prop_assert!(runtime.block_on(verifier.verify(&token)).is_err(), "{flipped}");
            }
            Ok(())
        })
        .unwrap();
}

/// T-015
#[test]
fn an_accepted_token_encodes_back_to_its_text() {
    proptest!(|(header in "[A-Za-z0-9_-]{0,40}", extra in "\\PC{0,20}", signature in "[A-Za-z0-9_=-]{0,20}", tail in "[.=\\s]{0,2}")| {
        let claims = json!({"iss": "https://issuer.example", "x": extra}).to_string();
        let bearer = format!("{header}.{}.{signature}{tail}", encode(claims));
        if let Ok(token) = UnverifiedToken::parse(&bearer) {
            let (head, rest) = token.signing_input().split_once('.').unwrap();
            let again = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, rest).unwrap();
            prop_assert_eq!(format!("{head}.{}", encode(again)), token.signing_input());
            prop_assert!(bearer.starts_with(token.signing_input()));
        }
    });
}

/// T-115: whatever is sent, there is an answer.
#[test]
fn no_text_breaks_the_reader() {
    proptest!(|(text in "\\PC{0,300}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,60}", 1..5))| {
        let _ = UnverifiedToken::parse(&text);
        let _ = UnverifiedToken::parse(&parts.join("."));
        let _ = UnverifiedToken::parse(&format!("{}.{}.{}", encode(&text), encode(&text), encode(&text)));
        let _ = UnverifiedToken::parse(&format!("{}.{}.", encode(&text), encode(format!("{{\"iss\":\"https://a.example\",\"exp\":{text}}}"))));
    });
}
