//! The sandbox: its three services, started and ended together.

use std::{fmt, io, sync::Arc, time::Duration};

use crate::{
    EventSink, FakeGitHub, FakeIssuer, Fault, IssuerAddress, SandboxSettings,
    call::{Call, CallLog, Service},
    events::Received,
    fault::FaultBook,
    github::{Addresses, State},
    issuer::Issuers,
    transport::{Authority, Backend, Front, Latency, Listener},
};

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be listened on.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
    /// The certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS refuses the certificate.
    #[error("cannot set TLS up")]
    Tls(#[from] rustls::Error),
}

/// A fake GitHub, fake issuers and a sink of events on ports of their own. All end when it is dropped.
pub struct Sandbox {
    github: FakeGitHub,
    issuers: Arc<Issuers>,
    events: EventSink,
    authority: Authority,
    log: Arc<CallLog>,
    faults: Arc<FaultBook>,
    latency: Arc<Latency>,
    listeners: [Arc<Listener>; 3],
}

impl Sandbox {
    /// Starts the services on the running Tokio runtime.
    pub async fn start(settings: SandboxSettings) -> Result<Self, StartError> {
        let authority = Authority::new(&settings.host_names)?;
        let log = Arc::new(CallLog::new(settings.remembered_calls));
        let faults = Arc::new(FaultBook::new(settings.seed));
        let latency = Arc::new(Latency::default());
        latency.set(settings.latency);
        let front =
            |service, backend: Arc<dyn Backend>| Arc::new(Front::new(service, backend, Arc::clone(&log), Arc::clone(&faults), Arc::clone(&latency)));
        let issuers = Arc::new(Issuers::new(Arc::clone(&settings.clock)));
        let received = Arc::new(Received::default());
        let state = Arc::new(State::new(settings.clone()));
        let github = Listener::start(settings.github_address, front(Service::GitHub, state.clone()), authority.tls()).await?;
        let issuing = Listener::start(settings.issuers_address, front(Service::Issuer, issuers.clone()), authority.tls()).await?;
        let sink = Listener::start(settings.events_address, front(Service::Events, received.clone()), authority.tls()).await?;
        let origin = format!("{}://{}", if settings.tls { "https" } else { "http" }, github.address());
        let _ = state.addresses.set(Addresses { api: format!("{origin}{}", settings.path_prefix), html: origin });
        let _ = issuers.port.set(issuing.address().port());
        let listeners = [github, issuing, sink].map(Arc::new);
        let github = FakeGitHub::new(state, Arc::clone(&log), Arc::clone(&faults), Arc::clone(&listeners[0]));
        let events = EventSink::new(received, Arc::clone(&listeners[2]), Arc::clone(&faults));
        Ok(Self { github, issuers, events, authority, log, faults, latency, listeners })
    }

    /// The fake GitHub.
    pub fn github(&self) -> &FakeGitHub {
        &self.github
    }

    /// The issuer of this name at `http://127.0.0.1:PORT/NAME`, made when it is first asked for.
    pub fn issuer(&self, name: &str) -> FakeIssuer {
        self.issuer_at(name, IssuerAddress::Http)
    }

    /// The issuer of this name at `https://127.0.0.1:PORT/NAME`.
    pub fn https_issuer(&self, name: &str) -> FakeIssuer {
        self.issuer_at(name, IssuerAddress::Https)
    }

    /// The issuer of this name; a new one gets this kind of address. The name is the path of its URL, and may be empty or have slashes.
    pub fn issuer_at(&self, name: &str, address: IssuerAddress) -> FakeIssuer {
        FakeIssuer::new(Arc::clone(&self.issuers), name, address, Arc::clone(&self.log), Arc::clone(&self.faults))
    }

    /// The sink of audit events.
    pub fn events(&self) -> &EventSink {
        &self.events
    }

    /// The certificate of the authority that signed the sandbox's own, in PEM: what `SSL_CERT_FILE` would hold.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// All calls, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.log.calls(|_| true)
    }

    /// Forgets the calls.
    pub fn clear_calls(&self) {
        self.log.clear();
    }

    /// Lets something go wrong, with whatever service.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// Adds so much time to every answer from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.latency.set(latency);
    }

    /// Waits until something is true that calls can make true; false when it is not true in time.
    pub async fn eventually(&self, within: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let waiting = async {
            while !condition(self) {
                // A call may come between the question and the wait: ask again soon in any case.
                let _ = tokio::time::timeout(Duration::from_millis(5), self.log.changed()).await;
            }
        };
        tokio::time::timeout(within, waiting).await.is_ok()
    }

    /// Ends all services and their connections.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Handles that were cloned keep the listeners alive, but not running.
        self.listeners.iter().for_each(|listener| listener.stop());
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("github", &self.github).finish_non_exhaustive()
    }
}
