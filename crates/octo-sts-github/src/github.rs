//! GitHub, as seen from one base URL.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_types::{AppId, Clock, InstallationId};
use url::Url;

use crate::{
    background::Background,
    endpoint::{Endpoint, InvalidBaseUrl},
    quota::{Quota, QuotaReading},
};

/// Longest time for a connection to GitHub.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for one call.
const CALL_DEADLINE: Duration = Duration::from_secs(8);
/// Longest answer that is read: the reply to a mint for 500 repositories describes each of them at length.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// What GitHub is reached with.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// `https://api.github.com`, or `https://HOST/api/v3`.
    pub base_url: Url,
    /// The client, best made from [`client_settings`].
    pub http: Client,
}

/// GitHub, as seen from one base URL. Cheap to clone; clones share clock correction, quota and windows.
#[derive(Clone)]
pub struct GitHub(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) endpoint: Endpoint,
    pub(crate) http: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) quota: Quota,
    pub(crate) background: Background,
    /// How far GitHub's clock is ahead of ours, in seconds, as far as it had to be learned.
    clock_ahead: AtomicI64,
}

/// A client for GitHub: 3 s to connect, 8 s per call, answers up to 8 MiB, HTTP/2.
pub fn client_settings(roots: Roots) -> ClientSettings {
    ClientSettings {
        user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).into(),
        roots,
        protocol: Protocol::Http2,
        guard: None,
        connect_timeout: CONNECT_TIMEOUT,
        deadline: CALL_DEADLINE,
        max_body: LONGEST_ANSWER,
    }
}

impl GitHub {
    /// Nothing is called yet.
    pub fn new(settings: GitHubSettings, clock: Arc<dyn Clock>) -> Result<Self, InvalidBaseUrl> {
        Ok(Self(Arc::new(Inner {
            endpoint: Endpoint::new(&settings.base_url)?,
            http: settings.http,
            clock,
            quota: Quota::default(),
            background: Background::default(),
            clock_ahead: AtomicI64::new(0),
        })))
    }

    /// What was left of the hourly calls of an installation when GitHub last said so.
    pub fn quota(&self, app: AppId, installation: InstallationId) -> Option<QuotaReading> {
        self.0.quota.reading(app, installation)
    }

    /// Every reading that is remembered, for metrics.
    pub fn quotas(&self) -> Vec<(AppId, InstallationId, QuotaReading)> {
        self.0.quota.readings()
    }

    /// How far GitHub's clock is ahead of this machine's, in seconds; zero unless GitHub refused an App JWT over its times.
    pub fn clock_ahead(&self) -> i64 {
        self.0.clock_ahead.load(Ordering::Relaxed)
    }

    pub(crate) fn set_clock_ahead(&self, seconds: i64) {
        self.0.clock_ahead.store(seconds, Ordering::Relaxed);
    }

    /// Waits until mints that nobody waits for and revocations in the background are done; `false` if some are not.
    pub async fn settled(&self, within: Duration) -> bool {
        self.0.background.settled(within).await
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("endpoint", &self.0.endpoint).finish_non_exhaustive()
    }
}
