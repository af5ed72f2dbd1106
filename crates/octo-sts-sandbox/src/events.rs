//! The sink of audit events: `CloudEvents` in HTTP binary mode.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use http::{Method, StatusCode};
use serde_json::Value;

use crate::{
    Fault,
    call::{Caller, Service},
    fault::FaultBook,
    lock::lock,
    reply::Reply,
    transport::{Answered, Backend, Listener, Request},
};

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The attributes: headers that begin with `ce-`, without that.
    pub attributes: BTreeMap<String, String>,
    /// The data; null when it is no JSON.
    pub data: Value,
}

/// The sink: a handle that can be cloned.
#[derive(Clone)]
pub struct EventSink {
    received: Arc<Received>,
    listener: Arc<Listener>,
    faults: Arc<FaultBook>,
}

/// What came.
#[derive(Default)]
pub(crate) struct Received(Mutex<Vec<Event>>);

impl Backend for Received {
    fn class(&self, _: &Method, _: &str) -> &'static str {
        "events"
    }

    fn answer(&self, request: &Request) -> Answered {
        let reply = if request.method == Method::POST && request.path == "/events" {
            lock(&self.0).push(Event::of(request));
            Reply::empty(StatusCode::ACCEPTED)
        } else {
            Reply::empty(StatusCode::NOT_FOUND)
        };
        Answered { reply, caller: Caller::Unknown }
    }
}

impl Event {
    fn of(request: &Request) -> Self {
        let attribute = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let name = name.as_str().strip_prefix("ce-")?;
            Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        };
        Self { attributes: request.headers.iter().filter_map(attribute).collect(), data: serde_json::from_slice(&request.body).unwrap_or_default() }
    }
}

impl EventSink {
    pub(crate) fn new(received: Arc<Received>, listener: Arc<Listener>, faults: Arc<FaultBook>) -> Self {
        Self { received, listener, faults }
    }

    /// What `EVENT_INGRESS_URI` is set to.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.listener.address())
    }

    /// The events, in order of arrival.
    pub fn received(&self) -> Vec<Event> {
        lock(&self.received.0).clone()
    }

    /// Forgets the events.
    pub fn clear(&self) {
        lock(&self.received.0).clear();
    }

    /// Lets something go wrong with deliveries.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault.of(Service::Events));
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").field("url", &self.url()).finish_non_exhaustive()
    }
}
