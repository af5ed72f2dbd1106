//! An OpenTelemetry collector that keeps what it is sent: OTLP over gRPC, and protobuf over HTTP.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    logs::v1::LogRecord,
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tonic::{Request, Response, Status};

/// What arrived.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    traces: Vec<ExportTraceServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
    headers: Vec<String>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut seen = self.0.lock().unwrap();
        seen.headers.extend(request.metadata().get("x-tenant").map(|value| value.to_str().unwrap().to_owned()));
        seen.traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(&self, request: Request<ExportLogsServiceRequest>) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.0.lock().unwrap().logs.push(request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

impl Collector {
    /// Takes gRPC.
    pub(crate) async fn grpc() -> (Self, SocketAddr) {
        let (collector, address) = (Self::default(), free().await);
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(LogsServiceServer::new(collector.clone()))
            .serve(address);
        tokio::spawn(async move { server.await.unwrap() });
        (collector, address)
    }

    /// Takes protobuf over HTTP/1.1.
    pub(crate) async fn http() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (collector, address) = (Self::default(), listener.local_addr().unwrap());
        let taker = collector.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(taker.clone().take(stream));
            }
        });
        (collector, address)
    }

    async fn take(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let head = head.to_ascii_lowercase();
            let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
            assert_eq!(header("content-type:").as_deref(), Some("application/x-protobuf"));
            let mut body = vec![0; header("content-length:").unwrap().parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            {
                let mut seen = self.0.lock().unwrap();
                seen.headers.extend(header("x-tenant:"));
                match head.split(' ').nth(1) {
                    Some("/v1/traces") => seen.traces.push(ExportTraceServiceRequest::decode(body.as_slice()).unwrap()),
                    Some("/v1/logs") => seen.logs.push(ExportLogsServiceRequest::decode(body.as_slice()).unwrap()),
                    other => panic!("unexpected path {other:?}"),
                }
            }
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let seen = self.0.lock().unwrap();
        let scopes = seen.traces.iter().flat_map(|request| &request.resource_spans).flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    pub(crate) fn logs(&self) -> Vec<LogRecord> {
        let seen = self.0.lock().unwrap();
        let scopes = seen.logs.iter().flat_map(|request| &request.resource_logs).flat_map(|resource| &resource.scope_logs);
        scopes.flat_map(|scope| scope.log_records.clone()).collect()
    }

    /// The attributes of the resource that the first spans came from.
    pub(crate) fn resource(&self) -> Vec<KeyValue> {
        self.0.lock().unwrap().traces[0].resource_spans[0].resource.clone().unwrap().attributes
    }

    /// The values of `x-tenant` that came.
    pub(crate) fn tenants(&self) -> Vec<String> {
        self.0.lock().unwrap().headers.clone()
    }

    /// Everything, as it reads when somebody prints it.
    pub(crate) fn text(&self) -> String {
        let seen = self.0.lock().unwrap();
        format!("{:?} {:?}", seen.traces, seen.logs)
    }

    /// Waits until such a span is there.
    pub(crate) async fn span(&self, wanted: impl Fn(&Span) -> bool) -> Span {
        for _ in 0..500 {
            if let Some(span) = self.spans().into_iter().find(&wanted) {
                return span;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no such span in {:?}", self.spans().iter().map(|span| &span.name).collect::<Vec<_>>());
    }
}

/// An address that nobody listens on.
pub(crate) async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// The text of an attribute, whatever its type.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}
