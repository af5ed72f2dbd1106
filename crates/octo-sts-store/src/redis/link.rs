//! One connection to Redis for all callers, made again when it broke.
//!
//! A call that got no answer takes the connection down with it: a peer that vanished without a word would otherwise be waited
//! for until the kernel gives up, a quarter of an hour later. Nothing is tried again here; each call has its deadline outside.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo as _, RedisError,
    ServerErrorKind, TlsCertificates, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::STORE;
use crate::StoreError;

/// Longest time for a connection, and for an answer. Shorter than the deadline of a call, so that a silent connection is
/// noticed here, and given up.
const ANSWER_DEADLINE: Duration = Duration::from_millis(450);

/// How many commands may wait to be written; more wait their turn.
const PIPELINE: usize = 1024;

/// The text is no address of a Redis. It may hold a password and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// Not of the form.
    #[error("this is no address of a Redis: write `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…` for TLS")]
    Form,
    /// It asks to accept any certificate.
    #[error("`#insecure` accepts any certificate, and with it anybody in between: leave it out, and let `SSL_CERT_FILE` name the authority")]
    Insecure,
    /// The authority to trust is not PEM.
    #[error("the certificate authority for Redis is not PEM")]
    Authority,
}

pub(super) struct Link {
    client: Client,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that a late failure of an old one does not take a new one down.
    generation: u64,
}

impl Link {
    pub(super) fn new(url: &SecretString, authority: Option<&str>) -> Result<Self, InvalidRedisUrl> {
        let info: ConnectionInfo = url.expose_secret().trim().into_connection_info().map_err(|_| InvalidRedisUrl::Form)?;
        if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(InvalidRedisUrl::Insecure);
        }
        // A name for the client is one more command that its user would have to be allowed.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let info = info.set_redis_settings(settings).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match authority {
            None => Client::open(info).map_err(|_| InvalidRedisUrl::Form)?,
            Some(pem) if !pem.contains("-----BEGIN CERTIFICATE-----") => return Err(InvalidRedisUrl::Authority),
            Some(pem) => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem.as_bytes().to_vec()) };
                Client::build_with_tls(info, certificates).map_err(|_| InvalidRedisUrl::Authority)?
            }
        };
        Ok(Self { client, current: Mutex::default() })
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let (mut connection, generation) = self.connection().await.map_err(failure)?;
        let answer = command.query_async(&mut connection).await;
        if answer.as_ref().is_err_and(is_broken) {
            self.forget(generation).await;
        }
        answer.map_err(failure)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), RedisError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &current.connection {
            return Ok((connection.clone(), current.generation));
        }
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_DEADLINE))
            .set_response_timeout(Some(ANSWER_DEADLINE))
            .set_pipeline_buffer_size(PIPELINE);
        let connection = self.client.get_multiplexed_async_connection_with_config(&settings).await?;
        current.connection = Some(connection.clone());
        current.generation += 1;
        Ok((connection, current.generation))
    }

    async fn forget(&self, generation: u64) {
        let mut current = self.current.lock().await;
        if current.generation == generation {
            current.connection = None;
        }
    }
}

/// Whether the next call needs a new connection: it broke or is silent, or leads to a server that is no longer the primary.
fn is_broken(error: &RedisError) -> bool {
    is_elsewhere(error) || error.is_io_error() || error.is_unrecoverable_error()
}

fn is_elsewhere(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly))
}

pub(super) fn failure(error: RedisError) -> StoreError {
    if error.is_timeout() {
        StoreError::TimedOut { store: STORE, after: ANSWER_DEADLINE }
    } else if is_broken(&error) && error.kind() != ErrorKind::AuthenticationFailed {
        StoreError::unavailable(STORE, error)
    } else {
        StoreError::refused(STORE, error)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.client.get_connection_info().addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-105
    #[test]
    fn neither_a_link_nor_a_refusal_shows_the_password() {
        let link = Link::new(&"redis://octo:hunter2@redis.example:6379/1\n".into(), None).unwrap();
        assert_eq!(format!("{link:?}"), "Link(redis.example:6379)");
        for url in
            ["", "redis.example:hunter2", "http://:hunter2@redis.example", "redis://:hunter2@redis.example/database", "rediss://:hunter2@h/#insecure"]
        {
            let refused = Link::new(&url.into(), None).err().unwrap_or_else(|| panic!("Input: {url}"));
            assert!(!format!("{refused} {refused:?}").contains("hunter2"), "Input: {url}");
        }
    }
}
