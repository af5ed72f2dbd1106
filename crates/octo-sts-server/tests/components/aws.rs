//! Keys in AWS KMS and secrets in AWS Secrets Manager.

use std::time::Duration;

use octo_sts_components::{Moto, Quirks};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    caller::{deliver, exchange, get, until},
    house::{House, SECRET, borrowed},
    service::{CLOCK, Service},
};

/// How long a caller waits at the most for a key service that is silent: its three seconds, and what a loaded machine adds.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long after the key service is back everything works.
const RECOVERY: Duration = Duration::from_secs(5);

/// The variables of a service with the key of the App 4242 in AWS.
fn variables(moto: &Moto, key: &str) -> Vec<(&'static str, String)> {
    let of_key = [("GITHUB_APP_IDS", "4242"), ("KMS_PROVIDER", "aws"), ("KMS_KEYS", key)];
    of_key.map(|(name, value)| (name, value.to_owned())).into_iter().chain(moto.variables()).collect()
}

#[tokio::test]
async fn a_key_in_aws_kms_serves_with_the_webhooks_secret_beside_it() {
    let (house, moto) = (House::with_apps(1).await, Moto::start().await);
    let key = moto.import_key(&house.apps[0].private_key_pkcs8_pem()).await;
    moto.create_alias("alias/octo-sts", &key).await;
    moto.create_secret("octo-sts/webhook", SECRET).await;
    moto.create_secret("octo-sts/next", &SECRET.to_uppercase()).await;
    let mut variables = variables(&moto, "alias/octo-sts");
    variables.push(("GITHUB_WEBHOOK_SECRET", "octo-sts/webhook, octo-sts/next".into()));
    let service = Service::start(&house, &borrowed(&variables)).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    let ping = json!({"zen": "Design for failure."});
    for (secret, taken) in [(SECRET, true), (&SECRET.to_uppercase(), true), ("octo-sts/webhook", false)] {
        let status = deliver(service.port(), "ping", &ping, secret).await.status;
        assert_eq!(status < 300, taken, "{secret}: {status}");
    }
    assert!(!service.log().contains(SECRET));
}

/// T-127
#[tokio::test]
async fn of_two_keys_of_an_app_the_next_one_signs_when_github_refuses_the_first() {
    let (house, moto) = (House::with_apps(1).await, Moto::start().await);
    let old = moto.import_key(&house.apps[0].private_key_pkcs8_pem()).await;
    let new = moto.import_key(&house.apps[0].add_key().private_key_pkcs8_pem()).await;
    let apps = format!("orgs: [{{name: acme, apps: [{{app_id: 4242, kms_key: '{old}, {new}'}}]}}]\n");
    let mut variables = moto.variables();
    variables.push(("KMS_PROVIDER", "aws".into()));
    variables.push(("APP_CONFIG_FILE", house.file("apps.yaml", &apps).to_str().unwrap().to_owned()));
    let service = Service::start(&house, &borrowed(&variables)).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    house.apps[0].remove_key();
    for _ in 0..3 {
        exchange(service.port(), "ci", &house.token("x")).await.token();
    }
    assert!(service.is_ready().await);
}

/// T-126
#[tokio::test]
async fn a_silent_kms_goes_unnoticed_while_the_jwt_lives_and_is_over_within_five_seconds() {
    let (house, moto) = (House::with_apps(1).await, Moto::start().await);
    let key = moto.import_key(&house.apps[0].private_key_pkcs8_pem()).await;
    let mut variables = variables(&moto, &key);
    variables.push((CLOCK, house.clock().to_owned()));
    let service = Service::start(&house, &borrowed(&variables)).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    moto.stall();
    exchange(service.port(), "ci", &house.token("x")).await.token();
    house.set_ahead(Duration::from_secs(8 * 60 + 10));
    let begun = Instant::now();
    exchange(service.port(), "ci", &house.token("x")).await.token();
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(service.is_ready().await, "the JWT lives");
    house.set_ahead(Duration::from_mins(10));
    let begun = Instant::now();
    let refused = exchange(service.port(), "ci", &house.token("x")).await;
    assert_eq!(refused.refusal(), (500, "APP_KEY_REFUSED".into()), "{}", refused.body);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let ready = get(service.port(), "/readyz").await.unwrap();
    assert!(ready.status == 503 && ready.body.contains("the App's key does not sign"), "{}", ready.body);
    moto.resume();
    let begun = Instant::now();
    until("the service is ready again, though nobody asks it for a token", async || service.is_ready().await).await;
    assert!(begun.elapsed() < RECOVERY, "{:?}", begun.elapsed());
    exchange(service.port(), "ci", &house.token("x")).await.token();
}

/// T-126, T-133
#[tokio::test]
async fn a_kms_that_does_not_serve_ends_the_start_with_one_sentence() {
    let (house, moto) = (House::with_apps(1).await, Moto::start().await);
    let other = moto.create_key("RSA_2048").await;
    let elliptic = moto.create_key("ECC_NIST_P256").await;
    let liar = Moto::start_with(Quirks::Kept).await;
    let false_key = liar.import_key(&house.apps[0].private_key_pkcs8_pem()).await;
    let mut away = Moto::start().await;
    away.kill();
    for (moto, key, says) in [
        (&moto, other.as_str(), "the App 4242: GitHub refuses its key"),
        (&moto, &elliptic, "cannot be used: the key must be enabled, with spec RSA_2048 or larger"),
        (&moto, "alias/nobody", "not found: check the key's id, ARN or alias, the account, and the region (`AWS_REGION`)"),
        (&liar, &false_key, "does not match its public key"),
        (&away, "alias/nobody", "not reachable: check region, endpoint, and that this machine may connect to it"),
    ] {
        let said = Service::launch(&house, &borrowed(&variables(moto, key))).refuses().await;
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("the App 4242: ") && last.contains(says), "{key}: {said}");
    }
    assert!(house.sandbox.calls().iter().all(|call| call.class == "app"), "nothing is sent that is not signed by the key");
}
