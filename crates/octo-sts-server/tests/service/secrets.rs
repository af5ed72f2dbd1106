//! What the log says, and what it never says.

use std::{
    io,
    sync::{Arc, Mutex},
};

use octo_sts_sandbox::ActionsJob;
use octo_sts_server::telemetry::{Form, subscriber};
use serde_json::Value;

use crate::house::{DOMAIN, House, exchange};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Exchanges, one granted and two refused, with everything logged that can be; the log and the secrets.
async fn log_of_a_day(filter: &str, form: Form) -> (String, Vec<String>) {
    let page = Page::default();
    let writer = page.clone();
    // With one subscriber alone, a line that another test's thread comes by first would count as switched off in this one, too.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _logged = tracing::subscriber::set_default(subscriber(Some(filter), form, move || writer.clone()).unwrap());
    let house = House::build().await;
    let service = house.serve().await;
    let (good, other) =
        (house.token(), house.issuer.token(&house.issuer.actions_claims(&ActionsJob::new("acme/app").git_ref("refs/heads/x"), Some(DOMAIN))));
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &good).await.status, 200);
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &other).await.status, 403);
    assert_eq!(exchange(service.address(), "scope=%0a%1b[31m&identity=ci", &good).await.status, 400);
    service.shutdown().await;
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let mut secrets = vec![signature(&good), signature(&other)];
    secrets.extend(house.sandbox.github().ledger().iter().map(|entry| signature(&entry.token)));
    secrets.extend(house.app.private_key_pem().lines().filter(|line| line.len() > 40).map(str::to_owned));
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    (text, secrets)
}

/// T-105
#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    for form in [Form::Json, Form::Text] {
        let (text, secrets) = log_of_a_day("trace", form).await;
        assert!(secrets.len() > 20 && text.lines().count() > 4, "{text}");
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret}");
        }
    }
}

/// T-104
#[tokio::test]
async fn each_exchange_is_one_line_of_json_with_its_outcome() {
    let (text, _) = log_of_a_day("info", Form::Json).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let exchanges: Vec<_> = lines.iter().filter(|line| line.get("outcome").is_some()).collect();
    assert_eq!(exchanges.len(), 3, "{text}");
    assert!(exchanges.iter().all(|line| line.get("stage").is_some() && line.get("request_id").is_some()), "{text}");
    let serving = lines
        .iter()
        .filter_map(|line| line["message"].as_str())
        .find(|message| message.starts_with("serving sts.example.com on 127.0.0.1:"))
        .unwrap();
    assert!(serving.contains(" as App ") && serving.contains("(4242) at http"), "{serving}");
    assert!(!text.contains('\u{1b}'));
}
