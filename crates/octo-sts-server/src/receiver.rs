//! Deliveries of GitHub, beside the exchange or alone.

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use octo_sts_webhook::Webhook;
use tonic::Code;

use crate::{grpc, reply::Reply, rest, status::Answer};

/// Where deliveries arrive.
const PATH: &str = "/webhook";
/// Whether a receiver that is alone is alive, as upstream's is asked.
const HEALTH: &str = "/healthcheck";

/// What takes deliveries, if anything does.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) webhook: Option<Webhook>,
    /// Nothing else is served here: no exchange.
    pub(crate) alone: bool,
}

impl Receiver {
    /// Whether a request is for the receiver.
    pub(crate) fn takes(&self, path: &str) -> bool {
        self.webhook.is_some() && (path == PATH || self.alone && !matches!(path, "/healthz" | "/readyz"))
    }

    /// Answers a request that is for the receiver.
    pub(crate) async fn answer(&self, request: Request<Incoming>, is_grpc: bool) -> Response<Reply> {
        let (path, asks) = (request.uri().path(), matches!(*request.method(), Method::GET | Method::HEAD));
        let response = match &self.webhook {
            Some(webhook) if path == PATH || path == "/" => deliver(webhook, request).await,
            _ if path == HEALTH && asks => Response::new(Reply::whole("")),
            _ if is_grpc => grpc::refused(&Answer::plain(Code::Unimplemented, "this process takes deliveries alone"), ""),
            _ => rest::reply::refused(&Answer::plain(Code::NotFound, "Not Found"), ""),
        };
        metrics::counter!("octo_sts_http_requests_total", "route" => "webhook", "status" => label(response.status())).increment(1);
        response
    }
}

async fn deliver(webhook: &Webhook, request: Request<Incoming>) -> Response<Reply> {
    let (head, body) = webhook.respond(request).await.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    };
    Response::from_parts(head, Reply::whole(body))
}

/// A closed set of labels.
fn label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        202 => "202",
        400 => "400",
        401 => "401",
        404 => "404",
        408 => "408",
        413 => "413",
        503 => "503",
        _ => "other",
    }
}
