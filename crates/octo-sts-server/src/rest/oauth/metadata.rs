//! `GET /.well-known/oauth-authorization-server`: what OAuth clients find here (RFC 8414).

use http::{Response, StatusCode};
use serde_json::json;

use super::grant::TOKEN_EXCHANGE;
use crate::{reply::Reply, rest::reply};

/// The metadata of the service at this name.
pub(in crate::rest) fn metadata(domain: &str) -> Response<Reply> {
    let document = json!({
        "issuer": format!("https://{domain}"),
        "token_endpoint": format!("https://{domain}/oauth/token"),
        "revocation_endpoint": format!("https://{domain}/sts/revoke"),
        "grant_types_supported": [TOKEN_EXCHANGE],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "service_documentation": format!("https://{domain}/"),
    });
    reply::json(StatusCode::OK, document.to_string())
}
