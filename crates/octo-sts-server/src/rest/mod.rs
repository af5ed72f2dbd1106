//! The routes over HTTP, and what each answers.

mod body;
mod fields;
pub(crate) mod oauth;
pub(crate) mod openapi;
pub(crate) mod page;
mod query;
pub(crate) mod reply;

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, Version, header, request};
use http_body::Body;
use octo_sts_exchange::{Authorization, Transport};
use octo_sts_page::File;
use secrecy::SecretString;
use tonic::Code;

use page::Page;

use crate::{
    reply::Reply,
    service::{Caller, Shared},
    status::{self, Answer},
};

/// What is refused to a browser or client that only wants to know what this is.
const ABOUT: &str = r#"{"msg": "please check documentation for usage: https://github.com/octo-sts/app"}"#;
/// What upstream says of refresh tokens.
const NO_REFRESH: &str = "octo-sts does not support refresh tokens";

/// A path that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    About,
    Alive,
    Ready,
    Exchange,
    Refresh,
    Revoke,
    Token,
    Metadata,
    OpenApi,
    /// A file of the page.
    File(&'static File),
}

impl Route {
    #[cfg(test)]
    const ALL: [Self; 9] =
        [Self::About, Self::Alive, Self::Ready, Self::Exchange, Self::Refresh, Self::Revoke, Self::Token, Self::Metadata, Self::OpenApi];

    fn find(path: &str) -> Option<Self> {
        match path {
            "/" => Some(Self::About),
            "/healthz" => Some(Self::Alive),
            "/readyz" => Some(Self::Ready),
            "/sts/exchange" => Some(Self::Exchange),
            "/sts/exchange_refresh_token" => Some(Self::Refresh),
            "/sts/revoke" => Some(Self::Revoke),
            "/oauth/token" => Some(Self::Token),
            "/.well-known/oauth-authorization-server" => Some(Self::Metadata),
            "/openapi.json" => Some(Self::OpenApi),
            _ => page::find(path).map(Self::File),
        }
    }

    /// `HEAD` is answered where `GET` mints nothing.
    fn admits(self, method: &Method) -> bool {
        match self {
            Self::About | Self::Alive | Self::Ready | Self::Metadata | Self::OpenApi | Self::File(_) => matches!(*method, Method::GET | Method::HEAD),
            Self::Exchange => matches!(*method, Method::GET | Method::POST),
            Self::Refresh | Self::Revoke | Self::Token => method == Method::POST,
        }
    }

    /// The word for metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Alive => "healthz",
            Self::Ready => "readyz",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Revoke => "revoke",
            Self::Token => "token",
            Self::Metadata => "metadata",
            Self::OpenApi => "openapi",
            Self::File(_) => "file",
        }
    }
}

/// The word for the route of a path, of a closed set.
pub(crate) fn route_name(path: &str) -> &'static str {
    Route::find(path).map_or("unknown", Route::as_str)
}

/// Answers one request over HTTP.
pub(crate) async fn answer<B>(shared: &Arc<Shared>, request: Request<B>, caller: Caller) -> Response<Reply>
where
    B: Body + Send,
    B::Error: std::fmt::Display,
{
    let (head, body) = request.into_parts();
    let route = Route::find(head.uri.path());
    let response = match route {
        _ if !has_one_host(&head) => reply::close(reply::refused(&Answer::plain(Code::InvalidArgument, "expected exactly one host header"), "")),
        None => reply::refused(&Answer::plain(Code::NotFound, "Not Found"), ""),
        Some(route) if !route.admits(&head.method) => reply::refused(&Answer::plain(Code::Unimplemented, "Method Not Allowed"), ""),
        Some(Route::About) => about(&head, &shared.page),
        Some(Route::Alive) => reply::json(StatusCode::OK, r#"{"status":"alive"}"#),
        Some(Route::Ready) => ready(shared),
        Some(Route::Metadata) => oauth::metadata(&shared.domain),
        Some(Route::OpenApi) => openapi::description(),
        Some(Route::File(file)) => page::file(file, &head.headers),
        Some(Route::Token) => oauth::token(shared, &head, body, caller).await,
        Some(Route::Revoke) => oauth::revoke(shared, &head, body, caller).await,
        Some(Route::Exchange) => reply::through_gateway(exchange(shared, head, body, caller).await),
        Some(Route::Refresh) => reply::through_gateway(reply::refused(&Answer::plain(Code::Unimplemented, NO_REFRESH), "")),
    };
    let (route, status) = (route.map_or("unknown", Route::as_str), response.status().as_u16());
    metrics::counter!("octo_sts_http_requests_total", "route" => route, "status" => status_label(status)).increment(1);
    response
}

/// RFC 9112 §3.2: a request of HTTP/1.1 has exactly one `Host`.
fn has_one_host(head: &request::Parts) -> bool {
    head.version != Version::HTTP_11 || head.headers.get_all(header::HOST).iter().count() == 1
}

/// A closed set of labels: the statuses that this service answers.
fn status_label(status: u16) -> &'static str {
    match status {
        200 => "200",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        408 => "408",
        413 => "413",
        415 => "415",
        429 => "429",
        500 => "500",
        501 => "501",
        503 => "503",
        504 => "504",
        _ => "other",
    }
}

fn about(head: &request::Parts, page: &Page) -> Response<Reply> {
    if page::is_wanted(&head.headers) { page.answer() } else { reply::json(StatusCode::OK, ABOUT) }
}

fn ready(shared: &Shared) -> Response<Reply> {
    let mut reasons = shared.readiness.reasons();
    if shared.is_draining() {
        reasons.push("the service is shutting down".to_owned());
    }
    reasons.extend(shared.exchange.trouble());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ready": reasons.is_empty(), "reasons": reasons });
    reply::json(status, body.to_string())
}

async fn exchange<B>(shared: &Arc<Shared>, head: request::Parts, body: B, caller: Caller) -> Response<Reply>
where
    B: Body + Send,
    B::Error: std::fmt::Display,
{
    if shared.is_draining() {
        let refusal = Answer { retry_after: Some(1), ..Answer::plain(Code::Unavailable, "the service is shutting down: try again") };
        return reply::refused(&refusal, &shared.domain);
    }
    let _counted = shared.exchanges.begin();
    let asked = match fields::read(&head, body).await {
        Ok(asked) => asked,
        Err(refused) => return refused.response(),
    };
    let id = caller.request_id.clone();
    let request = octo_sts_exchange::Request {
        authorization: authorization(&head.headers),
        scope: asked.scope,
        scopes: asked.scopes,
        identity: asked.identity,
        user_agent: user_agent(&head.headers),
        request_id: caller.request_id,
        peer: Some(caller.peer),
        transport: Transport::Http,
    };
    match shared.exchange.exchange(request).await {
        Ok(issued) => reply::token(issued, shared.clock.now()),
        Err(refusal) => reply::refused(&status::answer(&refusal, &id), &shared.domain),
    }
}

/// The `authorization` of a request. No other header counts, whatever gateways make of it.
pub(crate) fn authorization(headers: &http::HeaderMap) -> Authorization {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Authorization::None,
        (Some(value), None) => Authorization::Value(match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => SecretString::from(text),
            Err(_) => SecretString::from(String::from_utf8_lossy(value.as_bytes()).as_ref()),
        }),
        (Some(_), Some(_)) => Authorization::Several,
    }
}

/// The caller's `User-Agent`, cut to what an event takes.
pub(crate) fn user_agent(headers: &http::HeaderMap) -> Option<String> {
    let value = headers.get(header::USER_AGENT)?;
    Some(octo_sts_types::Printable(&String::from_utf8_lossy(value.as_bytes())).to_string())
}
