//! News of pushes, from the replica that took a delivery to all others.

#[cfg(feature = "redis")]
pub(super) use with_redis::News;
#[cfg(not(feature = "redis"))]
pub(super) use without::News;

#[cfg(feature = "redis")]
mod with_redis {
    use std::{sync::Arc, time::Duration};

    use futures_util::StreamExt as _;
    use octo_sts_exchange::Exchanger;
    use octo_sts_store::{Heard, RedisStore};
    use octo_sts_types::Repository;
    use tracing::{info, warn};

    use crate::lifecycle::self_check::chain;

    /// How often news are told to a store that does not take them, and the pause in between.
    const TRIES: usize = 5;
    const PAUSE: Duration = Duration::from_secs(1);

    /// News over Redis.
    #[derive(Clone, Debug)]
    pub(in crate::lifecycle) struct News(Arc<RedisStore>);

    impl News {
        pub(in crate::lifecycle) fn new(store: Arc<RedisStore>) -> Self {
            Self(store)
        }

        /// Tells the others that a policy of `repository` may have changed; returns at once.
        pub(in crate::lifecycle) fn tell(&self, repository: &Repository) {
            let (store, repository) = (Arc::clone(&self.0), repository.clone());
            tokio::spawn(async move {
                for _ in 0..TRIES {
                    match store.publish(&repository).await {
                        Ok(_) => return,
                        Err(error) => warn!(%repository, error = %chain(&error), "a push was not passed on to the other replicas"),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }

        /// Hands on what the others tell; never ends.
        pub(in crate::lifecycle) async fn follow(self, exchanger: Arc<Exchanger>) {
            let mut news = self.0.news();
            while let Some(heard) = news.next().await {
                match heard {
                    Heard::Listening => {
                        info!("news of pushes are heard from other replicas");
                        exchanger.hears_pushes(true);
                    }
                    Heard::Changed(repository) => exchanger.pushed(&repository).await,
                    Heard::Lost => {
                        warn!("news of pushes are not heard: every exchange asks GitHub for its policy");
                        exchanger.hears_pushes(false);
                    }
                }
            }
        }
    }
}

#[cfg(not(feature = "redis"))]
mod without {
    use std::sync::Arc;

    use octo_sts_exchange::Exchanger;
    use octo_sts_types::Repository;

    /// There are none.
    #[derive(Clone, Debug)]
    pub(in crate::lifecycle) enum News {}

    impl News {
        pub(in crate::lifecycle) fn tell(&self, _: &Repository) {
            match *self {}
        }

        #[expect(clippy::unused_async, reason = "a build without Redis awaits nothing")]
        pub(in crate::lifecycle) async fn follow(self, _: Arc<Exchanger>) {
            match self {}
        }
    }
}
