//! Keys behind PKCS#11, against `SoftHSM`.
//!
//! `SoftHSM` reads its configuration when the library is loaded, so each test runs again in a process of its own.

#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

mod common;

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use common::{chain, program};
use octo_sts_signer::{OpenKeyError, Signer, pkcs11, self_check};

const INSTALL: &str = "apt-get install softhsm2";

/// A token of its own with the key `app`, in a folder that goes with the test.
struct Token {
    folder: tempfile::TempDir,
    configuration: PathBuf,
}

impl Token {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("softhsm2.conf");
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        std::fs::write(&configuration, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
        std::fs::write(folder.path().join("pin"), "1234\n").unwrap();
        std::fs::write(folder.path().join("key.pem"), common::KEY).unwrap();
        let token = Self { folder, configuration };
        token.util(&["--init-token", "--free", "--label", "octo sts", "--pin", "1234", "--so-pin", "5678"]);
        token.import("app", "01");
        token
    }

    fn import(&self, label: &str, id: &str) {
        let key = self.folder.path().join("key.pem");
        self.util(&["--import", key.to_str().unwrap(), "--token", "octo sts", "--label", label, "--id", id, "--pin", "1234"]);
    }

    fn util(&self, arguments: &[&str]) {
        let util = program("softhsm2-util", "SOFTHSM2_UTIL", INSTALL);
        let output = Command::new(util).args(arguments).env("SOFTHSM2_CONF", &self.configuration).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn again(&self, test: &str) {
        common::again(test, &[("SOFTHSM2_CONF", self.configuration.to_str().unwrap()), ("TEST_FOLDER", self.folder.path().to_str().unwrap())]).await;
    }
}

/// The folder of the token, in the second process.
fn folder() -> Option<String> {
    std::env::var("TEST_FOLDER").ok()
}

fn library() -> String {
    let named = std::env::var("SOFTHSM2_LIBRARY").ok();
    let usual = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"];
    let found = named.or_else(|| usual.iter().find(|path| std::path::Path::new(path).is_file()).map(|path| (*path).to_owned()));
    found.unwrap_or_else(|| panic!("SoftHSM's library is missing: install it with `{INSTALL}`, or say where it is in `SOFTHSM2_LIBRARY`"))
}

async fn open(key: &str, pin: &str) -> Result<Arc<dyn Signer>, OpenKeyError> {
    pkcs11::open(&format!("pkcs11:{key}?module-path={}&{pin}", library())).await
}

#[tokio::test]
async fn a_key_behind_pkcs11_signs_for_several_signers_at_once() {
    let Some(folder) = folder() else { return Token::new().again("a_key_behind_pkcs11_signs_for_several_signers_at_once").await };
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
        let token = Token::new();
        token.import("app", "02");
        return token.again("what_a_token_refuses_says_what_to_check").await;
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
    let Some(folder) = folder() else { return Token::new().again("a_wrong_pin_is_tried_once").await };
    let start = tokio::time::Instant::now();
    let refused = chain(&open("object=app", "pin-value=9999").await.unwrap_err());
    assert!(refused.contains("it is not tried again, so that the token is not locked"), "{refused}");
    assert!(start.elapsed() < Duration::from_secs(3));
    open("object=app", &format!("pin-source={folder}/pin")).await.unwrap();
}
