//! Log records on their way to the collector.

use std::{sync::Arc, time::Duration};

use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{LogExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    logs::{BatchLogProcessor, LogBatch, LogProcessor, SdkLogRecord, SdkLoggerProvider},
};
use tokio::runtime::Handle;

use super::{ExportError, http::Http, ledger::Ledger, tls};
use crate::config::{Collector, Protocol};

/// What takes log records and exports them.
pub(super) fn provider(collector: &Collector, resource: Resource, runtime: &Handle) -> Result<SdkLoggerProvider, ExportError> {
    let ledger = Arc::new(Ledger::new("logs", collector.queue));
    let exporter = Exporter { inner: Arc::new(exporter(collector)?), ledger: Arc::clone(&ledger), runtime: runtime.clone() };
    let processor = Processor { inner: BatchLogProcessor::builder(exporter).build(), ledger };
    Ok(SdkLoggerProvider::builder().with_resource(resource).with_log_processor(processor).build())
}

fn exporter(collector: &Collector) -> Result<LogExporter, ExportError> {
    let endpoint = collector.endpoint.as_str();
    Ok(match collector.protocol {
        Protocol::Grpc => {
            let builder = LogExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(collector.timeout);
            match tls(collector) {
                Some(tls) => builder.with_tls_config(tls).build()?,
                None => builder.build()?,
            }
        }
        Protocol::Http => {
            let builder = LogExporter::builder().with_http().with_endpoint(endpoint).with_timeout(collector.timeout);
            builder.with_protocol(opentelemetry_otlp::Protocol::HttpBinary).with_http_client(Http::new(collector)?).build()?
        }
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

/// Exports on the runtime, whose timers and sockets the thread of the batches does not have.
#[derive(Debug)]
struct Exporter {
    inner: Arc<LogExporter>,
    ledger: Arc<Ledger>,
    runtime: Handle,
}

impl opentelemetry_sdk::logs::LogExporter for Exporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records: Vec<_> = batch.iter().map(|(record, scope)| (record.clone(), scope.clone())).collect();
        let (inner, count) = (Arc::clone(&self.inner), records.len());
        let sent = self.runtime.spawn(async move {
            let records: Vec<_> = records.iter().map(|(record, scope)| (record, scope)).collect();
            opentelemetry_sdk::logs::LogExporter::export(&*inner, LogBatch::new(&records)).await
        });
        let outcome = sent.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.ledger.settle(count, &outcome);
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
