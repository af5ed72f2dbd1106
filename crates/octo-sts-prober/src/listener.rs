//! A small HTTP/1.1 server: for the endpoint and for the page of metrics.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, sync::Semaphore};

/// Most connections at a time.
const PLACES: usize = 32;
/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection lives; longer than any round of probes.
const LONGEST: Duration = Duration::from_mins(2);
/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How often what histograms gathered is put in order.
const UPKEEP: Duration = Duration::from_secs(5);

/// Answers requests, one per connection; never ends.
pub(crate) async fn accept<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send,
{
    let places = Arc::new(Semaphore::new(PLACES));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks off, or is too slow, is no concern of ours.
            _ = tokio::time::timeout(LONGEST, connection).await;
            drop(place);
        });
    }
}

/// Serves the page of metrics at `/metrics`; never ends.
pub async fn serve(listener: TcpListener, page: PrometheusHandle) {
    let upkeep = page.clone();
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    };
    let answer = move |request: Request<Incoming>| {
        let found = request.uri().path() == "/metrics";
        let page = page.clone();
        async move {
            let (status, body) =
                if found { (StatusCode::OK, page.render()) } else { (StatusCode::NOT_FOUND, "Metrics are at /metrics.\n".to_owned()) };
            reply(status, "text/plain; version=0.0.4; charset=utf-8", body)
        }
    };
    tokio::join!(upkeep, accept(listener, answer));
}

pub(crate) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
