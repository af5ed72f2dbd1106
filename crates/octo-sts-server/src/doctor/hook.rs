//! Whether an App's webhook leads to this service, and what became of the latest deliveries.

use octo_sts_github::{App, AppFacts, Delivery, Hook};

use super::{Examination, finding::Findings};
use crate::lifecycle::chain;

/// What the check of policies, and fresh caches, need to hear of.
const EVENTS: [&str; 4] = ["check_run", "check_suite", "pull_request", "push"];
/// How many deliveries are looked at.
const LATEST: u8 = 30;

pub(super) async fn examine(examination: &Examination<'_>, app: &App, facts: &AppFacts, findings: &mut Findings) {
    let takes_deliveries = examination.config.webhook.is_some();
    let hook = match examination.github.hook(app, &examination.trace()).await {
        Ok(hook) => hook,
        Err(error) => return findings.warn(format!("GitHub does not say where its deliveries go: {}", chain(&error)), "run this again"),
    };
    let Some(hook) = hook else {
        if takes_deliveries {
            findings.fail("its webhook is off, and GITHUB_WEBHOOK_SECRET is set", "docs/webhook.md says how to turn it on");
        }
        return;
    };
    if takes_deliveries {
        settings(&hook, &examination.config.domain, findings);
        events(facts, findings);
    }
    match examination.github.deliveries(app, LATEST, &examination.trace()).await {
        Ok(latest) => deliveries(&latest, findings),
        Err(error) => findings.warn(format!("GitHub does not say what became of its deliveries: {}", chain(&error)), "run this again"),
    }
}

fn settings(hook: &Hook, domain: &str, findings: &mut Findings) {
    let usual = format!("https://{domain}/webhook");
    if hook.url == usual {
        findings.ok(format!("its deliveries go to {usual}"));
    } else {
        findings.warn(
            format!("its deliveries go to {:?}", hook.url),
            format!("where `serve` takes them, the address is {usual}; `webhook` takes them at / as well"),
        );
    }
    if !hook.signed {
        findings.fail("its deliveries are not signed: each is refused", "set the secret of GITHUB_WEBHOOK_SECRET on the App's settings page");
    }
    if hook.content_type != "json" {
        findings.fail(format!("its deliveries are of content type {:?}", hook.content_type), "choose application/json on the App's settings page");
    }
    if !hook.verifies_tls {
        findings.warn("GitHub does not check the certificate of that address", "enable SSL verification on the App's settings page");
    }
}

fn events(facts: &AppFacts, findings: &mut Findings) {
    let missing: Vec<_> = EVENTS.into_iter().filter(|event| !facts.events.iter().any(|subscribed| subscribed == event)).collect();
    if !missing.is_empty() {
        findings.warn(
            format!("it does not subscribe to {}: some changes of policies are not checked", missing.join(", ")),
            "subscribe to them on the App's settings page, under Permissions & events",
        );
    }
}

fn deliveries(latest: &[Delivery], findings: &mut Findings) {
    let failed: Vec<_> = latest.iter().filter(|delivery| !(200..300).contains(&delivery.status_code)).collect();
    match (failed.first(), latest.len()) {
        (None, 0) => {}
        (None, all) => findings.ok(format!("its latest {all} deliveries arrived")),
        (Some(one), all) => findings.warn(
            format!(
                "{} of its latest {all} deliveries failed; the last of them, `{}` at {}, with {} ({})",
                failed.len(),
                one.event,
                one.delivered_at,
                one.status_code,
                one.status
            ),
            "the App's settings page shows each under Advanced, and can send it again; `octo-sts webhook replay` runs it here",
        ),
    }
}
