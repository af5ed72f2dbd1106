//! What is read from the parts every few seconds rather than counted as it happens: quota left, and the issuers' keys.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use octo_sts_exchange::Exchanger;
use octo_sts_oidc::{Verifier, VerifierStats};

/// How often the parts are asked.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks for ever.
pub(crate) async fn follow(exchanger: Arc<Exchanger>, verifier: Arc<Verifier>) {
    loop {
        quota(&exchanger);
        keys(verifier.stats());
        tokio::time::sleep(PAUSE).await;
    }
}

/// The least that any installation of an App has left. One series for each configured App.
fn quota(exchanger: &Exchanger) {
    let mut least = BTreeMap::new();
    for (app, remaining) in exchanger.quotas() {
        least.entry(app.0).and_modify(|left: &mut u64| *left = remaining.min(*left)).or_insert(remaining);
    }
    for (app, left) in least {
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        metrics::gauge!("octo_sts_github_quota_remaining", "app" => app.to_string()).set(f64::from(left));
    }
}

fn keys(stats: VerifierStats) {
    for (outcome, count) in [("fresh", stats.hits), ("stale", stats.stale), ("waited", stats.waits), ("refused", stats.refused_known_failure)] {
        metrics::counter!("octo_sts_issuer_key_lookups_total", "outcome" => outcome).absolute(count);
    }
    metrics::counter!("octo_sts_issuer_key_fetches_total").absolute(stats.fetches);
    metrics::counter!("octo_sts_issuer_key_fetch_failures_total").absolute(stats.failures);
    metrics::counter!("octo_sts_issuer_key_refreshes_total").absolute(stats.refreshes_for_unknown_keys);
}
