//! Issuers that the operator describes one by one.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use octo_sts_http::{Lookup, Network};
use octo_sts_oidc::{
    Addresses, Algorithm, IssuerEntry, IssuerFilter, KeySource, RequiredClaims, StaticKeySet, TokenFault, Unmet, UnverifiedToken, Verifier,
    VerifierSettings, VerifyError,
};
use octo_sts_types::{ClaimSet, Issuer};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use crate::common::{
    NOW, StoppedClock, chain, claims,
    issuer::{Reply, TestIssuer},
    keys::{TestKey, new_key},
    verifier_with, verify,
};

/// Every name is at this address.
struct Here(SocketAddr);

impl Lookup for Here {
    fn lookup(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let address = self.0;
        Box::pin(async move { Ok(vec![address]) })
    }
}

const NAME: &str = "kubernetes.default.svc";

fn key() -> TestKey {
    new_key(Algorithm::Es256)
}

fn token(key: &TestKey, issuer: &str) -> String {
    key.token(Algorithm::Es256, "a", &claims(issuer))
}

fn entry(issuer: &str) -> IssuerEntry {
    IssuerEntry {
        issuer: Issuer::parse(issuer).unwrap(),
        keys: KeySource::Discovery,
        extra_roots: None,
        addresses: Addresses::Public,
        claims: None,
        longest_life: None,
    }
}

fn fixed(key: &TestKey) -> KeySource {
    KeySource::Fixed(StaticKeySet::read(json!({"keys": [key.jwk("a")]}), 16).unwrap())
}

fn within(networks: &[&str]) -> Addresses {
    Addresses::Within(networks.iter().map(|text| Network::parse(text).unwrap()).collect())
}

fn described(entries: Vec<IssuerEntry>) -> Verifier {
    verifier_with(VerifierSettings { entries, ..VerifierSettings::default() }, &StoppedClock::new())
}

/// A private cluster on TLS, whose name leads to this machine, and the PEM of its authority.
async fn cluster() -> (TestIssuer, String) {
    let pair = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], private).unwrap();
    (TestIssuer::start_with(Some((Arc::new(config).into(), NAME))).await, pair.cert.pem())
}

fn beside(issuer: &TestIssuer, entries: Vec<IssuerEntry>) -> Verifier {
    let settings = VerifierSettings { entries, lookup: Some(Arc::new(Here(issuer.address))), ..VerifierSettings::default() };
    verifier_with(settings, &StoppedClock::new())
}

/// A cluster that nobody can reach: its name resolves nowhere, and nobody asks.
#[tokio::test]
async fn written_keys_verify_and_nobody_is_asked() {
    let (mine, other) = (key(), key());
    let url = "https://kubernetes.default.svc.cluster.local";
    let verifier = described(vec![IssuerEntry { keys: fixed(&mine), ..entry(url) }]);
    verify(&verifier, &token(&mine, url)).await.unwrap();
    let forged = verify(&verifier, &token(&other, url)).await;
    assert!(matches!(forged, Err(VerifyError::Token(TokenFault::Signature))), "{forged:?}");
    let renamed = verify(&verifier, &mine.token(Algorithm::Es256, "b", &claims(url))).await;
    assert!(matches!(renamed, Err(VerifyError::Token(TokenFault::UnknownKey { .. }))), "{renamed:?}");
    for near in ["https://kubernetes.default.svc.cluster.local/", "https://kubernetes.default.svc.cluster.local:6443"] {
        assert!(matches!(verify(&verifier, &token(&mine, near)).await, Err(VerifyError::IssuerRefused(_))), "Input: {near}");
    }
    verifier.prefetch(&Issuer::parse(url).unwrap()).await.unwrap();
    assert_eq!(verifier.stats().fetches, 0);
}

/// T-001
#[tokio::test]
async fn written_keys_know_no_algorithm_none() {
    let (mine, url) = (key(), "https://rke.local");
    let verifier = described(vec![IssuerEntry { keys: fixed(&mine), ..entry(url) }]);
    for header in [json!({"alg": "none", "kid": "a"}), json!({"alg": "HS256", "kid": "a"}), json!({"alg": "ES384", "kid": "a"})] {
        let refused = verify(&verifier, &mine.token_with(Algorithm::Es256, &header, &claims(url))).await;
        assert!(matches!(refused, Err(VerifyError::Token(_))), "Input: {header}");
    }
}

/// T-031, T-038: its own authority, its own addresses; what is excepted for it opens nothing to others.
#[tokio::test]
async fn a_private_cluster_is_reached_by_its_own_authority_and_addresses() {
    let ((cluster, authority), mine) = (cluster().await, key());
    for tenant in ["/a", "/b"] {
        cluster.publish(tenant, &["ES256"], &[mine.jwk("a")]);
    }
    let (url, other) = (cluster.url("/a"), cluster.url("/b"));
    let good = IssuerEntry { extra_roots: Some(authority.clone()), addresses: within(&["127.0.0.0/8"]), ..entry(&url) };
    let verifier = beside(&cluster, vec![good.clone()]);
    verify(&verifier, &token(&mine, &url)).await.unwrap();
    let before = cluster.all_hits();
    assert!(verify(&verifier, &token(&mine, &other)).await.is_err());
    for wrong in [
        IssuerEntry { extra_roots: None, ..good.clone() },
        IssuerEntry { addresses: Addresses::Public, ..good.clone() },
        IssuerEntry { addresses: within(&["10.0.0.0/8", "127.0.0.2"]), ..good.clone() },
    ] {
        let refused = verify(&beside(&cluster, vec![wrong.clone()]), &token(&mine, &url)).await;
        assert!(matches!(refused, Err(VerifyError::Discovery(_))), "{wrong:?}: {refused:?}");
    }
    assert_eq!(cluster.all_hits(), before);
    verify(&beside(&cluster, vec![IssuerEntry { addresses: Addresses::Private, ..good }]), &token(&mine, &url)).await.unwrap();
}

/// A discovery document cannot lead a private issuer's client to another host or port.
#[tokio::test]
async fn private_is_one_host_on_one_port() {
    let ((cluster, authority), mine) = (cluster().await, key());
    let url = cluster.url("/a");
    cluster.answer("/a/.well-known/openid-configuration", Reply::Json(json!({"issuer": url, "jwks_uri": "https://10.0.0.1:2379/v2/keys"})));
    let described = IssuerEntry { extra_roots: Some(authority), addresses: Addresses::Private, ..entry(&url) };
    let refused = verify(&beside(&cluster, vec![described]), &token(&mine, &url)).await;
    assert!(matches!(refused, Err(VerifyError::Token(TokenFault::Keys(ref error))) if !error.is_transient()), "{refused:?}");
}

/// T-031: the clouds' metadata services are asked only where their very address is listed.
#[tokio::test]
async fn a_jwks_uri_at_a_metadata_service_is_refused_unless_it_is_listed() {
    let (mine, url) = (key(), "https://issuer.example");
    let at = |addresses| IssuerEntry { keys: KeySource::Url("https://169.254.169.254/jwks".parse().unwrap()), addresses, ..entry(url) };
    for addresses in [Addresses::Public, Addresses::Private, within(&["10.0.0.0/8"])] {
        let refused = verify(&described(vec![at(addresses.clone())]), &token(&mine, url)).await;
        let Err(VerifyError::Token(TokenFault::Keys(error))) = refused else { panic!("{addresses:?}: {refused:?}") };
        assert!(chain(&*error).contains("which is not on the public internet"), "{error:?}");
    }
    let open = verify(&described(vec![at(within(&["169.254.169.254"]))]), &token(&mine, url)).await;
    let Err(VerifyError::Token(TokenFault::Keys(error))) = open else { panic!("{open:?}") };
    assert!(!chain(&*error).contains("which is not on the public internet"), "{error:?}");
}

/// T-032
#[tokio::test]
async fn a_jwks_uri_is_asked_without_discovery_and_led_nowhere_else() {
    let ((cluster, authority), mine) = (cluster().await, key());
    cluster.publish_keys("", &[mine.jwk("a")]);
    let other = TestIssuer::start().await;
    let url = "https://issuer.example/a";
    let described = IssuerEntry {
        keys: KeySource::Url(cluster.url("/jwks").parse().unwrap()),
        extra_roots: Some(authority),
        addresses: Addresses::Private,
        ..entry(url)
    };
    verify(&beside(&cluster, vec![described.clone()]), &token(&mine, url)).await.unwrap();
    assert_eq!((cluster.hits("/jwks"), cluster.all_hits()), (1, 1));
    cluster.answer("/jwks", Reply::Raw(302, vec![("location", other.url("/jwks"))], Vec::new()));
    assert!(verify(&beside(&cluster, vec![described]), &token(&mine, url)).await.is_err());
    assert_eq!(other.all_hits(), 0);
}

#[derive(Debug)]
struct Namespace(&'static str);

impl RequiredClaims for Namespace {
    fn unmet(&self, claims: &ClaimSet) -> Option<&str> {
        (claims.member("namespace").and_then(serde_json::Value::as_str) != Some(self.0)).then_some("namespace")
    }
}

#[tokio::test]
async fn a_genuine_token_without_a_required_claim_is_refused() {
    let (mine, url) = (key(), "https://rke.local");
    let verifier = described(vec![IssuerEntry { keys: fixed(&mine), claims: Some(Arc::new(Namespace("prod"))), ..entry(url) }]);
    let with = |namespace: serde_json::Value| {
        let mut members = claims(url);
        members["namespace"] = namespace;
        mine.token(Algorithm::Es256, "a", &members)
    };
    verify(&verifier, &with(json!("prod"))).await.unwrap();
    for odd in [json!("dev"), json!(null), json!(["prod"])] {
        let refused = verify(&verifier, &with(odd.clone())).await.unwrap_err();
        assert!(matches!(refused, VerifyError::Unmet(Unmet::Claim { ref name }) if name == "namespace"), "Input: {odd}: {refused:?}");
        assert!(!refused.what_to_do().contains("prod") && !chain(&refused).contains("prod"));
    }
    // A forged token hears nothing of what is required.
    let forged = verify(&verifier, &token(&key(), url)).await;
    assert!(matches!(forged, Err(VerifyError::Token(TokenFault::Signature))), "{forged:?}");
}

#[tokio::test]
async fn a_token_that_lives_too_long_is_refused() {
    let (mine, url) = (key(), "https://rke.local");
    let limited = |seconds| described(vec![IssuerEntry { keys: fixed(&mine), longest_life: Some(Duration::from_secs(seconds)), ..entry(url) }]);
    verify(&limited(300), &token(&mine, url)).await.unwrap();
    assert!(matches!(verify(&limited(299), &token(&mine, url)).await, Err(VerifyError::Unmet(Unmet::Life))));
    let mut members = claims(url);
    members.as_object_mut().unwrap().remove("iat");
    let silent = verify(&limited(3_600), &mine.token(Algorithm::Es256, "a", &members)).await;
    assert!(matches!(silent, Err(VerifyError::Unmet(Unmet::NoLife))), "{silent:?}");
}

#[tokio::test]
async fn the_list_of_admitted_issuers_bounds_described_ones() {
    let (mine, url) = (key(), "https://rke.local");
    let settings = VerifierSettings {
        allowed_issuers: Some(IssuerFilter::parse("https://a.example").unwrap()),
        entries: vec![IssuerEntry { keys: fixed(&mine), ..entry(url) }],
        ..VerifierSettings::default()
    };
    let verifier = verifier_with(settings, &StoppedClock::new());
    assert!(matches!(verify(&verifier, &token(&mine, url)).await, Err(VerifyError::IssuerRefused(_))));
    let unverified = UnverifiedToken::parse(&token(&mine, url)).unwrap();
    assert!(matches!(verifier.precheck(&unverified), Err(VerifyError::IssuerRefused(_))));
    let keys = StaticKeySet::read(json!({"keys": [mine.jwk("a")]}), 16).unwrap();
    assert!(matches!(verifier.verify_with(&unverified, &keys), Err(VerifyError::IssuerRefused(_))));
}

#[tokio::test]
async fn descriptions_are_replaced_as_a_whole_and_known_keys_are_kept() {
    let ((cluster, authority), mine) = (cluster().await, key());
    cluster.publish("", &["ES256"], &[mine.jwk("a")]);
    let (url, gone) = (cluster.url(""), "https://rke.local");
    let reached = IssuerEntry { extra_roots: Some(authority), addresses: Addresses::Private, ..entry(&url) };
    let verifier = beside(&cluster, vec![reached.clone(), IssuerEntry { keys: fixed(&mine), ..entry(gone) }]);
    verify(&verifier, &token(&mine, &url)).await.unwrap();
    verify(&verifier, &token(&mine, gone)).await.unwrap();
    let fetched = cluster.all_hits();
    verifier.replace_entries(vec![IssuerEntry { longest_life: Some(Duration::from_hours(1)), ..reached.clone() }]).unwrap();
    verify(&verifier, &token(&mine, &url)).await.unwrap();
    assert_eq!(cluster.all_hits(), fetched);
    assert!(matches!(verify(&verifier, &token(&mine, gone)).await, Err(VerifyError::IssuerRefused(_))));
    // What cannot be built changes nothing.
    let broken = IssuerEntry { extra_roots: Some("no certificate".to_owned()), ..reached.clone() };
    assert!(verifier.replace_entries(vec![broken]).is_err());
    verify(&verifier, &token(&mine, &url)).await.unwrap();
    // Another source begins anew.
    verifier.replace_entries(vec![IssuerEntry { addresses: within(&["127.0.0.1"]), ..reached }]).unwrap();
    verify(&verifier, &token(&mine, &url)).await.unwrap();
    assert_eq!(cluster.all_hits(), 2 * fetched);
}

/// Keys of a policy serve that policy: the verifier remembers nothing of them.
#[tokio::test]
async fn keys_handed_in_verify_one_token_and_are_not_kept() {
    let (mine, url) = (key(), "https://unreachable.example.internal");
    let verifier = described(Vec::new());
    let unverified = UnverifiedToken::parse(&token(&mine, url)).unwrap();
    let keys = StaticKeySet::read(json!({"keys": [mine.jwk("a")]}), 16).unwrap();
    assert_eq!(verifier.verify_with(&unverified, &keys).unwrap().issuer().as_str(), url);
    assert!(matches!(verifier.verify(&unverified).await, Err(VerifyError::IssuerRefused(_))));
    let mut expired = claims(url);
    expired["exp"] = json!(NOW - 1);
    let expired = UnverifiedToken::parse(&mine.token(Algorithm::Es256, "a", &expired)).unwrap();
    assert!(matches!(verifier.verify_with(&expired, &keys), Err(VerifyError::Token(TokenFault::Times(_)))));
    assert!(matches!(verifier.precheck(&expired), Err(VerifyError::Token(TokenFault::Times(_)))));
}
