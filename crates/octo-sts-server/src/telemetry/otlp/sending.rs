//! What log records and spans have in common on their way: how their collector is reached, and where they are sent from.

use std::{future::Future, sync::Arc};

use opentelemetry_otlp::{
    Protocol, WithExportConfig, WithHttpConfig, WithTonicConfig,
    tonic_types::transport::{Certificate, ClientTlsConfig},
};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::runtime::Handle;

use super::{ExportError, http::Http, ledger::Ledger};
use crate::config::Collector;

/// An exporter to this collector by gRPC.
pub(super) fn over_grpc<B: WithExportConfig + WithTonicConfig>(builder: B, collector: &Collector) -> B {
    let builder = builder.with_endpoint(collector.endpoint.as_str()).with_timeout(collector.timeout);
    match tls(collector) {
        Some(tls) => builder.with_tls_config(tls),
        None => builder,
    }
}

/// An exporter to this collector by HTTP.
pub(super) fn over_http<B: WithExportConfig + WithHttpConfig>(builder: B, collector: &Collector) -> Result<B, ExportError> {
    let builder = builder.with_endpoint(collector.endpoint.as_str()).with_timeout(collector.timeout);
    Ok(builder.with_protocol(Protocol::HttpBinary).with_http_client(Http::new(collector)?))
}

/// TLS of a gRPC channel; `None` for a collector without.
fn tls(collector: &Collector) -> Option<ClientTlsConfig> {
    (collector.endpoint.scheme() == "https").then(|| match &collector.authority {
        None => ClientTlsConfig::new().with_enabled_roots(),
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
    })
}

/// Sends on the runtime, whose timers and sockets the thread of the batches does not have, and keeps the ledger.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) ledger: Arc<Ledger>,
    pub(super) runtime: Handle,
}

impl Sending {
    /// Sends a batch of so many.
    pub(super) async fn run(&self, count: usize, batch: impl Future<Output = OTelSdkResult> + Send + 'static) -> OTelSdkResult {
        let sent = self.runtime.spawn(batch).await;
        let outcome = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.ledger.settle(count, &outcome);
        outcome
    }
}
