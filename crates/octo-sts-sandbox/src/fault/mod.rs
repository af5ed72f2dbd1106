//! Scripted faults: what goes wrong, on which call, how often.

mod book;
mod wording;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

pub(crate) use book::FaultBook;

use crate::{call::Service, reply::Reply, transport::Request};

/// A fault: which calls it befalls, and what becomes of them.
///
/// A fault without an ending only delays. When several faults fit a call, their delays add up and the first ending counts.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<Method>,
    needle: String,
    service: Option<Service>,
    /// What the path must begin with.
    under: String,
    skip: u64,
    times: Option<u64>,
    share: Option<f64>,
    delay: Duration,
    effect: Option<Effect>,
    executes: bool,
}

/// How a call ends instead of with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Respond(Reply),
    Hang,
    Reset,
    Raw(Bytes),
    Truncate(usize),
    Drip { step: usize, every: Duration },
}

/// What befalls one call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// How long the call waits before it does what it is for.
    pub(crate) before: Duration,
    /// How long the answer waits after that.
    pub(crate) after: Duration,
    /// How the call ends, when it is not with its answer.
    pub(crate) effect: Option<Effect>,
    /// Whether the call does what it is for although it ends otherwise.
    pub(crate) executes: bool,
}

impl Fault {
    /// Befalls calls with this method whose class is `needle` or whose path contains it.
    pub fn on(method: Method, needle: impl Into<String>) -> Self {
        Self { method: Some(method), ..Self::on_any(needle) }
    }

    /// Befalls calls of any method whose class is `needle` or whose path contains it; the empty text befalls all.
    pub fn on_any(needle: impl Into<String>) -> Self {
        let needle = needle.into();
        Self {
            method: None,
            needle,
            service: None,
            under: String::new(),
            skip: 0,
            times: None,
            share: None,
            delay: Duration::ZERO,
            effect: None,
            executes: false,
        }
    }

    /// Befalls only calls to this service.
    pub fn of(self, service: Service) -> Self {
        Self { service: Some(service), ..self }
    }

    /// Befalls only calls whose path begins so.
    pub(crate) fn under(self, path: String) -> Self {
        Self { under: path, ..self }
    }

    /// Befalls this many calls and then no more.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Spares this many calls first.
    pub fn after(self, spared: u64) -> Self {
        Self { skip: spared, ..self }
    }

    /// Befalls this share of the calls at random: `0.01` is one per cent.
    pub fn share(self, share: f64) -> Self {
        Self { share: Some(share), ..self }
    }

    /// Delays the call.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Lets the call do what it is for, and spoils or delays only the answer: a token is minted that nobody hears of.
    pub fn executed(self) -> Self {
        Self { executes: true, ..self }
    }

    /// Answers with this status and JSON.
    pub fn respond(self, status: u16, body: &Value) -> Self {
        self.ending(Effect::Respond(Reply::json(status_of(status), body)))
    }

    /// Answers with this status, content type and body.
    pub fn respond_with(self, status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let reply = Reply { body: body.into(), ..Reply::empty(status_of(status)) };
        self.ending(Effect::Respond(reply)).header("content-type", content_type)
    }

    /// Adds a header to the answer given with [`Fault::respond`] or [`Fault::respond_with`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Some(Effect::Respond(reply)), Ok(name), Ok(value)) = (&mut self.effect, name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            reply.headers.append(name, value);
        }
        self
    }

    /// Never answers.
    pub fn hang(self) -> Self {
        self.ending(Effect::Hang)
    }

    /// Resets the connection.
    pub fn reset(self) -> Self {
        self.ending(Effect::Reset)
    }

    /// Announces the whole answer, sends this many bytes of its body, and ends the connection. The call is executed.
    pub fn truncate(self, kept: usize) -> Self {
        self.ending(Effect::Truncate(kept)).executed()
    }

    /// Sends the body of the answer in steps of so many bytes. The call is executed.
    pub fn drip(self, step: usize, every: Duration) -> Self {
        self.ending(Effect::Drip { step, every }).executed()
    }

    /// Sends these bytes instead of an HTTP answer and ends the connection. Meant for HTTP/1.1.
    pub fn raw_response(self, bytes: impl Into<Bytes>) -> Self {
        self.ending(Effect::Raw(bytes.into()))
    }

    fn ending(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }

    fn fits(&self, service: Service, class: &str, request: &Request) -> bool {
        self.service.is_none_or(|wanted| wanted == service)
            && self.method.as_ref().is_none_or(|wanted| wanted == request.method)
            && request.path.starts_with(&self.under)
            && (self.needle == class || request.path.contains(&self.needle))
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no HTTP status"))
}
