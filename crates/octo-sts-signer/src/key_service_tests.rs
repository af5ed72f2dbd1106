//! T-126: a key service that is slow, throttles, fails, or signs with something else.

use std::{
    collections::VecDeque,
    error::Error as _,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::{encoding::AsDer as _, rsa::KeyPair, signature::KeyPair as _};

use super::*;
use crate::PemSigner;

/// What the double does at one call.
#[derive(Clone, Copy, Debug)]
enum Act {
    Sign,
    SignWithAnother,
    Say(&'static [u8]),
    Fail(Trouble),
    Stall,
}

#[derive(Debug)]
struct Double {
    signer: PemSigner,
    another: PemSigner,
    script: Mutex<VecDeque<Act>>,
    signatures: AtomicUsize,
    public_keys: Mutex<VecDeque<Vec<u8>>>,
}

const FIRST: &str = include_str!("../tests/keys/pkcs8.pem");
const SECOND: &str = include_str!("../tests/keys/pkcs1.pem");

fn public_der(pem_text: &str) -> Vec<u8> {
    let block = pem::parse(pem_text).unwrap();
    let pair = if block.tag() == "PRIVATE KEY" { KeyPair::from_pkcs8(block.contents()) } else { KeyPair::from_der(block.contents()) };
    pair.unwrap().public_key().as_der().unwrap().as_ref().to_vec()
}

fn double(script: impl IntoIterator<Item = Act>) -> Double {
    Double {
        signer: PemSigner::from_pem(&FIRST.into(), "first").unwrap(),
        another: PemSigner::from_pem(&SECOND.into(), "second").unwrap(),
        script: Mutex::new(script.into_iter().collect()),
        signatures: AtomicUsize::new(0),
        public_keys: Mutex::new(VecDeque::from([public_der(FIRST)])),
    }
}

#[async_trait]
impl KeyService for Arc<Double> {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.signatures.fetch_add(1, Ordering::SeqCst);
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Sign);
        match act {
            Act::Sign => Ok(self.signer.sign(message).await.unwrap()),
            Act::SignWithAnother => Ok(self.another.sign(message).await.unwrap()),
            Act::Say(bytes) => Ok(bytes.to_vec()),
            Act::Fail(trouble) => Err(ServiceError::new(trouble, "look here")),
            Act::Stall => std::future::pending().await,
        }
    }

    async fn public_key(&self) -> Result<Vec<u8>, ServiceError> {
        let mut keys = self.public_keys.lock().unwrap();
        Ok(if keys.len() > 1 { keys.pop_front().unwrap() } else { keys[0].clone() })
    }

    fn origin(&self) -> String {
        "the key `app` of the double".into()
    }
}

async fn opened(script: impl IntoIterator<Item = Act>) -> (Arc<Double>, Arc<dyn Signer>) {
    let service = Arc::new(double(script));
    let signer = RemoteSigner::open(service.clone()).await.unwrap();
    (service, signer)
}

#[tokio::test]
async fn a_signature_is_handed_on_only_if_it_is_one_of_this_key() {
    let (_, signer) = opened([Act::Sign, Act::SignWithAnother, Act::Say(b""), Act::Say(&[0x30, 0x82, 1, 0, 2, 1]), Act::Say(&[0; 256])]).await;
    assert!(signature_matches(&signer.public_key().await.unwrap(), b"jwt", &signer.sign(b"jwt").await.unwrap()));
    for _ in 0..4 {
        let refused = signer.sign(b"jwt").await.unwrap_err();
        assert_eq!(refused.to_string(), "the signature of the key `app` of the double does not match its public key");
    }
    crate::self_check(&*signer).await.unwrap();
}

#[tokio::test]
async fn a_name_that_points_at_another_key_since_goes_on_signing() {
    let service = Arc::new(double([Act::Sign, Act::SignWithAnother, Act::SignWithAnother]));
    service.public_keys.lock().unwrap().push_back(public_der(SECOND));
    let signer = RemoteSigner::open(service.clone()).await.unwrap();
    signer.sign(b"jwt").await.unwrap();
    let rotated = signer.sign(b"jwt").await.unwrap();
    assert!(signature_matches(&signer.public_key().await.unwrap(), b"jwt", &rotated));
    signer.sign(b"jwt").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_once_more_and_nothing_else_is() {
    for (script, calls, works) in [
        (vec![Act::Fail(Trouble::Throttled)], 2, true),
        (vec![Act::Fail(Trouble::Unavailable)], 2, true),
        (vec![Act::Fail(Trouble::Throttled); 2], 2, false),
        (vec![Act::Fail(Trouble::Denied)], 1, false),
        (vec![Act::Fail(Trouble::NoCredentials)], 1, false),
        (vec![Act::Fail(Trouble::NotFound)], 1, false),
        (vec![Act::Fail(Trouble::Unusable)], 1, false),
        (vec![Act::Fail(Trouble::Unexpected)], 1, false),
    ] {
        let (service, signer) = opened(script.clone()).await;
        assert_eq!(signer.sign(b"jwt").await.is_ok(), works, "Script: {script:?}");
        assert_eq!(service.signatures.load(Ordering::SeqCst), calls, "Script: {script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signature_takes_three_seconds_at_most_with_its_second_attempt() {
    for script in [vec![Act::Stall], vec![Act::Fail(Trouble::Throttled), Act::Stall]] {
        let (_, signer) = opened(script.clone()).await;
        let start = tokio::time::Instant::now();
        let late = signer.sign(b"jwt").await.unwrap_err();
        assert_eq!(late.to_string(), "the key `app` of the double did not answer within 3 s");
        assert_eq!(start.elapsed(), SIGN_DEADLINE, "Script: {script:?}");
        signer.sign(b"jwt").await.unwrap();
    }
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused_when_it_is_opened() {
    for bytes in [
        Vec::new(),
        b"-----BEGIN PUBLIC KEY-----".to_vec(),
        pem::parse(include_str!("../tests/keys/public.pem")).unwrap().into_contents()[..40].to_vec(),
    ] {
        let service = Arc::new(double([]));
        *service.public_keys.lock().unwrap() = VecDeque::from([bytes.clone()]);
        let refused = RemoteSigner::open(service).await.unwrap_err();
        assert_eq!(refused.to_string(), "the key `app` of the double did not sign");
        let why = refused.source().unwrap().to_string();
        assert!(why.starts_with("cannot be used: the key must be an RSA key of 2048 to 8192 bits"), "Input: {bytes:?}, {why}");
    }
}
