//! Metrics: one page, on a port of its own.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The upper bounds of every duration's buckets, in seconds.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How many may read the page at a time.
const READERS: usize = 8;
/// How long one of them may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often what histograms gathered is put in order.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process: there is one, whatever number of services it runs.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record, if nothing does yet.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    describe();
    begin();
    Ok(RECORDER.get_or_init(|| handle).clone())
}

fn describe() {
    metrics::describe_counter!("octo_sts_exchanges_total", "Exchanges, by outcome, the stage that refused, and the reason");
    metrics::describe_histogram!("octo_sts_exchange_seconds", "How long an exchange took");
    metrics::describe_counter!("octo_sts_stale_policies_total", "Exchanges that used a policy that could not be revalidated");
    metrics::describe_counter!("octo_sts_undelivered_tokens_total", "Tokens whose caller was gone, revoked");
    metrics::describe_counter!("octo_sts_github_calls_total", "Calls to GitHub, by kind and what came of them");
    metrics::describe_histogram!("octo_sts_github_call_seconds", "How long a call to GitHub took");
    metrics::describe_counter!("octo_sts_github_mints_refused_total", "Tokens that GitHub minted otherwise than asked for, refused and revoked");
    metrics::describe_counter!("octo_sts_github_mints_unaccounted_total", "Mints whose answer never came: a token may exist");
    metrics::describe_counter!("octo_sts_github_revocations_total", "Revocations in the background, by outcome");
    metrics::describe_counter!("octo_sts_app_jwt_signatures_total", "Signatures made with the keys of Apps");
    metrics::describe_counter!("octo_sts_audit_dropped_total", "Audit events that a sink never got");
    metrics::describe_counter!("octo_sts_telemetry_dropped_total", "Spans and log records that the OpenTelemetry collector never got");
    metrics::describe_counter!("octo_sts_http_requests_total", "Requests over HTTP, by route and status");
    metrics::describe_counter!("octo_sts_sticky_fallbacks_total", "Exchanges that did without the sticky store, which did not answer");
    metrics::describe_counter!("octo_sts_panics_total", "Requests that ended in a panic");
    metrics::describe_counter!("octo_sts_reloads_total", "Reloads of keys and Apps, by outcome");
    metrics::describe_gauge!("octo_sts_github_quota_remaining", "Calls that an App has left with the installation that has least");
    metrics::describe_counter!("octo_sts_issuer_key_lookups_total", "Tokens, by whether their issuer's keys were there");
    metrics::describe_counter!("octo_sts_issuer_key_fetches_total", "Fetches of issuers' keys begun");
    metrics::describe_counter!("octo_sts_issuer_key_fetch_failures_total", "Fetches of issuers' keys that failed");
    metrics::describe_counter!("octo_sts_issuer_key_refreshes_total", "Fetches of keys begun because a token did not fit those known");
    metrics::describe_counter!("octo_sts_cache_lookups_total", "Looks into what is remembered, by what and whether it was there");
    metrics::describe_counter!("octo_sts_webhook_deliveries_total", "Deliveries of GitHub, by event and what they were answered");
    metrics::describe_histogram!("octo_sts_webhook_answer_seconds", "How long GitHub waited for the answer to a delivery");
    metrics::describe_gauge!("octo_sts_webhook_queue", "Deliveries that wait");
    metrics::describe_counter!("octo_sts_webhook_checks_total", "Deliveries that were worked on, by what came of them");
    metrics::describe_counter!("octo_sts_webhook_retries_total", "Checks that were put off because GitHub was not ready");
    metrics::describe_gauge!("octo_sts_connections", "Open connections");
    metrics::describe_gauge!("octo_sts_exchanges_in_flight", "Exchanges under way");
}

/// Shows counters that should stay at nought before they count: Prometheus does not see the first step of a series that
/// begins with it.
fn begin() {
    metrics::counter!("octo_sts_stale_policies_total").increment(0);
    metrics::counter!("octo_sts_undelivered_tokens_total").increment(0);
    metrics::counter!("octo_sts_github_mints_refused_total").increment(0);
    metrics::counter!("octo_sts_github_mints_unaccounted_total").increment(0);
    metrics::counter!("octo_sts_sticky_fallbacks_total").increment(0);
    metrics::counter!("octo_sts_panics_total").increment(0);
    for outcome in ["revoked", "failed", "dropped"] {
        metrics::counter!("octo_sts_github_revocations_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["ok", "refused"] {
        metrics::counter!("octo_sts_reloads_total", "outcome" => outcome).increment(0);
    }
}

/// Serves `/metrics`; never ends.
pub(crate) async fn serve(listener: TcpListener, page: PrometheusHandle) {
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            page.run_upkeep();
        }
    };
    tokio::join!(upkeep, accept(&listener, &page));
}

async fn accept(listener: &TcpListener, page: &PrometheusHandle) {
    let places = Arc::new(Semaphore::new(READERS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => _ = tokio::spawn(read(stream, page.clone(), place.ok())),
            Err(_) => tokio::time::sleep(UPKEEP).await,
        }
    }
}

/// One reader, who holds his place until he has the page.
async fn read(stream: TcpStream, page: PrometheusHandle, place: Option<OwnedSemaphorePermit>) {
    let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(answer(&request, &page))));
    let connection = http1::Builder::new().timer(TokioTimer::new()).keep_alive(false).serve_connection(TokioIo::new(stream), service);
    _ = timeout(DEADLINE, connection).await;
    drop(place);
}

fn answer(request: &Request<Incoming>, page: &PrometheusHandle) -> Response<Full<Bytes>> {
    let mut response = match request.uri().path() {
        "/metrics" => Response::new(Full::from(page.render())),
        _ => Response::new(Full::from("Metrics are at /metrics.\n")),
    };
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}
