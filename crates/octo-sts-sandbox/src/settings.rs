//! How a sandbox is made.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use octo_sts_types::{Clock, SystemClock};

/// What a sandbox is like before anything is put into it.
#[derive(Clone)]
pub struct SandboxSettings {
    /// Whether the addresses that the fake GitHub gives begin with `https`. Its port answers with and without TLS either way.
    pub tls: bool,
    /// What stands before every path of the API: empty as on github.com, `/api/v3` as on GitHub Enterprise Server.
    pub path_prefix: String,
    /// Where the fake GitHub listens.
    pub github_address: SocketAddr,
    /// Where the issuers listen.
    pub issuers_address: SocketAddr,
    /// Where the sink of audit events listens.
    pub events_address: SocketAddr,
    /// Names beside `localhost`, `127.0.0.1` and `::1` that the certificate is good for.
    pub host_names: Vec<String>,
    /// The sandbox's own time: of token lifetimes, of App JWT checks, and of the `Date` header.
    pub clock: Arc<dyn Clock>,
    /// The form of new installation tokens where the request does not choose.
    pub token_format: TokenFormat,
    /// What a mint request with `permissions: {}` means.
    pub empty_permissions: EmptyPermissions,
    /// Calls an hour that each installation has. GitHub's least is 5,000.
    pub hourly_quota: u64,
    /// Added to every answer.
    pub latency: Duration,
    /// How many calls are remembered; older ones are forgotten first.
    pub remembered_calls: usize,
    /// How many minted tokens are remembered; older ones are forgotten first, and then refused as unknown.
    pub remembered_tokens: usize,
    /// Whether an `ETag` is good only for the token that it was given to. GitHub does not say.
    pub etag_per_token: bool,
    /// Where the random faults start from, so that a run can be repeated.
    pub seed: u64,
}

/// The form of an installation token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    /// `ghs_` and 36 letters and digits.
    Classic,
    /// `ghs_APPID_JWT`, some 520 characters with two dots: GitHub's default since April 2026.
    #[default]
    Stateless,
}

/// What a mint request with `permissions: {}` means. GitHub does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyPermissions {
    /// Everything the installation has: the worst case.
    #[default]
    Everything,
    /// `metadata: read` alone.
    Nothing,
    /// The request is refused with 422.
    Refused,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            tls: false,
            path_prefix: String::new(),
            github_address: any_port,
            issuers_address: any_port,
            events_address: any_port,
            host_names: Vec::new(),
            clock: Arc::new(SystemClock),
            token_format: TokenFormat::default(),
            empty_permissions: EmptyPermissions::default(),
            hourly_quota: 5_000,
            latency: Duration::ZERO,
            remembered_calls: 200_000,
            remembered_tokens: 1_000_000,
            etag_per_token: false,
            seed: 1,
        }
    }
}

impl fmt::Debug for SandboxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxSettings").field("tls", &self.tls).field("path_prefix", &self.path_prefix).finish_non_exhaustive()
    }
}
