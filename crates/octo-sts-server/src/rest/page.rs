//! What a person sees who opens the service in a browser.

use http::{HeaderValue, Response, header};

use super::reply;
use crate::reply::Reply;

const PAGE: &str = include_str!("page.html");

/// The page, which says what this is and how it is used.
pub(super) fn page(domain: &str) -> Response<Reply> {
    // A domain holds letters, digits and `-._:` alone: nothing in it means anything to HTML.
    let mut response = reply::json(http::StatusCode::OK, PAGE.replace("{domain}", domain));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
