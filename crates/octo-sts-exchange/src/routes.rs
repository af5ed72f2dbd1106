//! Sticky routes in a store: the App that a (scope, identity, subject) was given.
//!
//! The store is asked only after the policy matched, and told only once a token was minted, so that a caller who is refused
//! leaves no trace. A store that does not answer is done without: then the computed order counts, which every replica
//! computes alike.

use std::sync::Arc;

use octo_sts_github::App;
use octo_sts_store::{Key, StickyStore};
use octo_sts_types::AppId;

/// Counts exchanges that did without the store, for a look or for a word: never one exchange twice.
const FALLBACKS: &str = "octo_sts_sticky_fallbacks_total";

/// The routes, if there is a store of them.
pub(crate) struct Routes(Option<Arc<dyn StickyStore>>);

/// One route, as the store knows it.
#[derive(Debug)]
pub(crate) struct Route {
    key: Key,
    given: Option<AppId>,
}

impl Routes {
    pub(crate) fn new(store: Option<Arc<dyn StickyStore>>) -> Self {
        Self(store)
    }

    /// What the store knows of a route; `None` when there is no store or it does not say.
    pub(crate) async fn look(&self, fields: [&str; 3]) -> Option<Route> {
        let store = self.0.as_ref()?;
        let key = Key::of("route", &fields.map(str::as_bytes));
        match store.get(&key).await {
            Ok(given) => Some(Route { key, given }),
            Err(error) => {
                metrics::counter!(FALLBACKS).increment(1);
                tracing::debug!(error = &error as &dyn std::error::Error, "the sticky store does not say; the computed order counts");
                None
            }
        }
    }

    /// The route was used with `app`: it lasts anew, or begins. An App that left the pool is replaced, one that only failed
    /// this time keeps its route.
    pub(crate) async fn used(&self, route: &Route, app: AppId, pool: &[Arc<App>]) {
        let Some(store) = &self.0 else { return };
        let kept = match route.given {
            Some(given) if given == app => store.refresh(&route.key).await,
            Some(given) if pool.iter().any(|app| app.id == given) => return,
            gone => store.assign(&route.key, app, gone).await.map(drop),
        };
        if let Err(error) = kept {
            metrics::counter!(FALLBACKS).increment(1);
            tracing::debug!(error = &error as &dyn std::error::Error, "the sticky store did not take a route");
        }
    }
}

impl Route {
    /// Puts the App that the route was given before the others.
    pub(crate) fn lead(&self, order: &mut [Arc<App>]) {
        if let Some(at) = order.iter().position(|app| Some(app.id) == self.given) {
            order[..=at].rotate_right(1);
        }
    }
}
