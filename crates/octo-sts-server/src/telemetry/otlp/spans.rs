//! Spans on their way to the collector.

use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use tokio::runtime::Handle;

use super::{ExportError, http::Http, ledger::Ledger, tls};
use crate::config::{Collector, Protocol};

/// What makes spans and exports them.
pub(super) fn provider(collector: &Collector, resource: Resource, runtime: &Handle) -> Result<SdkTracerProvider, ExportError> {
    let ledger = Arc::new(Ledger::new("traces", collector.queue));
    let exporter = Exporter { inner: Arc::new(exporter(collector)?), ledger: Arc::clone(&ledger), runtime: runtime.clone() };
    let processor = Processor { inner: BatchSpanProcessor::builder(exporter).build(), ledger };
    Ok(SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build())
}

fn exporter(collector: &Collector) -> Result<SpanExporter, ExportError> {
    let endpoint = collector.endpoint.as_str();
    Ok(match collector.protocol {
        Protocol::Grpc => {
            let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(collector.timeout);
            match tls(collector) {
                Some(tls) => builder.with_tls_config(tls).build()?,
                None => builder.build()?,
            }
        }
        Protocol::Http => {
            let builder = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(collector.timeout);
            builder.with_protocol(opentelemetry_otlp::Protocol::HttpBinary).with_http_client(Http::new(collector)?).build()?
        }
    })
}

/// Lets into the batches what there is room for.
#[derive(Debug)]
struct Processor {
    inner: BatchSpanProcessor,
    ledger: Arc<Ledger>,
}

impl SpanProcessor for Processor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.ledger.admit() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Exports on the runtime, whose timers and sockets the thread of the batches does not have.
#[derive(Debug)]
struct Exporter {
    inner: Arc<SpanExporter>,
    ledger: Arc<Ledger>,
    runtime: Handle,
}

impl opentelemetry_sdk::trace::SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (inner, spans) = (Arc::clone(&self.inner), batch.len());
        let sent = self.runtime.spawn(async move { opentelemetry_sdk::trace::SpanExporter::export(&*inner, batch).await });
        let outcome = sent.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.ledger.settle(spans, &outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}
