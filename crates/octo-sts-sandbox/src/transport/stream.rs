//! A connection that can be made to misbehave below HTTP.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::lock::lock;

/// What the rest of a connection's life looks like. Shared between the connection and whoever answers on it.
#[derive(Clone, Default)]
pub(crate) struct Fate(Arc<Mutex<Option<Ending>>>);

enum Ending {
    /// The peer gets a TCP reset.
    Reset,
    /// The peer gets these bytes instead of an answer, then the end of the stream.
    Raw(Bytes),
}

impl Fate {
    pub(crate) fn reset(&self) {
        *lock(&self.0) = Some(Ending::Reset);
    }

    pub(crate) fn raw(&self, bytes: Bytes) {
        *lock(&self.0) = Some(Ending::Raw(bytes));
    }

    fn is_reset(&self) -> bool {
        matches!(*lock(&self.0), Some(Ending::Reset))
    }
}

/// The socket, with TLS or without.
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A socket with a [`Fate`].
pub(crate) struct Stream {
    socket: Socket,
    fate: Fate,
}

impl Stream {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, fate: Fate::default() }
    }

    pub(crate) fn fate(&self) -> Fate {
        self.fate.clone()
    }

    /// Writes what the fate wants written; ready with an error when the connection is to end, with `Ok` when nothing is decided.
    fn poll_fate(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ending = lock(&self.fate.0);
        let Some(decided) = ending.as_mut() else { return Poll::Ready(Ok(())) };
        if let Ending::Raw(bytes) = decided {
            while !bytes.is_empty() {
                let written = ready!(self.socket.poll_write(cx, bytes))?;
                bytes.advance(written);
            }
            ready!(self.socket.poll_shutdown(cx))?;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.fate.is_reset() {
            let socket = match &self.socket {
                Socket::Plain(socket) => socket,
                Socket::Tls(socket) => socket.get_ref().0,
            };
            // Closing with unsent data discarded is what makes the kernel answer with a reset.
            let _ = socket.set_zero_linger();
        }
    }
}

impl Socket {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Socket::Tls(socket) => Pin::new(socket).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_fate(cx))?;
        self.socket.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Socket::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_fate(cx))?;
        self.socket.poll_shutdown(cx)
    }
}
