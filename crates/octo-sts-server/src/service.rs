//! One request: to its route and back, whatever happens on the way.

use std::{
    convert::Infallible,
    future::Future,
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use octo_sts_types::Clock;
use tokio::sync::{Notify, watch};
use tonic::Code;
use tracing::Instrument as _;

use crate::{
    exchange::Exchange,
    grpc,
    lifecycle::readiness::Readiness,
    listener::{Activity, Phase},
    receiver::Receiver,
    reply::{Reply, UnderWay},
    rest,
    status::Answer,
    telemetry,
};

/// Names a request in its answer, in the log and in the event.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every connection of a service shares.
pub(crate) struct Shared {
    pub(crate) domain: String,
    /// Where people see the repositories of this service's GitHub: `github.com`, or an Enterprise Server.
    pub(crate) github_host: String,
    pub(crate) page: rest::page::Page,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) grpc: grpc::Routes,
    pub(crate) receiver: Receiver,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) exchanges: Arc<Exchanges>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Shared {
    /// Whether new exchanges are refused.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) peer: IpAddr,
    pub(crate) request_id: String,
}

/// Counts the exchanges under way, so that a drain knows when the last has its answer.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    count: AtomicUsize,
    none: Notify,
}

/// One exchange under way.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Exchanges>);

impl Exchanges {
    pub(crate) fn begin(self: &Arc<Self>) -> Counted {
        self.count.fetch_add(1, Ordering::AcqRel);
        metrics::gauge!("octo_sts_exchanges_in_flight").increment(1.0);
        Counted(Arc::clone(self))
    }

    /// Waits until no exchange is under way.
    pub(crate) async fn finished(&self) {
        loop {
            let none = self.none.notified();
            if self.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("octo_sts_exchanges_in_flight").decrement(1.0);
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

/// Serves the requests of one connection.
#[derive(Clone)]
pub(crate) struct Service {
    shared: Arc<Shared>,
    peer: IpAddr,
    activity: Arc<Activity>,
}

impl Service {
    pub(crate) fn new(shared: Arc<Shared>, peer: IpAddr, activity: Arc<Activity>) -> Self {
        Self { shared, peer, activity }
    }
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::begin(Arc::clone(&self.activity));
        let shared = Arc::clone(&self.shared);
        let caller = Caller { peer: self.peer, request_id: uuid::Uuid::new_v4().to_string() };
        Box::pin(async move {
            let (id, version, is_grpc) = (caller.request_id.clone(), request.version(), grpc::is_grpc(&request));
            let wants_head = request.method() == Method::HEAD;
            let span = telemetry::span::of(&request, shared.receiver.takes(request.uri().path()));
            let answered = AssertUnwindSafe(answer(&shared, request, caller, is_grpc)).catch_unwind().instrument(span.clone()).await;
            let mut response = answered.unwrap_or_else(|_| broken(is_grpc));
            telemetry::span::answered(&span, &id, &response);
            if let Ok(id) = HeaderValue::try_from(id) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            if version < Version::HTTP_2 && shared.is_draining() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if wants_head && version >= Version::HTTP_2 {
                response = head_alone(response);
            }
            // A stream may live as long as its client: it does not count as a request that takes too long.
            let streams = grpc::is_stream(&response);
            Ok(response.map(|body| if streams { body.streaming(under_way) } else { body.within(under_way, version) }))
        })
    }
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>, caller: Caller, is_grpc: bool) -> Response<Reply> {
    if shared.receiver.takes(request.uri().path()) {
        return shared.receiver.answer(request, is_grpc).await;
    }
    if is_grpc { grpc::answer(shared, request, caller).await } else { rest::answer(shared, request, caller).await }
}

/// The head of an answer to `HEAD`. A connection of HTTP/1 leaves the body out by itself; one of HTTP/2 sends whatever it is
/// given, which clients take for a breach of the protocol (RFC 9113 §8.1.1).
fn head_alone(response: Response<Reply>) -> Response<Reply> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    Response::from_parts(head, Reply::whole(""))
}

/// The answer where ours broke off in a panic; the panic itself is in the log.
fn broken(is_grpc: bool) -> Response<Reply> {
    metrics::counter!("octo_sts_panics_total").increment(1);
    let answer = Answer::plain(Code::Internal, "internal error");
    if is_grpc { grpc::refused(&answer, "") } else { rest::reply::refused(&answer, "") }
}
