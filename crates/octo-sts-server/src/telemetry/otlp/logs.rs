//! Log records on their way to the collector.

use std::{sync::Arc, time::Duration};

use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::LogExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{BatchLogProcessor, LogBatch, LogProcessor, SdkLogRecord, SdkLoggerProvider},
};
use tokio::runtime::Handle;

use super::{
    ExportError,
    ledger::Ledger,
    sending::{Sending, over_grpc, over_http},
};
use crate::config::{Collector, Protocol};

/// What takes log records and exports them.
pub(super) fn provider(collector: &Collector, resource: Resource, runtime: &Handle) -> Result<SdkLoggerProvider, ExportError> {
    let ledger = Arc::new(Ledger::new("logs", collector.queue));
    let sending = Sending { ledger: Arc::clone(&ledger), runtime: runtime.clone() };
    let exporter = Exporter { inner: Arc::new(exporter(collector)?), sending };
    let processor = Processor { inner: BatchLogProcessor::builder(exporter).build(), ledger };
    Ok(SdkLoggerProvider::builder().with_resource(resource).with_log_processor(processor).build())
}

fn exporter(collector: &Collector) -> Result<LogExporter, ExportError> {
    Ok(match collector.protocol {
        Protocol::Grpc => over_grpc(LogExporter::builder().with_tonic(), collector).build()?,
        Protocol::Http => over_http(LogExporter::builder().with_http(), collector)?.build()?,
    })
}

/// Lets into the batches what there is room for.
#[derive(Debug)]
struct Processor {
    inner: BatchLogProcessor,
    ledger: Arc<Ledger>,
}

impl LogProcessor for Processor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.ledger.admit() {
            self.inner.emit(record, scope);
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
    inner: Arc<LogExporter>,
    sending: Sending,
}

impl opentelemetry_sdk::logs::LogExporter for Exporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records: Vec<_> = batch.iter().map(|(record, scope)| (record.clone(), scope.clone())).collect();
        let (inner, count) = (Arc::clone(&self.inner), records.len());
        let send = async move {
            let records: Vec<_> = records.iter().map(|(record, scope)| (record, scope)).collect();
            opentelemetry_sdk::logs::LogExporter::export(&*inner, LogBatch::new(&records)).await
        };
        self.sending.run(count, send).await
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
