//! An answer, before it is put on the wire.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, ..Self::default() }
    }

    /// JSON.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::json_text(status, value.to_string())
    }

    /// JSON that is written already.
    pub(crate) fn json_text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self { status, headers: HeaderMap::new(), body: text.into() }
            .with(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))
    }

    /// Bytes of another type.
    pub(crate) fn bytes(content_type: &'static str, body: Bytes) -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body }.with(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With a header whose value is text made here; a text that cannot be a header is left out.
    pub(crate) fn with_text(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}
