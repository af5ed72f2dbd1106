//! A service that runs.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use octo_sts_audit::AuditTask;
use octo_sts_exchange::Exchanger;
use octo_sts_oidc::Verifier;
use octo_sts_types::{Clock, Issuer, SystemClock};
use octo_sts_webhook::{Accepted, WebhookWorker};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify, oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use super::{
    StartError,
    assemble::{Assembled, assemble},
    described::DescribedIssuers,
    readiness::Readiness,
    reload::Reload,
    self_check::{self, Served, chain},
};
use crate::{
    config::{Config, METRICS_PORT, Role, TlsFiles},
    grpc,
    listener::{Connections, Phase, Port, tls},
    receiver::Receiver,
    rest::{oauth::github_host, page::Page},
    service::{Exchanges, Shared},
    telemetry,
};

/// How long connections get to take their last answers once nothing is under way.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long revocations and events get at the end.
const SETTLE: Duration = Duration::from_secs(5);

/// A running service. Dropping it ends it at once; [`Running::shutdown`] ends it in good order.
pub struct Running {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    readiness: Arc<Readiness>,
    phase: watch::Sender<Phase>,
    exchanges: Arc<Exchanges>,
    connections: Connections,
    exchanger: Arc<Exchanger>,
    webhook: Option<WebhookWorker>,
    audit: AuditTask,
    reload: Arc<Notify>,
    drain_timeout: Duration,
    failed: Mutex<oneshot::Receiver<StartError>>,
    tasks: JoinSet<()>,
}

/// Starts a service: it listens when this returns, and checks itself in the background.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_with(config, Arc::new(SystemClock)).await
}

/// Starts a service that takes the time from `clock`. The future is boxed: it happens once, and is large.
pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    Box::pin(start_in_place(config, clock)).await
}

/// Listens for readers of the metrics. Nobody may have chosen the default port: where it is taken, by a second service on the
/// same machine for instance, the service runs without the page and says so.
async fn listen_for_metrics(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    match listen("METRICS_PORT", address).await {
        Err(StartError::Listen { source, .. }) if address.port() == METRICS_PORT && source.kind() == std::io::ErrorKind::AddrInUse => {
            warn!(%address, "the port for metrics is taken: there is no metrics page; METRICS_PORT chooses another port");
            Ok(None)
        }
        outcome => outcome.map(Some),
    }
}

/// Serves the metrics, and says where.
async fn serve_metrics(address: Option<SocketAddr>, tasks: &mut JoinSet<()>) -> Result<Option<SocketAddr>, StartError> {
    let Some(listener) = listen_for_metrics(address).await? else { return Ok(None) };
    let page = telemetry::metrics::install().map_err(|error| StartError::configuration("METRICS", error))?;
    let address = listener.local_addr().ok();
    tasks.spawn(telemetry::metrics::serve(listener, page));
    Ok(address)
}

/// The service's certificate, and what speaks TLS with it.
fn open_certificate(files: Option<TlsFiles>) -> Result<(Option<Arc<tls::Certificate>>, Option<TlsAcceptor>), StartError> {
    const VARIABLE: &str = "STS_TLS_CERT_FILE";
    let certificate = files.map(tls::Certificate::open).transpose().map_err(|error| StartError::configuration(VARIABLE, error))?;
    let acceptor = certificate.clone().map(tls::acceptor).transpose().map_err(|error| StartError::configuration(VARIABLE, error))?;
    Ok((certificate, acceptor))
}

async fn start_in_place(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    let listener = listen("PORT, STS_LISTEN", config.listen).await?;
    let mut tasks = JoinSet::new();
    let metrics_address = serve_metrics(config.metrics, &mut tasks).await?;
    let (certificate, acceptor) = open_certificate(config.tls.clone())?;
    let Assembled { exchanger, verifier, audit, opener, news, webhook } = assemble(&config, &clock).await?;
    let (webhook, worker) = webhook.unzip();
    let address = listener.local_addr().map_err(|source| StartError::Listen { variable: "PORT", address: config.listen, source })?;
    let readiness = Arc::new(Readiness::new("GitHub has not been asked about the App yet"));
    let (phase, health, exchanges) = (watch::Sender::new(Phase::Serving), grpc::Health::new().await, Arc::<Exchanges>::default());
    let routes = grpc::Routes::new(&health, config.reflection).map_err(|error| StartError::configuration("STS_REFLECTION", error))?;
    let shared = Arc::new(Shared {
        domain: config.domain.clone(),
        github_host: github_host(&config.github_base_url),
        page: Page::new(&config),
        exchange: Arc::new(Arc::clone(&exchanger)),
        readiness: Arc::clone(&readiness),
        grpc: routes,
        receiver: Receiver { webhook, alone: config.role == Role::Receiver },
        phase: phase.subscribe(),
        exchanges: Arc::clone(&exchanges),
        clock,
    });
    let port = Port::new(listener, acceptor);
    let connections = port.connections();
    tasks.spawn(port.accept(shared, phase.subscribe()));
    let issuers = config.issuers.file.clone().map(|file| DescribedIssuers::new(file, Arc::clone(&verifier)));
    if config.role == Role::Service {
        tasks.spawn(prefetch(Arc::clone(&verifier), config.issuers.prefetch));
        if metrics_address.is_some() {
            tasks.spawn(telemetry::readings::follow(Arc::clone(&exchanger), verifier));
        }
    }
    if let Some(news) = news {
        tasks.spawn(news.follow(Arc::clone(&exchanger)));
    }
    tasks.spawn(tell_health(Arc::clone(&readiness), exchanger.follow_key_trouble(), phase.subscribe(), health));
    if let Some(certificate) = certificate.clone() {
        tasks.spawn(certificate.follow());
    }
    tasks.spawn(self_check::follow(Arc::clone(&exchanger)));
    let reload = Arc::new(Notify::new());
    let apps = config.apps.clone();
    tasks.spawn(Reload { apps, opener, exchanger: Arc::clone(&exchanger), certificate, issuers, wanted: Arc::clone(&reload) }.follow());
    let failed = check(&mut tasks, &exchanger, &readiness, Served { domain: config.domain, address, github: config.github_base_url.to_string() });
    let drain_timeout = config.drain_timeout;
    Ok(Running {
        address,
        metrics_address,
        readiness,
        phase,
        exchanges,
        connections,
        exchanger,
        webhook: worker,
        audit,
        reload,
        drain_timeout,
        failed,
        tasks,
    })
}

/// Handles one saved delivery as if it had just come, without listening, and waits until that is done.
pub async fn replay(config: Config, event: &str, payload: bytes::Bytes) -> Result<Accepted, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Assembled { exchanger, audit, webhook, .. } = assemble(&config, &clock).await?;
    let missing = || StartError::configuration("GITHUB_WEBHOOK_SECRET", "is not set");
    let (webhook, worker) = webhook.ok_or_else(missing)?;
    let accepted = webhook.replay(event, payload).await;
    worker.finish(SETTLE).await;
    exchanger.close(SETTLE).await;
    audit.finish(SETTLE).await;
    Ok(accepted)
}

async fn listen(variable: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { variable, address, source })
}

/// Checks the Apps in the background; what makes going on useless arrives at the receiver.
fn check(tasks: &mut JoinSet<()>, exchanger: &Arc<Exchanger>, readiness: &Arc<Readiness>, served: Served) -> Mutex<oneshot::Receiver<StartError>> {
    let (fail, failed) = oneshot::channel();
    let (exchanger, readiness) = (Arc::clone(exchanger), Arc::clone(readiness));
    tasks.spawn(async move {
        if let Err(error) = self_check::check(&exchanger, &readiness, &served).await {
            readiness.set(vec![error.to_string()]);
            _ = fail.send(error);
        }
    });
    Mutex::new(failed)
}

/// Fetches the keys of well-known issuers, side by side.
async fn prefetch(verifier: Arc<Verifier>, issuers: Vec<Issuer>) {
    let mut fetches = JoinSet::new();
    for issuer in issuers {
        let verifier = Arc::clone(&verifier);
        fetches.spawn(async move {
            match verifier.prefetch(&issuer).await {
                Ok(()) => info!(%issuer, "keys fetched"),
                Err(error) => warn!(%issuer, error = %chain(&error), "keys not fetched yet; they are when a token asks for them"),
            }
        });
    }
    fetches.join_all().await;
}

/// Tells gRPC's health service what `/readyz` tells: the same three things keep both from being ready.
async fn tell_health(
    readiness: Arc<Readiness>,
    mut key_trouble: watch::Receiver<Option<String>>,
    mut phase: watch::Receiver<Phase>,
    health: grpc::Health,
) {
    let mut reasons = readiness.subscribe();
    while *phase.borrow_and_update() == Phase::Serving {
        let ready = reasons.borrow_and_update().is_empty() && key_trouble.borrow_and_update().is_none();
        health.set(ready).await;
        tokio::select! {
            _ = reasons.changed() => {}
            _ = key_trouble.changed() => {}
            _ = phase.changed() => {}
        }
    }
    health.set(false).await;
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).field("metrics_address", &self.metrics_address).finish_non_exhaustive()
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its metrics are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Waits until it is ready, or until it is clear that it never will be.
    pub async fn wait_ready(&self) -> Result<(), StartError> {
        tokio::select! {
            biased;
            error = self.failed() => Err(error),
            () = self.readiness.ready() => Ok(()),
        }
    }

    /// Waits for what makes going on useless; without it, for ever.
    pub(super) async fn failed(&self) -> StartError {
        let mut failed = self.failed.lock().await;
        // Asked again after a reload: the check has said all it had to say.
        if failed.is_terminated() {
            return std::future::pending().await;
        }
        match (&mut *failed).await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    }

    /// Reads keys, Apps and certificate again, and opens the audit file anew.
    pub fn reload(&self) {
        self.reload.notify_one();
        let audit = self.audit.audit().clone();
        tokio::spawn(async move { audit.reopen().await });
    }

    /// Refuses new exchanges and lets those under way finish, within the drain's time; then gives back what it holds.
    /// Everything that was accepted has its answer, and every token that has no taker is revoked.
    pub async fn shutdown(mut self) {
        self.phase.send_replace(Phase::Draining);
        let deliveries = async {
            if let Some(worker) = self.webhook.take() {
                worker.finish(self.drain_timeout).await;
            }
        };
        let (finished, ()) = tokio::join!(timeout(self.drain_timeout, self.exchanges.finished()), deliveries);
        if finished.is_err() {
            warn!("the drain's time is over: exchanges under way are broken off");
        }
        self.phase.send_replace(Phase::Closing);
        _ = timeout(FAREWELL, self.connections.ended()).await;
        self.phase.send_replace(Phase::Ended);
        _ = timeout(FAREWELL, self.connections.ended()).await;
        if !self.exchanger.close(SETTLE).await {
            warn!("not everything was revoked in time");
        }
        self.audit.finish(SETTLE).await;
        self.tasks.shutdown().await;
    }
}
