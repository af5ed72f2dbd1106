//! One probe in a world, and what comes of it.

#![expect(clippy::expect_used, reason = "a helper that fails fails the test that called it")]

use octo_sts_client::ServiceAddress;
use octo_sts_prober::{Probe, ProbeArgs, ProbeError, Report};
use octo_sts_sandbox::SandboxSettings;

use crate::support::World;

impl World {
    /// As on github.com.
    pub(crate) async fn new() -> Self {
        Self::with(SandboxSettings { tls: true, ..SandboxSettings::default() }).await
    }

    pub(crate) async fn with(settings: SandboxSettings) -> Self {
        Self::built(settings, false).await
    }

    /// Runs one probe with the service at this address.
    pub(crate) async fn probe(&self, probe: Probe, service: &str) -> Report {
        ServiceAddress::parse(service).expect("an address");
        self.prober_with(&ProbeArgs { probes: Some(probe.to_string()), ..self.args(service) }).round().await
    }

    /// Whether every token that callers got is revoked. The service keeps its own reader for later.
    pub(crate) fn leaves_no_token(&self) -> bool {
        self.sandbox.github().live_tokens().iter().all(|token| token.requested_permissions.as_ref().is_some_and(|asked| asked.len() == 1))
    }
}

/// The one failure of a report.
pub(crate) fn failure(report: &Report) -> &ProbeError {
    let mut failures = report.failures();
    let (_, error) = failures.next().unwrap_or_else(|| panic!("nothing failed: {}", report.to_json()));
    assert!(failures.next().is_none(), "{}", report.to_json());
    error
}
