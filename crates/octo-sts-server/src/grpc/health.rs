//! gRPC's own health service.

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tonic::{Code, Request, Response, Status};
use tonic_health::{
    ServingStatus,
    pb::{
        HealthCheckRequest, HealthCheckResponse, health_check_response,
        health_server::{Health as HealthCalls, HealthServer},
    },
    server::{HealthReporter, HealthService},
};

use crate::pb::security_token_service_server::SERVICE_NAME;

/// The services that health is told for; the empty name is all of them together.
const SERVICES: [&str; 2] = ["", SERVICE_NAME];

/// What the health service tells.
#[derive(Clone, Debug)]
pub(crate) struct Health(HealthReporter);

impl Health {
    /// Nothing serves yet.
    pub(crate) async fn new() -> Self {
        let health = Self(HealthReporter::new());
        health.set(false).await;
        health
    }

    /// Tells whether the service is ready; those who watch hear of it.
    pub(crate) async fn set(&self, ready: bool) {
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES {
            self.0.set_service_status(service, status).await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<Answers> {
        HealthServer::new(Answers(HealthService::from_health_reporter(self.0.clone())))
    }
}

/// The library's answers, but for the watch of a service that does not exist: by the protocol it is no error, but says
/// `SERVICE_UNKNOWN` and stays open.
#[derive(Debug)]
pub(super) struct Answers(HealthService);

#[async_trait]
impl HealthCalls for Answers {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(request).await
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        match self.0.watch(request).await {
            Ok(known) => Ok(known.map(StreamExt::boxed)),
            Err(status) if status.code() == Code::NotFound => {
                let unknown = HealthCheckResponse { status: health_check_response::ServingStatus::ServiceUnknown.into() };
                Ok(Response::new(stream::iter([Ok(unknown)]).chain(stream::pending()).boxed()))
            }
            Err(status) => Err(status),
        }
    }
}
