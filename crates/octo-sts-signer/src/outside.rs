//! What is needed from outside to reach key services and secret stores.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use octo_sts_http::{Client, ClientError, ClientSettings, Protocol, Roots};
use secrecy::{ExposeSecret as _, SecretString};

/// Longest time for a connection to a key service or secret store.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for one call.
const CALL_DEADLINE: Duration = Duration::from_secs(3);
/// Longest answer, in bytes. The largest secret of any store is 64 KiB, in base64 inside JSON.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The variables that are read here. Those of AWS and of Google's credentials are read by their clients.
const NAMES: [&str; 9] = [
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "VAULT_TOKEN_FILE",
    "VAULT_NAMESPACE",
    "VAULT_CACERT",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// Certificate authorities, connections and environment variables; cheap to clone.
///
/// The clients of AWS and of Google's credentials make connections of their own and read the standard variables of their
/// platform from the process's environment. Azure's credentials read `AZURE_AUTHORITY_HOST` and those of managed identities there.
#[derive(Clone)]
pub struct Outside {
    http: Client,
    roots: Roots,
    variables: Arc<HashMap<&'static str, SecretString>>,
}

impl Outside {
    /// With the certificate authorities to trust, and a look at the variables that are set.
    pub fn new(roots: Roots, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ClientError> {
        let set = |name| Some((name, SecretString::from(variable(name).filter(|value| !value.is_empty())?)));
        let variables = Arc::new(NAMES.into_iter().filter_map(set).collect());
        Ok(Self { http: client(roots.clone())?, roots, variables })
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        debug_assert!(NAMES.contains(&name), "{name} is not among those that are read");
        self.variables.get(name).map(|value| value.expose_secret().to_owned())
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
