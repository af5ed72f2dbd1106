//! What replicas share, and where.

use std::time::Duration;

use octo_sts_store::ROUTE_TTL;
use octo_sts_types::Printable;

use super::{SecretSource, ServeArgs, optional, problem::Findings, set, value};

const URL: [&str; 2] = ["STS_REDIS_URL", "STS_REDIS_URL_FILE"];
const STICKY: &str = "OCTOSTS_STICKY_STORE";
const COLLECTION: &str = "OCTOSTS_STICKY_STORE_FIRESTORE_COLLECTION";
/// The longest life of a route.
const LONGEST_TTL: Duration = Duration::from_hours(24 * 7);

/// What replicas share, and where.
#[derive(Clone, Debug)]
pub struct ReplicaSettings {
    /// Where sticky routes are.
    pub sticky: StickyPlace,
    /// Where the address of Redis is, which has used tokens and news of pushes, too.
    pub redis_url: Option<SecretSource>,
    /// The names in Firestore.
    pub firestore: FirestoreNames,
}

/// Where sticky routes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StickyPlace {
    /// Nowhere: every replica computes the same order.
    #[default]
    Computed,
    /// In memory: there is one replica.
    Memory,
    /// In Redis.
    Redis,
    /// In Firestore.
    Firestore,
}

/// The names in Firestore.
#[derive(Clone, Debug)]
pub struct FirestoreNames {
    /// The project; `None`: the one this process runs in.
    pub project: Option<String>,
    /// The collection of sticky routes.
    pub routes: String,
    /// How long a route lasts after its last use.
    pub ttl: Duration,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        let firestore = FirestoreNames { project: None, routes: "sticky-routes".to_owned(), ttl: ROUTE_TTL };
        Self { sticky: StickyPlace::Computed, redis_url: None, firestore }
    }
}

/// A store whose client is not in this program.
pub(crate) fn not_built_in(store: &str, feature: &str) -> String {
    format!("this build has no {store}: build with `--features {feature}` or `--features full`, or take the container image, which has all")
}

pub(super) fn read(args: &ServeArgs, findings: &mut Findings) -> Option<ReplicaSettings> {
    let base = ReplicaSettings::default();
    let sticky = optional(findings, STICKY, args.octosts_sticky_store.as_ref(), place);
    let redis_url = SecretSource::read(URL, [set(args.sts_redis_url.as_ref()), set(args.sts_redis_url_file.as_ref())], findings);
    let routes = optional(findings, COLLECTION, args.octosts_sticky_store_firestore_collection.as_ref(), collection);
    let ttl_name = "OCTOSTS_STICKY_STORE_FIRESTORE_TTL";
    let ttl = optional(findings, ttl_name, args.octosts_sticky_store_firestore_ttl.as_ref(), |text| value::duration_within(text, LONGEST_TTL));
    let (sticky, redis_url) = (sticky?.unwrap_or_default(), redis_url?);
    check(sticky, redis_url.as_ref(), findings)?;
    let firestore = FirestoreNames {
        project: set(args.octosts_sticky_store_firestore_project.as_ref()).map(str::to_owned),
        routes: routes?.unwrap_or(base.firestore.routes),
        ttl: ttl?.unwrap_or(base.firestore.ttl),
    };
    Some(ReplicaSettings { sticky, redis_url, firestore })
}

fn check(sticky: StickyPlace, redis_url: Option<&SecretSource>, findings: &mut Findings) -> Option<()> {
    let problem = match (sticky, redis_url) {
        (StickyPlace::Redis, None) => {
            (URL[0], "is not set, and OCTOSTS_STICKY_STORE is `redis`: write `redis://HOST:6379` or `rediss://HOST:6379`".into())
        }
        (_, Some(url)) if cfg!(not(feature = "redis")) => (url.variable(), not_built_in("Redis", "redis")),
        (StickyPlace::Firestore, _) if cfg!(not(feature = "firestore")) => (STICKY, not_built_in("Firestore", "firestore")),
        _ => return Some(()),
    };
    findings.problem(problem.0, problem.1);
    None
}

fn place(text: &str) -> Result<StickyPlace, String> {
    match text {
        "memory" => Ok(StickyPlace::Memory),
        "redis" => Ok(StickyPlace::Redis),
        "firestore" => Ok(StickyPlace::Firestore),
        _ => Err(format!("`{}` is not known: write `memory`, `redis` or `firestore`, or leave it unset", Printable(text))),
    }
}

fn collection(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = text.len() <= 200 && text.bytes().all(plain) && text != "." && text != "..";
    if fits { Ok(text.to_owned()) } else { Err(format!("`{}` is not a collection: write a name such as `sticky-routes`", Printable(text))) }
}
