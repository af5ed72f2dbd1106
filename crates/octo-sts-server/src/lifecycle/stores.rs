//! The stores that replicas share, as the configuration names them.

use std::sync::Arc;

use octo_sts_http::Client;
use octo_sts_store::{MemoryRoutes, MemoryTokens, ROUTE_TTL, StickyStore, UsedTokens};
use octo_sts_types::Clock;
use secrecy::SecretString;

use super::{StartError, news::News, open::Opener};
use crate::config::{Config, StickyPlace};

/// What replicas share; nothing is dialled yet.
pub(crate) struct Stores {
    pub(crate) sticky: Option<Arc<dyn StickyStore>>,
    pub(crate) used_tokens: Arc<dyn UsedTokens>,
    pub(super) news: Option<News>,
}

impl Stores {
    pub(crate) async fn open(config: &Config, opener: &Opener, client: &Client, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let used_tokens: Arc<dyn UsedTokens> = Arc::new(MemoryTokens::new(MemoryTokens::CAPACITY, Arc::clone(clock)));
        let mut stores = Self { sticky: None, used_tokens, news: None };
        match config.replicas.sticky {
            StickyPlace::Memory => stores.sticky = Some(Arc::new(MemoryRoutes::new(MemoryRoutes::CAPACITY, ROUTE_TTL, Arc::clone(clock)))),
            StickyPlace::Firestore => firestore(config, client, clock, &mut stores).await?,
            StickyPlace::Computed | StickyPlace::Redis => {}
        }
        if let Some(source) = &config.replicas.redis_url {
            let url = opener.secrets(source).await?.pop().unwrap_or_default();
            redis(config, source.variable(), &url, clock, &mut stores)?;
        }
        Ok(stores)
    }
}

/// Redis has used tokens and news, and routes where it is said so.
#[cfg(feature = "redis")]
fn redis(config: &Config, variable: &str, url: &SecretString, clock: &Arc<dyn Clock>, stores: &mut Stores) -> Result<(), StartError> {
    let store = octo_sts_store::RedisStore::new(url, config.extra_roots.as_deref(), ROUTE_TTL, Arc::clone(clock));
    let store = Arc::new(store.map_err(|error| StartError::configuration(variable, error))?);
    if config.replicas.sticky == StickyPlace::Redis {
        stores.sticky = Some(Arc::clone(&store) as Arc<dyn StickyStore>);
    }
    stores.used_tokens = Arc::clone(&store) as Arc<dyn UsedTokens>;
    stores.news = Some(News::new(store));
    Ok(())
}

#[cfg(not(feature = "redis"))]
fn redis(_: &Config, variable: &str, _: &SecretString, _: &Arc<dyn Clock>, _: &mut Stores) -> Result<(), StartError> {
    Err(StartError::configuration(variable, crate::config::replicas::not_built_in("Redis", "redis")))
}

/// Firestore has routes and used tokens.
#[cfg(feature = "firestore")]
async fn firestore(config: &Config, client: &Client, clock: &Arc<dyn Clock>, stores: &mut Stores) -> Result<(), StartError> {
    use octo_sts_store::{Firestore, FirestoreSettings, firestore::running_project};
    const VARIABLE: &str = "OCTOSTS_STICKY_STORE";
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let names = &config.replicas.firestore;
    let project = match &names.project {
        Some(project) => project.clone(),
        None => running_project(client, &variable).await.map_err(|error| StartError::configuration(VARIABLE, super::self_check::chain(&error)))?,
    };
    let settings = FirestoreSettings {
        routes: names.routes.clone(),
        route_ttl: names.ttl,
        emulator: variable("FIRESTORE_EMULATOR_HOST"),
        ..FirestoreSettings::of(project)
    };
    let store = Firestore::new(settings, Arc::clone(clock)).map_err(|error| StartError::configuration(VARIABLE, super::self_check::chain(&error)))?;
    let store = Arc::new(store);
    stores.sticky = Some(Arc::clone(&store) as Arc<dyn StickyStore>);
    stores.used_tokens = store;
    Ok(())
}

#[cfg(not(feature = "firestore"))]
#[expect(clippy::unused_async, reason = "a build without Firestore awaits nothing")]
async fn firestore(_: &Config, _: &Client, _: &Arc<dyn Clock>, _: &mut Stores) -> Result<(), StartError> {
    Err(StartError::configuration("OCTOSTS_STICKY_STORE", crate::config::replicas::not_built_in("Firestore", "firestore")))
}
