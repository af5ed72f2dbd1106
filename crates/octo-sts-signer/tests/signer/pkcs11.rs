//! Keys behind PKCS#11, against `SoftHSM`.
//!
//! `SoftHSM` reads its configuration when the library is loaded, so each test runs again in a process of its own.

use std::{sync::Arc, time::Duration};

use octo_sts_components::{SoftHsm, library};
use octo_sts_signer::{OpenKeyError, Signer, pkcs11, self_check};

use crate::keys::{KEY, chain};

/// A token with the key `app`.
fn token() -> SoftHsm {
    SoftHsm::with_key(KEY)
}

/// Runs a test of this file in a process that sees the token.
async fn again(test: &str, token: &SoftHsm) {
    let test = format!("pkcs11::{test}");
    let (configuration, folder) = (token.configuration().to_str().unwrap(), token.folder().to_str().unwrap());
    octo_sts_components::again(&test, &[("SOFTHSM2_CONF", configuration), ("TEST_FOLDER", folder)]).await;
}

/// The folder of the token, in the second process.
fn folder() -> Option<String> {
    std::env::var("TEST_FOLDER").ok()
}

async fn open(key: &str, pin: &str) -> Result<Arc<dyn Signer>, OpenKeyError> {
    pkcs11::open(&format!("pkcs11:{key}?module-path={}&{pin}", library())).await
}

#[tokio::test]
async fn a_key_behind_pkcs11_signs_for_several_signers_at_once() {
    let Some(folder) = folder() else { return again("a_key_behind_pkcs11_signs_for_several_signers_at_once", &token()).await };
    let by_label = open("token=octo%20sts;object=app", &format!("pin-source=file:{folder}/pin")).await.unwrap();
    let by_id = open("id=%01", "pin-value=1234").await.unwrap();
    assert_eq!(by_label.origin(), "PKCS#11 key `app` on token `octo sts`");
    let mut tasks = tokio::task::JoinSet::new();
    for signer in [by_label, by_id].iter().cycle().take(40).cloned() {
        tasks.spawn(async move { self_check(&*signer).await });
    }
    for checked in tasks.join_all().await {
        checked.unwrap();
    }
}

/// T-126
#[tokio::test]
async fn what_a_token_refuses_says_what_to_check() {
    let Some(_) = folder() else {
        let token = token();
        token.import(KEY, "app", "02");
        return again("what_a_token_refuses_says_what_to_check", &token).await;
    };
    for (key, pin, expected) in [
        ("token=other;object=app", "pin-value=1234", "not found: check `token` and `serial` in the URI"),
        ("object=other", "pin-value=1234", "not found: check `object` and `id` in the URI"),
        ("object=app", "pin-value=1234", "(the answer was: 2 keys fit)"),
        ("id=%01", "pin-value=9999", "no usable credentials: check the PIN"),
        ("id=%01", "pin-source=/nowhere/pin", "the file that `pin-source` names cannot be read"),
    ] {
        let refused = chain(&open(key, pin).await.unwrap_err());
        assert!(refused.contains(expected) && !refused.contains("9999"), "{key}: {refused}");
    }
    let refused = chain(&pkcs11::open("pkcs11:object=app?module-path=/nowhere.so").await.unwrap_err());
    assert!(refused.contains("not found: check `module-path` in the URI"), "{refused}");
}

/// T-126
#[tokio::test]
async fn a_wrong_pin_is_tried_once() {
    let Some(folder) = folder() else { return again("a_wrong_pin_is_tried_once", &token()).await };
    let start = tokio::time::Instant::now();
    let refused = chain(&open("object=app", "pin-value=9999").await.unwrap_err());
    assert!(refused.contains("it is not tried again, so that the token is not locked"), "{refused}");
    assert!(start.elapsed() < Duration::from_secs(3));
    open("object=app", &format!("pin-source={folder}/pin")).await.unwrap();
}
