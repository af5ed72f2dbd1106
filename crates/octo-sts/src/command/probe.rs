//! `octo-sts probe`: the proof from outside that the service works, and refuses.

use std::{net::SocketAddr, pin::Pin, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use octo_sts_prober::{Endpoint, Mode, Parts, ProbeArgs, Prober, Report, SPREAD, Settings, every, metrics};
use octo_sts_server::telemetry;
use octo_sts_types::SystemClock;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{block_on, failure::Failure, service};

/// What the exit code means, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes of `--once`:
  0    all is as it must be
  1    a probe failed; standard error says which, and where
  2    bad usage or configuration
AUTHORIZATION is the value of the header that lets requests in; PROBER_TOKEN may hold the OIDC token.";

/// Arguments of `octo-sts probe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    probe: ProbeArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let settings = Settings::from_args(&args.probe, &service::variable).map_err(|error| Failure::usage(error.into()))?;
    let mode = Mode::from_args(&args.probe, &service::variable).map_err(|error| Failure::usage(error.into()))?;
    let parts = Parts { settings, http: service::http()?, clock: Arc::new(SystemClock), variable: Arc::new(service::variable), spread: SPREAD };
    let prober = Prober::new(parts);
    match mode {
        Mode::Once => block_on(async { Ok(tell(&prober.round().await)) }),
        Mode::Every { pause, metrics } => serve(metrics, async |stop| {
            every(pause, &prober, stop).await;
            Ok(())
        }),
        Mode::Endpoint { listen, authorization, metrics } => serve(metrics, async |stop| {
            let listener = self::listen("PORT", listen).await?;
            Endpoint::new(prober, &authorization).serve(listener, stop).await;
            Ok(())
        }),
    }
}

/// A line per probe: on standard error where it failed.
fn tell(report: &Report) -> ExitCode {
    for result in &report.results {
        if matches!(result.outcome, octo_sts_prober::Outcome::Failed(_)) {
            eprintln!("octo-sts: {result}");
        } else {
            println!("{result}");
        }
    }
    ExitCode::from(u8::from(!report.is_good()))
}

/// The signal that says to end.
type Stop = Pin<Box<dyn Future<Output = ()>>>;

/// Runs what ends only when the system says so, with the page of metrics beside it.
fn serve(metrics: Option<SocketAddr>, work: impl AsyncFnOnce(Stop) -> Result<(), Failure>) -> Result<ExitCode, Failure> {
    telemetry::install(std::env::var("RUST_LOG").ok().as_deref()).map_err(|error| Failure::usage(error.into()))?;
    block_on(async {
        let stop = stop().context("signals cannot be received").map_err(Failure::usage)?;
        if let Some(address) = metrics {
            let page = metrics::install().context("metrics cannot be recorded").map_err(Failure::usage)?;
            tokio::spawn(octo_sts_prober::serve(listen("METRICS_PORT", address).await?, page));
        }
        work(stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn listen(variable: &'static str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.with_context(|| format!("{variable}: cannot listen on {address}")).map_err(Failure::usage)
}

/// Waits for the signal that says to end.
fn stop() -> std::io::Result<Stop> {
    let mut signals: [Signal; 2] = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    Ok(Box::pin(async move {
        let [terminate, interrupt] = &mut signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }))
}
