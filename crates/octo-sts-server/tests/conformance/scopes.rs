//! Section 2 and 6 (G15): scopes that are aliases of others, or no scopes, and what the record has of them.

use std::time::Duration;

use crate::support::{CI, House, NOTHING};

/// Upstream cleans them up to `acme/app`, and one with a newline is granted without any event.
///
/// T-060
#[tokio::test]
async fn aliases_of_a_scope_are_refused_before_anything_is_asked() {
    let house = House::with(|sandbox, config| config.event_ingress = Some(sandbox.events().url().parse().unwrap())).await;
    let (answer, _) = house.exchange(CI, &house.token()).await;
    answer.grants("scope `acme/app`");
    let rows = [
        "other/../acme/app",
        "./acme",
        "acme//app",
        "./acme/app",
        "acme/./app",
        "/acme/app",
        "x%0A/../acme/app",
        "acme/app/",
        "acme/app/..",
        "acme/..",
        "..",
        ".",
        "a/b/c",
        "acme/",
        "/",
    ];
    for scope in rows {
        let (answer, called) = house.exchange(&format!("scope={scope}&identity=ci"), &house.token()).await;
        answer.refuses(scope, 400, 3, "invalid scope");
        assert_eq!(called, NOTHING, "{scope}");
    }
    // Ten events a second are kept of what one address has refused before its signature is verified.
    assert!(house.sandbox.eventually(Duration::from_secs(5), |sandbox| sandbox.events().received().len() > 10).await);
    let events = house.sandbox.events().received();
    let first = &events[0];
    assert_eq!(first.attributes["subject"], "acme/app/ci");
    assert_eq!((&first.data["scope"], &first.data["identity"]), (&"acme/app".into(), &"ci".into()));
    assert_eq!(first.data["token_sha256"].as_str().unwrap().len(), 64);
    assert!(events[1..].iter().all(|event| event.data["token_sha256"] == "" && event.data["error"].is_string()), "{events:#?}");
}
