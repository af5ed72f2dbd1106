//! The Apps, by the owners they serve.

use std::{collections::HashMap, sync::Arc, sync::PoisonError, sync::RwLock};

use octo_sts_github::App;
use octo_sts_types::Owner;

/// Apps that share the load of an owner: never empty, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct Pool(Arc<[Arc<App>]>);

impl Pool {
    /// `None` when there is no App in it.
    pub fn new(apps: Vec<Arc<App>>) -> Option<Self> {
        (!apps.is_empty()).then(|| Self(apps.into()))
    }

    /// The Apps, in the order of the configuration.
    pub fn apps(&self) -> &[Arc<App>] {
        &self.0
    }
}

/// Which Apps serve which owner.
#[derive(Clone, Debug, Default)]
pub struct AppPools {
    /// Pools of single owners.
    pub by_owner: HashMap<Owner, Pool>,
    /// The pool of every owner without one of its own; without it such owners are refused.
    pub fallback: Option<Pool>,
}

impl AppPools {
    /// One App for everybody.
    pub fn single(app: App) -> Self {
        Self { by_owner: HashMap::new(), fallback: Pool::new(vec![Arc::new(app)]) }
    }

    /// The pool that serves `owner`, if any.
    pub fn serving(&self, owner: &Owner) -> Option<&Pool> {
        self.by_owner.get(owner).or(self.fallback.as_ref())
    }

    /// Every App once, by id.
    pub fn all(&self) -> Vec<Arc<App>> {
        let pools = self.by_owner.values().chain(&self.fallback);
        let mut apps: Vec<_> = pools.flat_map(Pool::apps).cloned().collect();
        apps.sort_by_key(|app| app.id);
        apps.dedup_by_key(|app| app.id);
        apps
    }
}

/// The pools in force: replaced as a whole, so that no request sees half of two configurations.
#[derive(Debug)]
pub(crate) struct Apps(RwLock<Arc<AppPools>>);

impl Apps {
    pub(crate) fn new(pools: AppPools) -> Self {
        Self(RwLock::new(Arc::new(pools)))
    }

    pub(crate) fn current(&self) -> Arc<AppPools> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, pools: AppPools) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pools);
    }
}
