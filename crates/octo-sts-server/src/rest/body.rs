//! Bodies of requests, of which there is never much.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Code;

use super::fields::Refused;
use crate::status::Answer;

/// The longest body, in bytes.
const LONGEST: usize = 4 << 10;
/// How long a body may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Reads a whole body.
pub(super) async fn read<B>(body: B) -> Result<Bytes, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > LONGEST as u64 {
        return Err(too_long());
    }
    let body = Box::pin(body.map_err(|error| error.to_string()));
    match tokio::time::timeout(DEADLINE, Limited::new(body, LONGEST).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Refused::of(StatusCode::BAD_REQUEST, Code::InvalidArgument, "the body of the request is broken")),
        Err(_) => Err(Refused::of(StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded, "the body of the request took too long")),
    }
}

fn too_long() -> Refused {
    Refused {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        answer: Answer::plain(Code::ResourceExhausted, "the body of the request is longer than 4 KiB"),
        close: true,
    }
}
