//! The span of a request, in the trace of its caller.
//!
//! Spans have a target of their own, which only the exporter listens to: without one, none is made.

use http::{HeaderMap, Request, Response};
use opentelemetry::{Context, global, propagation::Extractor};
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{grpc, rest};

/// The target of every span: the crates of the exchange and of GitHub use it as well.
pub(crate) const TARGET: &str = "octo_sts::trace";
/// Longest `tracestate` that is taken along, in bytes: what W3C Trace Context §3.3.1.5 asks for at least. It goes on to
/// GitHub, where headers of any length would fail calls that others wait for.
const LONGEST_STATE: usize = 512;

/// The span of a request; disabled where nothing is exported, and for probes of health.
pub(crate) fn of<B>(request: &Request<B>, webhook: bool) -> Span {
    let span = if webhook {
        named("webhook", "http", request.method().as_str())
    } else if grpc::is_grpc(request) {
        grpc_span(request.uri().path())
    } else {
        match rest::route_name(request.uri().path()) {
            "healthz" | "readyz" => Span::none(),
            route => named(route, "http", request.method().as_str()),
        }
    };
    if !span.is_disabled() {
        // The layer is there, or the span would be disabled.
        _ = span.set_parent(parent(request.headers()));
    }
    span
}

fn grpc_span(path: &str) -> Span {
    match path.rsplit_once('/') {
        Some(("/chainguard.platform.oidc.SecurityTokenService", "Exchange")) => named("Exchange", "grpc", "POST"),
        Some(("/grpc.health.v1.Health", _)) => Span::none(),
        _ => named("grpc", "grpc", "POST"),
    }
}

fn named(route: &'static str, transport: &'static str, method: &str) -> Span {
    // A method is the caller's text: only those of HTTP become attributes.
    let method = if ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].contains(&method) { method } else { "_OTHER" };
    info_span!(
        target: TARGET,
        "request",
        otel.name = route,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        network.protocol.name = transport,
        request_id = Empty,
    )
}

/// Notes what the caller is answered.
pub(crate) fn answered<B>(span: &Span, request_id: &str, response: &Response<B>) {
    if span.is_disabled() {
        return;
    }
    span.record("request_id", request_id);
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// The trace of the caller, as far as he tells and is believed.
fn parent(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Told(headers)))
}

/// The two headers of W3C Trace Context, each at most once.
struct Told<'a>(&'a HeaderMap);

impl Extractor for Told<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
        (name != "tracestate" || value.len() <= LONGEST_STATE).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn told(pairs: &[(&'static str, &str)], name: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Told(&headers).get(name).map(ToOwned::to_owned)
    }

    #[test]
    fn a_trace_state_that_is_too_long_or_comes_twice_is_left_behind() {
        let long = "a=b,".repeat(200);
        assert_eq!(told(&[("tracestate", "a=b")], "tracestate").as_deref(), Some("a=b"));
        assert_eq!(told(&[("tracestate", &long)], "tracestate"), None);
        assert_eq!(told(&[("traceparent", "x"), ("traceparent", "y")], "traceparent"), None);
    }
}
