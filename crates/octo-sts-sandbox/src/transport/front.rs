//! What happens to every call, whatever it is for: it is recorded, delayed, spoilt as scripted, and answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::{ReplyBody, body::Dropped, stream::Fate};
use crate::{
    call::{CallLog, Caller, Recording, Service},
    fault::{Effect, FaultBook},
    reply::Reply,
};

/// Longest request body that is read. GitHub's own limit for a file is 100 MB; nothing here needs that.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// A request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As it came, percent escapes and all.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer, and who it went to.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) caller: Caller,
}

/// Something that answers requests from memory.
pub(crate) trait Backend: Send + Sync + 'static {
    /// The word by which faults and the record know this kind of call.
    fn class(&self, method: &Method, path: &str) -> &'static str;
    /// The answer.
    fn answer(&self, request: &Request) -> Answered;
}

/// A service behind its faults and its record.
pub(crate) struct Front {
    service: Service,
    backend: Arc<dyn Backend>,
    log: Arc<CallLog>,
    faults: Arc<FaultBook>,
    latency: Arc<Latency>,
}

/// Time added to every answer, in microseconds.
#[derive(Default)]
pub(crate) struct Latency(AtomicU64);

impl Latency {
    pub(crate) fn set(&self, latency: Duration) {
        self.0.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl Front {
    pub(crate) fn new(service: Service, backend: Arc<dyn Backend>, log: Arc<CallLog>, faults: Arc<FaultBook>, latency: Arc<Latency>) -> Self {
        Self { service, backend, log, faults, latency }
    }

    pub(crate) async fn serve(&self, incoming: http::Request<Incoming>, fate: &Fate) -> Result<Response<ReplyBody>, Dropped> {
        let (head, body) = incoming.into_parts();
        let class = self.backend.class(&head.method, head.uri.path());
        let mut recording = Recording::begin(&self.log, self.service, class, &head);
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| Dropped)?.to_bytes();
        let request = Request {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body: body.clone(),
        };
        recording.read(body);
        let plan = self.faults.plan(self.service, class, &request);
        let begun = Instant::now();
        let (latency, delays) = (self.latency.get(), plan.before + plan.after);
        wait(begun, latency / 2 + plan.before).await;
        let reply = if plan.effect.is_none() || plan.executes {
            let answered = self.backend.answer(&request);
            recording.answered_to(answered.caller);
            answered.reply
        } else {
            Reply::default()
        };
        recording.take_headers(request.headers);
        wait(begun, latency + delays).await;
        match plan.effect {
            None => Ok(whole(recording.finish(reply))),
            Some(effect) => spoil(effect, reply, recording, fate).await,
        }
    }
}

/// Waits until so much time has passed since a call began.
///
/// Half of the latency comes before a call is carried out and half after, so that a caller who hangs up may have been too late.
async fn wait(begun: Instant, time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep_until(begun + time).await;
    }
}

async fn spoil(effect: Effect, reply: Reply, recording: Recording, fate: &Fate) -> Result<Response<ReplyBody>, Dropped> {
    match effect {
        Effect::Respond(reply) => Ok(whole(recording.finish(reply))),
        Effect::Hang => {
            drop(recording);
            std::future::pending().await
        }
        Effect::Reset => {
            drop(recording);
            fate.reset();
            Err(Dropped)
        }
        Effect::Raw(bytes) => {
            drop(recording);
            fate.raw(bytes);
            Ok(Response::new(ReplyBody::Whole(Bytes::new())))
        }
        Effect::Truncate(kept) => {
            let reply = recording.finish(reply);
            let cut = reply.body.slice(..kept.min(reply.body.len()));
            Ok(announced(reply, ReplyBody::Broken(cut)))
        }
        Effect::Drip { step, every } => {
            let reply = recording.finish(reply);
            let body = ReplyBody::drops(reply.body.clone(), step, every);
            Ok(announced(reply, body))
        }
    }
}

fn whole(reply: Reply) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Whole(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

/// An answer that announces the length of its whole body, whatever then becomes of the body.
fn announced(mut reply: Reply, body: ReplyBody) -> Response<ReplyBody> {
    reply.headers.insert(header::CONTENT_LENGTH, reply.body.len().into());
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
