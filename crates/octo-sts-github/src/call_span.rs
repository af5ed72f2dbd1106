//! What is told of a call: its span, and the trace that GitHub hears of.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use octo_sts_http::Response;
use opentelemetry::propagation::Injector;
use tracing::{Span, field::Empty};

use crate::call::Call;

/// The span of one attempt; disabled where nothing is exported. The URL is not in it: it names policies.
pub(crate) fn span(call: &Call<'_>) -> Span {
    tracing::info_span!(
        target: "octo_sts::trace",
        "github",
        otel.name = call.class.span_name(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = call.method.as_str(),
        server.address = call.uri.host(),
        http.response.status_code = Empty,
        outcome = Empty,
    )
}

pub(crate) fn note(span: &Span, outcome: &'static str, worked: bool) {
    span.record("outcome", outcome);
    if !worked {
        span.record("otel.status_code", "ERROR");
    }
}

/// Tells GitHub, or what stands before a GitHub Enterprise Server, which trace the call belongs to.
pub(crate) fn tell_trace(headers: &mut HeaderMap) {
    opentelemetry::global::get_text_map_propagator(|propagator| propagator.inject(&mut Told(headers)));
}

/// Takes the headers of W3C Trace Context.
struct Told<'a>(&'a mut HeaderMap);

impl Injector for Told<'_> {
    fn set(&mut self, name: &str, value: String) {
        // A state that the caller left empty is not worth a header.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

pub(crate) fn done(response: &Response) -> &'static str {
    if response.status == StatusCode::NOT_MODIFIED { "not_modified" } else { "ok" }
}
