//! Spans on their way to the collector.

use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use tokio::runtime::Handle;

use super::{
    ExportError,
    ledger::Ledger,
    sending::{Sending, over_grpc, over_http},
};
use crate::config::{Collector, Protocol};

/// What makes spans and exports them.
pub(super) fn provider(collector: &Collector, resource: Resource, runtime: &Handle) -> Result<SdkTracerProvider, ExportError> {
    let ledger = Arc::new(Ledger::new("traces", collector.queue));
    let sending = Sending { ledger: Arc::clone(&ledger), runtime: runtime.clone() };
    let exporter = Exporter { inner: Arc::new(exporter(collector)?), sending };
    let processor = Processor { inner: BatchSpanProcessor::builder(exporter).build(), ledger };
    Ok(SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build())
}

fn exporter(collector: &Collector) -> Result<SpanExporter, ExportError> {
    Ok(match collector.protocol {
        Protocol::Grpc => over_grpc(SpanExporter::builder().with_tonic(), collector).build()?,
        Protocol::Http => over_http(SpanExporter::builder().with_http(), collector)?.build()?,
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

/// Exports batches.
#[derive(Debug)]
struct Exporter {
    inner: Arc<SpanExporter>,
    sending: Sending,
}

impl opentelemetry_sdk::trace::SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (inner, count) = (Arc::clone(&self.inner), batch.len());
        self.sending.run(count, async move { opentelemetry_sdk::trace::SpanExporter::export(&*inner, batch).await }).await
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
