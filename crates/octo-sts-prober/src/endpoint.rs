//! A round of probes per request: 200 when all ended as they must, 500 when one did not.

use std::{fmt, future::Future, sync::Arc};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Semaphore},
};

use crate::{listener, metrics, prober::Prober, rounds};

/// How many requests may wait for their round.
const WAITING: usize = 8;

/// The endpoint of a prober.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    prober: Prober,
    /// SHA-256 of what `Authorization` must be: both sides of the comparison have one length.
    authorization: digest::Digest,
    places: Semaphore,
    /// One round at a time.
    turn: Mutex<()>,
}

impl Endpoint {
    /// `authorization` is the whole value of the header that lets a request in.
    pub fn new(prober: Prober, authorization: &SecretString) -> Self {
        let authorization = sha256(authorization.expose_secret().as_bytes());
        Self(Arc::new(Inner { prober, authorization, places: Semaphore::new(WAITING), turn: Mutex::new(()) }))
    }

    /// Answers requests until `stop`; a round that has begun is finished, so that no token outlives it.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let endpoint = self.clone();
        tokio::select! {
            () = listener::accept(listener, move |request| endpoint.clone().answer(request)) => {}
            () = stop => {}
        }
        self.0.places.close();
        drop(self.0.turn.lock().await);
    }

    async fn answer(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/healthz" => json(StatusCode::OK, r#"{"status":"alive"}"#),
            _ if !self.admits(request.headers()) => {
                let mut response =
                    json(StatusCode::UNAUTHORIZED, r#"{"ok":false,"reason":"the authorization header is not the one that is expected"}"#);
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
            "/" => self.probe().await,
            _ => json(StatusCode::NOT_FOUND, r#"{"ok":false,"reason":"probes run at /"}"#),
        }
    }

    /// Whether there is one authorization, and it is ours; the time it takes says nothing about how much of it is.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        verify_slices_are_equal(sha256(value.as_bytes()).as_ref(), self.0.authorization.as_ref()).is_ok()
    }

    async fn probe(&self) -> Response<Full<Bytes>> {
        let Ok(_place) = self.0.places.try_acquire() else {
            return json(StatusCode::SERVICE_UNAVAILABLE, r#"{"ok":false,"reason":"too many requests wait for a round of probes"}"#);
        };
        let _turn = self.0.turn.lock().await;
        if self.0.places.is_closed() {
            return json(StatusCode::SERVICE_UNAVAILABLE, r#"{"ok":false,"reason":"the prober is shutting down"}"#);
        }
        let report = self.0.prober.round().await;
        metrics::note(&report, &*self.0.prober.clock);
        rounds::log(&report);
        let status = if report.is_good() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        json(status, report.to_json().to_string())
    }
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    listener::reply(status, "application/json", body)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("prober", &self.0.prober).finish_non_exhaustive()
    }
}
