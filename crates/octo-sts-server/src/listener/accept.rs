//! The port: who is let in, and how many.

use std::{fs, io, net::IpAddr, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::{activity::HEAD, connection, phase::Phase};
use crate::service::Shared;

/// The most connections at a time, where the system allows as many open files.
const MOST_CONNECTIONS: usize = 10_000;
/// Open files that are left for everything else: calls to GitHub and issuers, files, the log.
const OTHER_FILES: usize = 256;
/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// The listening port.
#[derive(Debug)]
pub(crate) struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptorHandle>,
    places: Arc<Semaphore>,
    most: usize,
}

/// A TLS acceptor that can be shown in debug output.
#[derive(Clone)]
pub(crate) struct TlsAcceptorHandle(pub(crate) TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TLS")
    }
}

/// Waits until every connection has ended.
#[derive(Debug)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
}

impl Connections {
    /// Waits until every connection has ended.
    pub(crate) async fn ended(&self) {
        drop(self.places.acquire_many(u32::try_from(self.most).unwrap_or(u32::MAX)).await);
    }
}

impl Port {
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let most = most_connections();
        Self { listener, tls: tls.map(TlsAcceptorHandle), places: Arc::new(Semaphore::new(most)), most }
    }

    pub(crate) fn connections(&self) -> Connections {
        Connections { places: Arc::clone(&self.places), most: self.most }
    }

    /// Takes connections until the service closes its port; those that wait in the system's queue then are still taken.
    pub(crate) async fn accept(self, shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) {
        let theirs = phase.clone();
        loop {
            let (place, accepted) = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase >= Phase::Closing) => break,
                next = self.next() => next,
            };
            self.take(place, accepted, &shared, &theirs).await;
        }
        while let Some((place, accepted @ Ok(_))) = self.next().now_or_never() {
            self.take(place, accepted, &shared, &theirs).await;
        }
    }

    /// The next connection, as soon as there is a place for it.
    async fn next(&self) -> (Option<OwnedSemaphorePermit>, io::Result<(TcpStream, IpAddr)>) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let accepted = self.listener.accept().await;
        (place, accepted.map(|(stream, peer)| (stream, peer.ip().to_canonical())))
    }

    async fn take(
        &self,
        place: Option<OwnedSemaphorePermit>,
        accepted: io::Result<(TcpStream, IpAddr)>,
        shared: &Arc<Shared>,
        phase: &watch::Receiver<Phase>,
    ) {
        match accepted {
            Ok((stream, peer)) => self.spawn(place, stream, peer, shared, phase),
            Err(error) if is_peers(&error) => debug!(%error, "connection gone before it was taken"),
            Err(error) => {
                warn!(%error, "no connection can be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn spawn(&self, place: Option<OwnedSemaphorePermit>, stream: TcpStream, peer: IpAddr, shared: &Arc<Shared>, phase: &watch::Receiver<Phase>) {
        // Without it an answer may wait for the acknowledgement of its head.
        _ = stream.set_nodelay(true);
        let (shared, phase, tls) = (Arc::clone(shared), phase.clone(), self.tls.clone());
        metrics::gauge!("octo_sts_connections").increment(1.0);
        tokio::spawn(async move {
            let _counted = Counted(place);
            let mut ending = phase.clone();
            let served = async {
                match tls {
                    None => connection::serve(stream, peer, shared, phase).await,
                    Some(acceptor) => match timeout(HEAD, acceptor.0.accept(stream)).await {
                        Ok(Ok(stream)) => connection::serve(stream, peer, shared, phase).await,
                        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
                        Err(_) => debug!("TLS handshake took too long"),
                    },
                }
            };
            tokio::select! {
                biased;
                () = served => {}
                _ = ending.wait_for(|phase| *phase == Phase::Ended) => {}
            }
        });
    }
}

/// The place of a connection, given back when it ends however it ends.
struct Counted(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("octo_sts_connections").decrement(1.0);
    }
}

/// Whether the error is about one connection, not about the port.
fn is_peers(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

fn most_connections() -> usize {
    let files = fs::read_to_string("/proc/self/limits").ok().and_then(|text| open_files(&text));
    files.map_or(MOST_CONNECTIONS, |files| files.saturating_sub(OTHER_FILES).max(files / 2).clamp(1, MOST_CONNECTIONS))
}

/// The soft limit of open files, out of Linux' table of limits.
fn open_files(limits: &str) -> Option<usize> {
    let row = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    row.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_found_in_the_table() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\nMax processes             1                    2                    processes\nMax open files            1024                 524288               files\n";
        assert_eq!(open_files(text), Some(1024));
        assert_eq!(open_files("Max open files            unlimited            unlimited            files"), None);
    }
}
