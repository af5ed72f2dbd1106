//! Keys behind PKCS#11.

use octo_sts_components::{SoftHsm, library};
use serde_json::json;

use crate::{
    caller::{deliver, exchange},
    house::{House, SECRET},
    service::Service,
};

/// Beside PKCS#11 there is no secret manager: the webhook's secret is itself.
#[tokio::test]
async fn a_key_behind_pkcs11_serves() {
    let house = House::with_apps(1).await;
    let hsm = SoftHsm::with_key(&house.apps[0].private_key_pkcs8_pem());
    let key = format!("pkcs11:token=octo%20sts;object=app?module-path={}&pin-source=file:{}", library(), hsm.folder().join("pin").display());
    let variables = [
        ("SOFTHSM2_CONF", hsm.configuration().to_str().unwrap()),
        ("GITHUB_APP_IDS", "4242"),
        ("KMS_PROVIDER", "pkcs11"),
        ("KMS_KEYS", &key),
        ("GITHUB_WEBHOOK_SECRET", SECRET),
    ];
    let service = Service::start(&house, &variables).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    assert!(deliver(service.port(), "ping", &json!({"zen": "Keep it logically awesome."}), SECRET).await.status < 300);
    let wrong = key.replace("object=app", "object=other");
    let variables = variables.map(|(name, value)| if name == "KMS_KEYS" { (name, wrong.as_str()) } else { (name, value) });
    let said = Service::launch(&house, &variables).refuses().await;
    assert!(said.contains("not found: check `object` and `id` in the URI"), "{said}");
}
