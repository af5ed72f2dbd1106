//! Bodies of answers: whole, cut short, or in drops.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// The connection is given up on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox drops the connection, as it was told")]
pub(crate) struct Dropped;

/// The body of an answer.
pub(crate) enum ReplyBody {
    /// All of it at once.
    Whole(Bytes),
    /// This much, then the connection ends although more was announced.
    Broken(Bytes),
    /// A few bytes at a time.
    Drops { rest: Bytes, step: usize, every: Duration, pause: Pin<Box<Sleep>> },
}

impl ReplyBody {
    pub(crate) fn drops(rest: Bytes, step: usize, every: Duration) -> Self {
        Self::Drops { rest, step: step.max(1), every, pause: Box::pin(tokio::time::sleep(every)) }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Broken(bytes) if bytes.is_empty() => Poll::Ready(Some(Err(Dropped))),
            Self::Whole(bytes) | Self::Broken(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Drops { rest, .. } if rest.is_empty() => Poll::Ready(None),
            Self::Drops { rest, step, every, pause } => {
                std::task::ready!(pause.as_mut().poll(cx));
                let next = pause.deadline() + *every;
                pause.as_mut().reset(next);
                Poll::Ready(Some(Ok(Frame::data(rest.split_to((*step).min(rest.len()))))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
