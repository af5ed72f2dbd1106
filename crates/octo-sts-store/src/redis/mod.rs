//! Redis, and what speaks its protocol (Valkey, a managed service).
//!
//! Routes, used tokens and news are kept apart by the beginning of their names, `octo-sts:`. Everything expires by itself.

mod link;
mod news;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use octo_sts_types::{AppId, Clock, Repository};
use redis::{Cmd, FromRedisValue, Value, cmd};
use secrecy::SecretString;

use crate::{Claim, Key, StickyStore, StoreError, Ticket, UsedTokens, guard::Guard};
pub use link::InvalidRedisUrl;
use link::Link;
pub use news::Heard;

const STORE: &str = "Redis";

/// Gives the route to an App, unless it belongs to one that is not to be replaced. Arguments: App, App to replace, TTL in ms.
const ASSIGN: &str = "local known = redis.call('GET', KEYS[1]) \
    if known and known ~= ARGV[2] then return known end \
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) return ARGV[1]";

/// Gives a claim back if it is one's own. Argument: the ticket's number.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// What replicas share, in Redis.
#[derive(Debug)]
pub struct RedisStore {
    link: Link,
    guard: Guard,
    route_ttl: Duration,
}

impl RedisStore {
    /// The store at `url`, as `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS. `authority` is PEM and is
    /// trusted instead of the system's authorities. Nothing is dialled yet: a service starts while its store is down.
    pub fn new(url: &SecretString, authority: Option<&str>, route_ttl: Duration, clock: Arc<dyn Clock>) -> Result<Self, InvalidRedisUrl> {
        Ok(Self { link: Link::new(url, authority)?, guard: Guard::new(STORE, clock), route_ttl })
    }

    /// Tells all replicas that a policy of `repository` changed; how many heard it.
    pub async fn publish(&self, repository: &Repository) -> Result<u64, StoreError> {
        self.needed(cmd("PUBLISH").arg(news::CHANNEL).arg(repository.to_string())).await
    }

    /// What replicas publish, as it comes. Ends never; dropping it ends the subscription.
    pub fn news(&self) -> BoxStream<'static, Heard> {
        news::listen(self.link.client().clone())
    }

    /// A call that decides something.
    async fn needed<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.guard.needed(self.link.query(command)).await
    }

    /// A call that somebody can do without.
    async fn optional<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.guard.optional(self.link.query(command)).await
    }
}

fn route(key: &Key) -> String {
    format!("octo-sts:route:{}", key.hex())
}

fn used(key: &Key) -> String {
    format!("octo-sts:used:{}", key.hex())
}

/// A duration in milliseconds, at least one: Redis refuses a TTL of nothing.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}

#[async_trait]
impl StickyStore for RedisStore {
    async fn get(&self, key: &Key) -> Result<Option<AppId>, StoreError> {
        let known: Option<u64> = self.optional(cmd("GET").arg(route(key))).await?;
        Ok(known.map(AppId))
    }

    async fn assign(&self, key: &Key, app: AppId, instead_of: Option<AppId>) -> Result<AppId, StoreError> {
        let mut command = cmd("EVAL");
        let gone = instead_of.map(|app| app.to_string()).unwrap_or_default();
        command.arg(ASSIGN).arg(1).arg(route(key)).arg(app.0).arg(gone).arg(millis(self.route_ttl));
        self.optional(&command).await.map(AppId)
    }

    async fn refresh(&self, key: &Key) -> Result<(), StoreError> {
        self.optional(cmd("PEXPIRE").arg(route(key)).arg(millis(self.route_ttl))).await
    }
}

#[async_trait]
impl UsedTokens for RedisStore {
    async fn claim(&self, key: &Key, keep: Duration) -> Result<Claim, StoreError> {
        let ticket = Ticket::new(*key)?;
        let mut command = cmd("SET");
        command.arg(used(key)).arg(&ticket.number).arg("NX").arg("PX").arg(millis(keep));
        let answer: Value = self.needed(&command).await?;
        Ok(if answer == Value::Okay { Claim::First(ticket) } else { Claim::Used })
    }

    async fn release(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.needed(cmd("EVAL").arg(RELEASE).arg(1).arg(used(&ticket.key)).arg(&ticket.number)).await
    }
}
