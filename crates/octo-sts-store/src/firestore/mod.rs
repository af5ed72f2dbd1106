//! Google Cloud Firestore.
//!
//! Each entry is a document of two fields: what it says, and `expires_at`. Firestore's own TTL policy on that field deletes old
//! documents within a day or so; what has expired counts as absent here at once.

mod client;
mod project;
mod wire;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use octo_sts_types::{AppId, Clock};
use prost_types::Timestamp;

use crate::{Claim, Key, StickyStore, StoreError, Ticket, UsedTokens, guard::Guard};
use client::FirestoreClient;
pub use client::FirestoreSetupError;
pub use project::{NoProject, running_project};
use wire::{Condition, Document, Kind, Operation, Value};

const STORE: &str = "Firestore";
const APP: &str = "app_id";
const NUMBER: &str = "number";
const EXPIRES: &str = "expires_at";
/// How often a write is tried whose condition did not hold.
const ATTEMPTS: usize = 3;

/// Where the documents are.
#[derive(Clone, Debug)]
pub struct FirestoreSettings {
    /// The project; its `(default)` database is used (`OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT`, else [`running_project`]).
    pub project: String,
    /// The collection of sticky routes (`OCTOSTS_STICKY_STORE_FIRESTORE_COLLECTION`).
    pub routes: String,
    /// The collection of used tokens.
    pub tokens: String,
    /// How long a route lasts after its last use (`OCTOSTS_STICKY_STORE_FIRESTORE_TTL`).
    pub route_ttl: Duration,
    /// `HOST:PORT` of an emulator (`FIRESTORE_EMULATOR_HOST`): no TLS, no credentials.
    pub emulator: Option<String>,
}

impl FirestoreSettings {
    /// The usual collections and TTL, in this project.
    pub fn of(project: impl Into<String>) -> Self {
        Self { project: project.into(), routes: "sticky-routes".into(), tokens: "used-tokens".into(), route_ttl: crate::ROUTE_TTL, emulator: None }
    }
}

/// What replicas share, in Firestore.
pub struct Firestore {
    client: FirestoreClient,
    guard: Guard,
    clock: Arc<dyn Clock>,
    settings: FirestoreSettings,
}

impl Firestore {
    /// Reads the credentials; nothing is dialled yet. A service starts while its store is down.
    pub fn new(settings: FirestoreSettings, clock: Arc<dyn Clock>) -> Result<Self, FirestoreSetupError> {
        let client = FirestoreClient::new(&settings.project, settings.emulator.as_deref())?;
        Ok(Self { client, guard: Guard::new(STORE, clock.clone()), clock, settings })
    }

    fn route(&self, key: &Key) -> String {
        self.client.name(&self.settings.routes, &key.hex())
    }

    fn token(&self, key: &Key) -> String {
        self.client.name(&self.settings.tokens, &key.hex())
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }
    }

    fn is_valid(&self, document: &Document) -> bool {
        let now = self.now();
        document.timestamp(EXPIRES).is_some_and(|expires| (expires.seconds, expires.nanos) > (now.seconds, now.nanos))
    }

    /// A document that says `value` in `field` for `ttl` from now. Whole seconds, rounded up.
    fn document(&self, name: &str, field: &str, value: Kind, ttl: Duration) -> Document {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4) + i64::from(ttl.subsec_nanos() > 0);
        let now = self.now();
        let expires = Kind::Timestamp(Timestamp { seconds: now.seconds.saturating_add(seconds), nanos: now.nanos });
        let fields = HashMap::from([(field.to_owned(), Value::from(value)), (EXPIRES.to_owned(), Value::from(expires))]);
        Document { name: name.to_owned(), fields, update_time: None }
    }

    async fn assign_now(&self, key: &Key, app: AppId, instead_of: Option<AppId>) -> Result<AppId, StoreError> {
        let name = self.route(key);
        for _ in 0..ATTEMPTS {
            let known = self.client.read(&name).await?;
            let first = known.as_ref().filter(|document| self.is_valid(document)).and_then(app_of);
            if let Some(first) = first.filter(|first| Some(*first) != instead_of) {
                return Ok(first);
            }
            let document = self.document(&name, APP, Kind::Integer(app.0.cast_signed()), self.settings.route_ttl);
            if self.client.write(Operation::Update(document), unchanged(known.as_ref())).await? {
                return Ok(app);
            }
        }
        Err(StoreError::Contended { store: STORE })
    }

    async fn refresh_now(&self, key: &Key) -> Result<(), StoreError> {
        let name = self.route(key);
        let Some(known) = self.client.read(&name).await?.filter(|document| self.is_valid(document)) else { return Ok(()) };
        let Some(app) = known.integer(APP) else { return Ok(()) };
        let document = self.document(&name, APP, Kind::Integer(app), self.settings.route_ttl);
        // Whoever changed it in between has refreshed it, too.
        self.client.write(Operation::Update(document), unchanged(Some(&known))).await.map(drop)
    }

    async fn claim_now(&self, key: &Key, keep: Duration) -> Result<Claim, StoreError> {
        let (name, ticket) = (self.token(key), Ticket::new(*key)?);
        let document = self.document(&name, NUMBER, Kind::Bytes(ticket.number.to_vec()), keep);
        if self.client.write(Operation::Update(document.clone()), Condition::Exists(false)).await? {
            return Ok(Claim::First(ticket));
        }
        let known = self.client.read(&name).await?;
        if known.as_ref().is_some_and(|known| self.is_valid(known)) {
            return Ok(Claim::Used);
        }
        let first = self.client.write(Operation::Update(document), unchanged(known.as_ref())).await?;
        Ok(if first { Claim::First(ticket) } else { Claim::Used })
    }

    async fn release_now(&self, ticket: &Ticket) -> Result<(), StoreError> {
        let name = self.token(&ticket.key);
        match self.client.read(&name).await? {
            Some(known) if known.bytes(NUMBER) == Some(&ticket.number) => {
                self.client.write(Operation::Delete(name), unchanged(Some(&known))).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// The condition that a document is still as it was read: at its version, or absent.
fn unchanged(known: Option<&Document>) -> Condition {
    match known {
        None => Condition::Exists(false),
        Some(document) => document.update_time.map_or(Condition::Exists(true), Condition::UpdateTime),
    }
}

fn app_of(document: &Document) -> Option<AppId> {
    document.integer(APP).and_then(|app| u64::try_from(app).ok()).map(AppId)
}

#[async_trait]
impl StickyStore for Firestore {
    async fn get(&self, key: &Key) -> Result<Option<AppId>, StoreError> {
        let name = self.route(key);
        let document = self.guard.optional(self.client.read(&name)).await?;
        Ok(document.filter(|document| self.is_valid(document)).as_ref().and_then(app_of))
    }

    async fn assign(&self, key: &Key, app: AppId, instead_of: Option<AppId>) -> Result<AppId, StoreError> {
        self.guard.optional(self.assign_now(key, app, instead_of)).await
    }

    async fn refresh(&self, key: &Key) -> Result<(), StoreError> {
        self.guard.optional(self.refresh_now(key)).await
    }
}

#[async_trait]
impl UsedTokens for Firestore {
    async fn claim(&self, key: &Key, keep: Duration) -> Result<Claim, StoreError> {
        self.guard.needed(self.claim_now(key, keep)).await
    }

    async fn release(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.guard.needed(self.release_now(&ticket)).await
    }
}

impl fmt::Debug for Firestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firestore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-028: two who take over one expired claim cannot both succeed.
    #[test]
    fn a_document_is_replaced_only_at_the_version_that_was_read() {
        let version = Timestamp { seconds: 1_800_000_000, nanos: 5 };
        let read = Document { update_time: Some(version), ..Document::default() };
        assert_eq!(unchanged(Some(&read)), Condition::UpdateTime(version));
        assert_eq!(unchanged(None), Condition::Exists(false));
    }

    #[test]
    fn an_app_that_is_no_number_of_github_is_none() {
        let document = |app| Document { fields: HashMap::from([(APP.to_owned(), Value::from(app))]), ..Document::default() };
        assert_eq!(app_of(&document(Kind::Integer(7))), Some(AppId(7)));
        assert_eq!(app_of(&document(Kind::Integer(-7))), None);
        assert_eq!(app_of(&document(Kind::Bytes(vec![7]))), None);
    }
}
