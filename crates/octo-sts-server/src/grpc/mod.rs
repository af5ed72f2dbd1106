//! The service over gRPC, with health and reflection.

mod deadline;
mod exchange;
mod health;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderValue, Request, Response, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use tonic::{Code, Status, body::Body, codec::CompressionEncoding};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::Service as _;

use crate::{
    exchange::Receipt,
    pb::{self, security_token_service_server::SecurityTokenServiceServer},
    reply::Reply,
    service::{Caller, Shared},
    status::Answer,
};

pub(crate) use health::Health;

/// The longest message, in bytes, compressed or not.
const LONGEST: usize = 64 << 10;
/// The most time a call may ask for: the exchange has its own deadline before that.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(15);
/// Methods that answer with a stream.
const STREAMS: [&str; 3] = ["/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// The services behind gRPC paths.
#[derive(Clone)]
pub(crate) struct Routes(tonic::service::Routes);

/// A receipt on its way from the service to the transport.
#[derive(Clone)]
pub(crate) struct Parcel(Arc<Mutex<Option<Receipt>>>);

impl Parcel {
    fn new(receipt: Receipt) -> Self {
        Self(Arc::new(Mutex::new(Some(receipt))))
    }

    fn open(&self) -> Option<Receipt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Marks the answer of a method that streams.
#[derive(Clone)]
struct Streams;

/// Why reflection cannot be offered: the descriptors are part of the program.
pub(crate) type RoutesError = tonic_reflection::server::Error;

impl Routes {
    /// The service, its health, and reflection when it is wanted.
    pub(crate) fn new(health: &Health, reflection: bool) -> Result<Self, RoutesError> {
        let service = SecurityTokenServiceServer::new(exchange::Grpc).max_decoding_message_size(LONGEST).accept_compressed(CompressionEncoding::Gzip);
        let health = health.server().max_decoding_message_size(LONGEST).accept_compressed(CompressionEncoding::Gzip);
        let mut routes = tonic::service::Routes::new(service).add_service(health);
        if reflection {
            let described = || {
                tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            };
            let v1 = described().register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET).build_v1()?;
            let v1alpha = described().register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET).build_v1alpha()?;
            routes = routes.add_service(v1.max_decoding_message_size(LONGEST)).add_service(v1alpha.max_decoding_message_size(LONGEST));
        }
        Ok(Self(routes.prepare()))
    }
}

/// Whether a request is gRPC: HTTP/2 and its content type.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    request.version() == Version::HTTP_2 && content_type.starts_with(b"application/grpc")
}

/// Whether the answer is a stream.
pub(crate) fn is_stream(response: &Response<Reply>) -> bool {
    response.extensions().get::<Streams>().is_some()
}

/// Answers one call.
pub(crate) async fn answer(shared: &Arc<Shared>, mut request: Request<Incoming>, caller: Caller) -> Response<Reply> {
    let streams = STREAMS.iter().any(|path| request.uri().path().starts_with(path));
    let deadline = match deadline::of(request.headers()) {
        Ok(asked) => asked.unwrap_or(DEADLINE).min(DEADLINE),
        Err(message) => return refused(&Answer::plain(Code::InvalidArgument, message), ""),
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Arc::clone(shared));
    let mut routes = shared.grpc.0.clone();
    let Ok(answered) = tokio::time::timeout(deadline, routes.call(request)).await else {
        return refused(&Answer::plain(Code::DeadlineExceeded, "the deadline of the call has passed"), "");
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(never) => match never {},
    };
    spell_limit_as_grpc_go_does(&mut response);
    let parcel = response.extensions_mut().remove::<Parcel>();
    if streams && !response.body().is_end_stream() {
        response.extensions_mut().insert(Streams);
    }
    response.map(|body| Reply::grpc(body).owing(parcel.and_then(|parcel| parcel.open())))
}

/// A message over the limit is `RESOURCE_EXHAUSTED` to clients of upstream; the library calls it `OUT_OF_RANGE`, and nothing
/// else here does.
fn spell_limit_as_grpc_go_does(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    if headers.get(Status::GRPC_STATUS).is_some_and(|code| code == "11") {
        headers.insert(Status::GRPC_STATUS, HeaderValue::from_static("8"));
    }
}

/// A refusal as a gRPC answer.
pub(crate) fn refused(answer: &Answer, domain: &str) -> Response<Reply> {
    let response: Response<Body> = status(answer, domain).into_http();
    response.map(Reply::grpc)
}

/// A refusal as a gRPC status, with what machines need to go on.
fn status(answer: &Answer, domain: &str) -> Status {
    let mut details = ErrorDetails::new();
    if let Some(info) = &answer.info {
        let metadata: HashMap<_, _> = info.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        details.set_error_info(info.reason, domain, metadata);
    }
    if let Some(seconds) = answer.retry_after {
        details.set_retry_info(Some(std::time::Duration::from_secs(seconds)));
    }
    match (&answer.info, answer.retry_after) {
        (None, None) => Status::new(answer.code, &answer.message),
        _ => Status::with_error_details(answer.code, &answer.message, details),
    }
}
