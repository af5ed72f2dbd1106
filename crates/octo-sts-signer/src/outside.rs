//! What is needed from outside to reach key services and secret stores.

use std::{fmt, sync::Arc, time::Duration};

use octo_sts_http::{Client, ClientError, ClientSettings, Protocol, Roots};

/// Longest time for a connection to a key service or secret store.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for one call.
const CALL_DEADLINE: Duration = Duration::from_secs(3);
/// Longest answer, in bytes. The largest secret of any store is 64 KiB, in base64 inside JSON.
const LONGEST_ANSWER: usize = 256 * 1024;

type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Certificate authorities, connections and environment variables; cheap to clone.
///
/// The clients of AWS and of Google's credentials make connections of their own and read the standard variables of their
/// platform from the process's environment.
#[derive(Clone)]
pub struct Outside {
    http: Client,
    roots: Roots,
    variables: Variables,
}

impl Outside {
    /// With the certificate authorities to trust and the variables that are set.
    pub fn new(roots: Roots, variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<Self, ClientError> {
        Ok(Self { http: client(roots.clone())?, roots, variables: Arc::new(variables) })
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn http(&self) -> &Client {
        &self.http
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }
}

/// A client with the limits of this crate.
pub(crate) fn client(roots: Roots) -> Result<Client, ClientError> {
    Client::new(ClientSettings {
        user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).into(),
        roots,
        protocol: Protocol::Http2,
        guard: None,
        connect_timeout: CONNECT_TIMEOUT,
        deadline: CALL_DEADLINE,
        max_body: LONGEST_ANSWER,
    })
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("http", &self.http).finish_non_exhaustive()
    }
}
