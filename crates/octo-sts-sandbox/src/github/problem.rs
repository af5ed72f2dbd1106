//! GitHub's errors, in its own words.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::reply::Reply;

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
    errors: Option<Value>,
    headers: Vec<(&'static str, String)>,
    location: Option<String>,
    documentation: &'static str,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let documentation = "https://docs.github.com/rest";
        Self { status, message: message.into(), errors: None, headers: Vec::new(), location: None, documentation }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    pub(crate) fn requires_authentication() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Requires authentication")
    }

    pub(crate) fn undecodable_jwt() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded")
    }

    pub(crate) fn not_accessible() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Resource not accessible by integration")
    }

    /// A missing permission, with the header that names it.
    pub(crate) fn lacks(permission: &str, level: &str) -> Self {
        Self::not_accessible().header("x-accepted-github-permissions", format!("{permission}={level}"))
    }

    pub(crate) fn suspended() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This installation has been suspended")
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// A field of a request that GitHub does not take.
    pub(crate) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        let errors = json!([{"resource": resource, "field": field, "code": code}]);
        Self { errors: Some(errors), ..Self::unprocessable("Validation Failed") }
    }

    /// A file that is too large for JSON.
    pub(crate) fn too_large() -> Self {
        let text = "This API returns blobs up to 1 MB in size. The requested blob is too large to fetch via the API.";
        let errors = json!([{"resource": "Blob", "field": "data", "code": "too_large"}]);
        Self { errors: Some(errors), ..Self::new(StatusCode::FORBIDDEN, text) }
    }

    pub(crate) fn bad_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")
    }

    /// The repository has another name now.
    pub(crate) fn moved(location: String) -> Self {
        Self { location: Some(location), ..Self::new(StatusCode::MOVED_PERMANENTLY, "Moved Permanently") }
    }

    pub(crate) fn exhausted(installation: u64) -> Self {
        let documentation = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        Self { documentation, ..Self::new(StatusCode::FORBIDDEN, format!("API rate limit exceeded for installation ID {installation}.")) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut body = json!({"message": self.message, "documentation_url": self.documentation, "status": self.status.as_str()});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(location) = &self.location {
            body["url"] = json!(location);
        }
        let mut reply = Reply::json(self.status, &body);
        for (name, value) in &self.headers {
            reply = reply.with_text(name, value);
        }
        match self.location.as_deref().map(HeaderValue::from_str) {
            Some(Ok(location)) => reply.with(header::LOCATION, location),
            _ => reply,
        }
    }
}
