//! The record of every call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, request::Parts};
use octo_sts_types::AppId;
use tokio::sync::Notify;

use crate::{lock::lock, reply::Reply};

/// Who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The fake GitHub.
    GitHub,
    /// An issuer.
    Issuer,
    /// The sink of audit events.
    Events,
}

/// Who called, as far as the sandbox could prove it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// No credentials, or none that are good; or the call was not judged because a fault came first.
    #[default]
    Unknown,
    /// An App, by a good App JWT.
    App(AppId),
    /// Whoever holds the token with this number in the ledger.
    Token(u64),
}

/// A call that reached the sandbox.
#[derive(Clone, Debug)]
pub struct Call {
    /// Place in the order of arrival, from 1.
    pub number: u64,
    /// Who was called.
    pub service: Service,
    /// What kind of call it is: the word that [`crate::Fault::on`] takes, for instance `mint`, `contents`, `discovery`.
    pub class: &'static str,
    /// The method.
    pub method: Method,
    /// The path as it came, with prefix and percent escapes.
    pub path: String,
    /// What came after the question mark.
    pub query: Option<String>,
    /// Who called.
    pub caller: Caller,
    /// The status of the answer; none when there was no answer, or the caller did not wait for it.
    pub status: Option<StatusCode>,
    /// The headers of the request, credentials included.
    pub headers: HeaderMap,
    /// The body of the request.
    pub body: Bytes,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: &'static str,
}

impl Call {
    /// Method, path and status in one line, for messages of failed assertions.
    pub fn line(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.as_u16().to_string());
        format!("{} {}{query} -> {status}", self.method, self.path)
    }

    /// The value of a header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// All calls, up to a limit.
pub(crate) struct CallLog {
    limit: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    begun: u64,
    calls: VecDeque<Call>,
}

impl CallLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), changed: Notify::new() }
    }

    fn push(&self, call: Call) {
        let mut state = lock(&self.state);
        while state.calls.len() >= self.limit.max(1) {
            state.calls.pop_front();
        }
        state.calls.push_back(call);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The calls that `chosen` picks, in order of arrival.
    pub(crate) fn calls(&self, chosen: impl Fn(&Call) -> bool) -> Vec<Call> {
        let mut calls: Vec<Call> = lock(&self.state).calls.iter().filter(|call| chosen(call)).cloned().collect();
        calls.sort_by_key(|call| call.number);
        calls
    }

    pub(crate) fn clear(&self) {
        lock(&self.state).calls.clear();
    }

    /// Comes back after the next call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A call on its way into the log. Whoever drops it unfinished leaves a call without an answer there.
pub(crate) struct Recording {
    log: Arc<CallLog>,
    call: Option<Call>,
}

impl Recording {
    pub(crate) fn begin(log: &Arc<CallLog>, service: Service, class: &'static str, head: &Parts) -> Self {
        let mut state = lock(&log.state);
        state.begun += 1;
        let number = state.begun;
        drop(state);
        let call = Call {
            number,
            service,
            class,
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            caller: Caller::Unknown,
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            protocol: if head.version == http::Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" },
        };
        Self { log: Arc::clone(log), call: Some(call) }
    }

    pub(crate) fn read(&mut self, body: Bytes) {
        if let Some(call) = &mut self.call {
            call.body = body;
        }
    }

    pub(crate) fn answered_to(&mut self, caller: Caller) {
        if let Some(call) = &mut self.call {
            call.caller = caller;
        }
    }

    pub(crate) fn take_headers(&mut self, headers: HeaderMap) {
        if let Some(call) = &mut self.call {
            call.headers = headers;
        }
    }

    /// Records the answer, and hands it back.
    pub(crate) fn finish(mut self, reply: Reply) -> Reply {
        if let Some(call) = &mut self.call {
            call.status = Some(reply.status);
        }
        reply
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.log.push(call);
        }
    }
}
