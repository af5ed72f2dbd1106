//! One call: what is asked of GitHub, and whether it may be asked twice.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use tracing::Span;

use crate::{
    call_span::tell_trace,
    content::ETag,
    error::{GitHubError, Outage},
    send::Failure,
};

/// GitHub's REST API version that this crate is written for.
const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
const API_VERSION_NAME: HeaderName = HeaderName::from_static("x-github-api-version");
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What a call is for: the label of its metrics, a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    App,
    Installation,
    Mint,
    Revoke,
    Contents,
    Directory,
    Comparison,
    Pulls,
    CheckRun,
}

impl Class {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Installation => "installation",
            Self::Mint => "mint",
            Self::Revoke => "revoke",
            Self::Contents => "contents",
            Self::Directory => "directory",
            Self::Comparison => "comparison",
            Self::Pulls => "pulls",
            Self::CheckRun => "check_run",
        }
    }

    pub(crate) fn span_name(self) -> &'static str {
        match self {
            Self::App => "GitHub app",
            Self::Installation => "GitHub installation",
            Self::Mint => "GitHub mint",
            Self::Revoke => "GitHub revoke",
            Self::Contents => "GitHub contents",
            Self::Directory => "GitHub directory",
            Self::Comparison => "GitHub comparison",
            Self::Pulls => "GitHub pulls",
            Self::CheckRun => "GitHub check_run",
        }
    }
}

/// Everything about a call but who makes it.
pub(crate) struct Call<'a> {
    pub(crate) class: Class,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    known: Option<&'a ETag>,
    body: Bytes,
}

impl<'a> Call<'a> {
    pub(crate) fn get(class: Class, uri: Uri) -> Self {
        Self { class, method: Method::GET, uri, known: None, body: Bytes::new() }
    }

    pub(crate) fn post(class: Class, uri: Uri, body: Bytes) -> Self {
        Self { class, method: Method::POST, uri, known: None, body }
    }

    pub(crate) fn patch(class: Class, uri: Uri, body: Bytes) -> Self {
        Self { class, method: Method::PATCH, uri, known: None, body }
    }

    pub(crate) fn delete(class: Class, uri: Uri) -> Self {
        Self { class, method: Method::DELETE, uri, known: None, body: Bytes::new() }
    }

    /// Asks for the content only if it is no longer this version (RFC 9110 §13.1.2).
    pub(crate) fn unless(mut self, known: Option<&'a ETag>) -> Self {
        self.known = known;
        self
    }

    pub(crate) fn request(&self, authorization: &HeaderValue, span: &Span) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, authorization.clone());
        headers.insert(header::ACCEPT, MEDIA_TYPE);
        headers.insert(API_VERSION_NAME, API_VERSION);
        if let Some(ETag(etag)) = self.known {
            headers.insert(header::IF_NONE_MATCH, etag.clone());
        }
        if self.adds() {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if !span.is_disabled() {
            span.in_scope(|| tell_trace(headers));
        }
        request
    }

    /// Whether each such call adds something: a token, a check run, annotations of one.
    fn adds(&self) -> bool {
        self.method == Method::POST || self.method == Method::PATCH
    }

    /// Whether the call may be made again after this failure. A mint may only if it provably did not happen: a second one
    /// would leave a token that nobody knows of. The same goes for what else adds something.
    pub(crate) fn may_repeat(&self, failure: &Failure) -> bool {
        if self.adds() {
            return failure.never_sent;
        }
        matches!(&failure.error, GitHubError::Unavailable { outage: Outage::Status(_) | Outage::Transport(_), retry_after: None })
    }
}

/// The entity tag of an answer, weak or strong, as it came.
pub(crate) fn etag(headers: &HeaderMap) -> Option<ETag> {
    headers.get(header::ETAG).cloned().map(ETag)
}
