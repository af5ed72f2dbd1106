//! A port that answers HTTP/1.1 and HTTP/2, with and without TLS.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Front,
    stream::{Socket, Stream},
};
use crate::lock::lock;

/// First byte of a TLS handshake record (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// A listening port and the connections it has accepted. All end when it is dropped.
pub(crate) struct Listener {
    address: SocketAddr,
    front: Arc<Front>,
    tls: TlsAcceptor,
    task: Mutex<Option<AbortHandle>>,
}

impl Listener {
    pub(crate) async fn start(address: SocketAddr, front: Arc<Front>, tls: TlsAcceptor) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let listener = Self { address: socket.local_addr()?, front, tls, task: Mutex::default() };
        listener.run(socket);
        Ok(listener)
    }

    fn run(&self, socket: TcpListener) {
        let task = tokio::spawn(accept(socket, Arc::clone(&self.front), self.tls.clone()));
        *lock(&self.task) = Some(task.abort_handle());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and refuses new ones.
    pub(crate) fn stop(&self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }

    /// Listens again on the same port.
    pub(crate) async fn resume(&self) -> io::Result<()> {
        self.stop();
        let socket = TcpListener::bind(self.address).await?;
        self.run(socket);
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(socket: TcpListener, front: Arc<Front>, tls: TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((connection, _)) = socket.accept().await {
            connections.spawn(serve(connection, Arc::clone(&front), tls.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(connection: TcpStream, front: Arc<Front>, tls: TlsAcceptor) {
    let _ = connection.set_nodelay(true);
    let mut first = [0];
    let socket = match connection.peek(&mut first).await {
        Ok(1) if first[0] == TLS_HANDSHAKE => match tls.accept(connection).await {
            Ok(stream) => Socket::Tls(Box::new(stream)),
            Err(error) => return tracing::debug!(%error, "a TLS handshake failed"),
        },
        Ok(1) => Socket::Plain(connection),
        _ => return,
    };
    let stream = Stream::new(socket);
    let fate = stream.fate();
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        let fate = fate.clone();
        async move { front.serve(request, &fate).await }
    });
    if let Err(error) = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
