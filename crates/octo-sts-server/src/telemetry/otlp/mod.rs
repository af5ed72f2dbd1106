//! Spans and log records to an OpenTelemetry collector.
//!
//! Batches are made on a thread of their own per signal and sent by the runtime; both queues have a bound. A collector that
//! hangs or is away delays nothing: what does not fit is dropped and counted.

mod http;
mod ledger;
mod logs;
mod sending;
mod spans;

use std::time::Duration;

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
};

use super::span::TARGET;
use crate::config::TelemetrySettings;

/// The name of the service where `OTEL_SERVICE_NAME` gives none.
const SERVICE: &str = "octo-sts";
/// How long each signal gets at the end to send what waits.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The HTTP client cannot be built.
    #[error("the client for the OpenTelemetry collector cannot be built: {0}")]
    Client(String),
    /// The exporter cannot be built.
    #[error("the OpenTelemetry exporter cannot be built: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// What exports; [`Exporting::finish`] sends what waits.
#[derive(Debug, Default)]
pub struct Exporting {
    tracer: Option<SdkTracerProvider>,
    logger: Option<SdkLoggerProvider>,
}

impl Exporting {
    /// Starts what the settings ask for, and returns the layers that feed it. `log` says which log records are exported.
    pub(super) fn start(settings: &TelemetrySettings, log: &Targets, runtime: &Handle) -> Result<(Self, Vec<BoxedLayer>), ExportError> {
        let (mut exporting, mut layers) = (Self::default(), Vec::new());
        if let Some(collector) = &settings.traces {
            let provider = spans::provider(collector, resource(), runtime)?;
            let tracer = provider.tracer(SERVICE);
            let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
            let layer = layer.with_target(false).with_tracked_inactivity(false);
            layers.push(layer.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO)).boxed());
            if settings.propagates {
                global::set_text_map_propagator(TraceContextPropagator::new());
            }
            exporting.tracer = Some(provider);
        }
        if let Some(collector) = &settings.logs {
            let provider = logs::provider(collector, resource(), runtime)?;
            layers.push(OpenTelemetryTracingBridge::new(&provider).with_filter(log.clone()).boxed());
            exporting.logger = Some(provider);
        }
        Ok((exporting, layers))
    }

    /// Sends what waits, for two seconds per signal at the most. Blocks.
    pub fn finish(self) {
        // What is not sent by then is counted by nobody: the process ends.
        if let Some(tracer) = self.tracer {
            let _ = tracer.shutdown_with_timeout(FAREWELL);
        }
        if let Some(logger) = self.logger {
            let _ = logger.shutdown_with_timeout(FAREWELL);
        }
    }
}

/// Who speaks: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, else the program's name.
fn resource() -> Resource {
    let named = Resource::builder().build();
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let is_named = named.get(&"service.name".into()).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let builder = Resource::builder().with_attribute(version);
    if is_named { builder.build() } else { builder.with_service_name(SERVICE).build() }
}
