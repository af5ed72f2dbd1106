//! A stream whose bytes are watched on their way.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{activity::Activity, head::HeadCheck};

/// A stream that gives back what was read to learn its protocol, tells its [`Activity`] what happens, and checks the heads
/// of HTTP/1.1 requests.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    first: Bytes,
    activity: Arc<Activity>,
    /// The check of the head that is being read, and how many requests had ended when it began; HTTP/1.1 only.
    head: Option<(HeadCheck, u64)>,
}

impl<S> Watched<S> {
    pub(super) fn http1(stream: S, first: Bytes, activity: Arc<Activity>) -> Self {
        Self { stream, first, activity, head: Some((HeadCheck::new(), 0)) }
    }

    pub(super) fn http2(stream: S, first: Bytes, activity: Arc<Activity>) -> Self {
        Self { stream, first, activity, head: None }
    }

    /// Looks at bytes that just came, and that nobody has seen.
    fn look_at(&mut self, bytes: &mut [u8]) {
        let Some((check, seen)) = &mut self.head else { return };
        let ended = self.activity.ended();
        if ended != *seen {
            (*check, *seen) = (HeadCheck::new(), ended);
        }
        check.pass(bytes);
        self.activity.bytes_came(Instant::now());
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.first.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        } else {
            let length = this.first.len().min(buf.remaining());
            buf.put_slice(&this.first[..length]);
            this.first.advance(length);
        }
        let new = &mut buf.filled_mut()[before..];
        if !new.is_empty() {
            this.look_at(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        this.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
