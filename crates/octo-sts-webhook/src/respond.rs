//! Deliveries as HTTP requests, for whatever listens.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};

use crate::{Accepted, MOST_BODY, Webhook};

/// The longest a body may take to arrive: GitHub waits no longer for the answer.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// When to deliver again after a 503, in seconds.
const AGAIN_AFTER: HeaderValue = HeaderValue::from_static("30");

impl Webhook {
    /// Reads a request, up to 25 MiB and 10 s, and answers it.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return response(&Accepted::bad("deliveries are POST requests"));
        }
        let accepted = match tokio::time::timeout(ARRIVES_WITHIN, Limited::new(body, MOST_BODY).collect()).await {
            Ok(Ok(body)) => self.accept(&head.headers, body.to_bytes()).await,
            Ok(Err(error)) if error.is::<LengthLimitError>() => Accepted::new(StatusCode::PAYLOAD_TOO_LARGE, "a delivery has 25 MiB at the most"),
            Ok(Err(_)) => Accepted::bad("the body ends early"),
            Err(_) => Accepted::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 10 s"),
        };
        response(&accepted)
    }
}

fn response(accepted: &Accepted) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{}\n", accepted.text)));
    *response.status_mut() = accepted.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if accepted.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, AGAIN_AFTER);
    }
    response
}
