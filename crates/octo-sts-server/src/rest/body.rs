//! Bodies of requests, of which there is never much.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Code;

use super::fields::Refused;
use crate::status::Answer;

/// How long a body may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Reads a whole body of at most so many bytes.
pub(super) async fn read<B>(body: B, longest: usize) -> Result<Bytes, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > longest as u64 {
        return Err(too_long(longest));
    }
    let body = Box::pin(body.map_err(|error| error.to_string()));
    match tokio::time::timeout(DEADLINE, Limited::new(body, longest).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long(longest)),
        Ok(Err(_)) => Err(Refused::of(StatusCode::BAD_REQUEST, Code::InvalidArgument, "the body of the request is broken")),
        Err(_) => Err(Refused::of(StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded, "the body of the request took too long")),
    }
}

fn too_long(longest: usize) -> Refused {
    Refused {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        answer: Answer::plain(Code::ResourceExhausted, format!("the body of the request is longer than {} KiB", longest >> 10)),
        close: true,
    }
}
