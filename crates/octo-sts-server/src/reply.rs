//! What an answer's body is made of, and when it counts as taken.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::{exchange::Receipt, listener::Activity};

/// One request under way on a connection, from its head until its answer is taken or given up.
#[derive(Debug)]
pub(crate) struct UnderWay {
    activity: Arc<Activity>,
    began: Instant,
}

impl UnderWay {
    pub(crate) fn begin(activity: Arc<Activity>) -> Self {
        let began = Instant::now();
        activity.begin(began);
        Self { activity, began }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.activity.end(self.began, Instant::now());
    }
}

/// The body of an answer. The token in it, if there is one, counts as delivered once the connection has taken the bytes
/// and flushed them; a body that goes before takes its token with it.
#[derive(Debug)]
pub(crate) struct Reply {
    content: Content,
    receipt: Option<Receipt>,
    under_way: Option<UnderWay>,
    stream: Option<Stream>,
    /// The connection holds on to a frame until the peer makes room for it, and asks for the next one only then.
    waits_for_room: bool,
    /// The frame with the token has been handed over.
    handed_over: bool,
}

/// One stream of answers on a connection.
#[derive(Debug)]
struct Stream(Arc<Activity>);

impl Stream {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.stream_begins();
        Self(Arc::clone(activity))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.stream_ends(Instant::now());
    }
}

#[derive(Debug)]
enum Content {
    Whole(Option<Bytes>),
    Grpc(tonic::body::Body),
}

impl Reply {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        Self {
            content: Content::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())),
            receipt: None,
            under_way: None,
            stream: None,
            waits_for_room: false,
            handed_over: false,
        }
    }

    pub(crate) fn grpc(body: tonic::body::Body) -> Self {
        Self { content: Content::Grpc(body), receipt: None, under_way: None, stream: None, waits_for_room: false, handed_over: false }
    }

    /// The token in this body is owed this receipt.
    pub(crate) fn owing(mut self, receipt: Option<Receipt>) -> Self {
        self.receipt = receipt;
        self
    }

    /// The request is under way until this body is gone.
    pub(crate) fn within(mut self, under_way: UnderWay, version: Version) -> Self {
        self.under_way = Some(under_way);
        self.waits_for_room = version >= Version::HTTP_2;
        self
    }

    /// This body is a stream, which lives until its client leaves: the connection is in use, and nothing is overdue.
    pub(crate) fn streaming(mut self, under_way: UnderWay) -> Self {
        self.stream = Some(Stream::begin(&under_way.activity));
        drop(under_way);
        self
    }

    /// Hands the receipt to the connection, which now has the bytes.
    fn taken(&mut self) {
        if let (Some(receipt), Some(under_way)) = (self.receipt.take(), &self.under_way) {
            under_way.activity.written(receipt);
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = self.get_mut();
        if this.handed_over {
            this.taken();
        }
        let frame = match &mut this.content {
            Content::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Content::Grpc(body) => ready!(Pin::new(body).poll_frame(cx)),
        };
        if matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            this.handed_over = true;
            if !this.waits_for_room {
                this.taken();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            // The end is told apart from the last frame, so that the connection comes back once it has taken that.
            Content::Whole(bytes) => bytes.is_none() && !(self.waits_for_room && self.receipt.is_some()),
            Content::Grpc(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Grpc(body) => body.size_hint(),
        }
    }
}
