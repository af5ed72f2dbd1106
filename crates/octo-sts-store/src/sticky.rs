//! Sticky routes: which App a (scope, identity, subject) was given.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use octo_sts_types::AppId;

use crate::{Key, StoreError};

/// How long a route lasts after its last use, unless configured.
pub const ROUTE_TTL: Duration = Duration::from_hours(1);

/// Remembers which App a route was given.
///
/// To be written to only once the trust policy has matched: a caller who is refused leaves no trace.
#[async_trait]
pub trait StickyStore: Send + Sync + fmt::Debug {
    /// The App that a route was given.
    async fn get(&self, key: &Key) -> Result<Option<AppId>, StoreError>;

    /// Gives the route to `app`, unless somebody was first; the App it belongs to now.
    ///
    /// `instead_of` names an App that cannot serve the route any more: it is replaced, whoever put it there.
    async fn assign(&self, key: &Key, app: AppId, instead_of: Option<AppId>) -> Result<AppId, StoreError>;

    /// Makes a route that was used last another TTL. A route that is gone stays gone.
    async fn refresh(&self, key: &Key) -> Result<(), StoreError>;
}
