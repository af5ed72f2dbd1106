//! Nothing but the issuer is ever dialled for a token.

use std::{env, io::ErrorKind, net::TcpListener, process::Command};

use octo_sts_oidc::Algorithm;
use octo_sts_types::Issuer;
use serde_json::json;

use crate::common::{
    StoppedClock, claims,
    issuer::TestIssuer,
    keys::{TestKey, new_key},
    verifier, verify,
};

async fn published() -> (TestIssuer, TestKey) {
    let (issuer, key) = (TestIssuer::start().await, new_key(Algorithm::Es256));
    issuer.publish("", &["ES256"], &[key.jwk("a")]);
    (issuer, key)
}

/// T-02B
#[tokio::test]
async fn distributed_claims_are_never_fetched() {
    let (issuer, key) = published().await;
    let other = TestIssuer::start().await;
    let mut members = claims(&issuer.url(""));
    members["_claim_names"] = json!({"x": "src"});
    members["_claim_sources"] = json!({"src": {"endpoint": other.url("/claims"), "access_token": "t"}});
    members["act"] = json!({"iss": other.url(""), "sub": "root"});
    let verified = verify(&verifier(&StoppedClock::new()), &key.token(Algorithm::Es256, "a", &members)).await.unwrap();
    assert!(verified.member("x").is_none());
    assert_eq!((issuer.all_hits(), other.all_hits()), (2, 0));
}

/// T-034: the environment of a process is its own, so the fetch happens in a process made for it.
#[test]
fn a_proxy_of_the_environment_is_not_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "elsewhere::fetch_beside_a_proxy", "--ignored"]).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        child.env(name, &url);
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
#[ignore = "run by the test above, in a process whose environment names a proxy"]
async fn fetch_beside_a_proxy() {
    let (issuer, key) = published().await;
    let verifier = verifier(&StoppedClock::new());
    assert!(verify(&verifier, &key.token(Algorithm::Es256, "a", &claims(&issuer.url("")))).await.is_ok());
    assert!(verifier.prefetch(&Issuer::parse("https://issuer.invalid").unwrap()).await.is_err());
}
