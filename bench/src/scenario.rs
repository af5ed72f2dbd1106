//! The measurements.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use octo_sts_sandbox::Service as Called;

use crate::{Args, clients, deliveries, load, process::Service, stage, stage::Stage};

/// Connections of the loads.
const CONNECTIONS: usize = 64;
/// How long a load lasts before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often service and floor take turns.
const ROUNDS: u32 = 3;
/// Requests per second of the open loop.
const OPEN_RATE: u32 = 600;
/// What every call takes in the scenarios with a distant GitHub.
const DISTANT: Duration = Duration::from_millis(100);

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Start-up time, idle memory, size of the binary
    Start,
    /// Closed loop: throughput, CPU and memory, beside the floor
    Closed,
    /// The same where pushes are known to arrive: a mint and no read
    Pushed,
    /// Open loop at 600 exchanges a second: latency
    Open,
    /// Cold and warm exchanges with 100 ms at every call
    Distant,
    /// Cold exchanges with 5,000 installations
    Scale,
    /// Bearers that are no tokens
    Garbage,
    /// Deliveries of GitHub's, 200 a second, a check for each
    Deliveries,
    /// The command line and the action: start to token
    Clients,
}

pub(crate) type Rows = Vec<(String, String)>;

impl Scenario {
    pub(crate) fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    pub(crate) async fn run(self, args: &Args) -> Result<Rows> {
        match self {
            Self::Start => start(args).await,
            Self::Closed => closed(args, Known::Nothing).await,
            Self::Pushed => closed(args, Known::Pushes).await,
            Self::Open => open(args).await,
            Self::Distant => distant(args).await,
            Self::Scale => scale(args).await,
            Self::Garbage => garbage(args).await,
            Self::Deliveries => deliveries::deliveries(args).await,
            Self::Clients => clients::clients(args).await,
        }
    }
}

pub(crate) fn row(name: impl Into<String>, value: impl Into<String>) -> (String, String) {
    (name.into(), value.into())
}

async fn start(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let mut times = Vec::new();
    let mut idle = 0.0_f64;
    for _ in 0..10 {
        let (service, _) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
        times.push(service.ready_after);
        tokio::time::sleep(Duration::from_millis(300)).await;
        idle = idle.max(service.memory()?.now);
    }
    times.sort_unstable();
    let size = std::fs::metadata(&args.binary)?.len() as f64 / 1e6;
    Ok(vec![
        row("ready after start, median and worst of 10", format!("{:.0} / {:.0} ms", millis(times[5]), millis(times[9]))),
        row("memory idle, most of 10", format!("{idle:.1} MiB")),
        row("binary", format!("{size:.1} MB")),
    ])
}

/// What the service knows of a policy's repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Each exchange asks whether the policy is still the same.
    Nothing,
    /// A push was heard of, so that the next one would be: a policy counts for a minute.
    Pushes,
}

/// A process under load, and what it did so far.
struct Runner {
    process: Service,
    requests: load::Requests,
    outcome: load::Outcome,
    cpu: Duration,
}

impl Runner {
    fn new(tokens: &[String], (process, port): (Service, u16)) -> Self {
        Self { process, requests: stage::requests(port, tokens), outcome: load::Outcome::default(), cpu: Duration::ZERO }
    }

    async fn round(&mut self, lasting: Duration) -> Result<()> {
        let before = self.process.cpu()?;
        let outcome = load::closed(&self.requests, CONNECTIONS, lasting).await?;
        self.cpu += self.process.cpu()?.saturating_sub(before);
        all_granted(&outcome)?;
        self.outcome.add(outcome);
        Ok(())
    }

    fn cpu_each(&self) -> f64 {
        millis(self.cpu) / self.outcome.latencies.len() as f64
    }
}

/// The service and the floor in turns, so that what else the machine does meets both.
async fn closed(args: &Args, known: Known) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let calls = if known == Known::Pushes { "1" } else { "2" };
    let tokens = tokio::task::block_in_place(|| stage.tokens(args.tokens))?;
    // A service that is alone hears of every push; one that may have siblings asks GitHub all the same.
    let alone: &[_] = if known == Known::Pushes { &[("OCTOSTS_STICKY_STORE", "memory")] } else { &[] };
    let mut service = Runner::new(&tokens, tokio::task::block_in_place(|| stage.process(&args.binary, alone))?);
    let mut floor = Runner::new(&tokens, tokio::task::block_in_place(|| stage.process(&args.floor, &[("FLOOR_CALLS", calls)]))?);
    if known == Known::Pushes {
        stage.push(service.requests.port).await?;
    }
    for runner in [&service, &floor] {
        load::closed(&runner.requests, CONNECTIONS, WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        let lasting = Duration::from_secs(args.seconds) / ROUNDS;
        stage.sandbox.clear_calls();
        service.round(lasting).await?;
        stage.sandbox.clear_calls();
        floor.round(lasting).await?;
    }
    let what = if known == Known::Pushes { "pushes known" } else { "mint and conditional read" };
    let (memory, least) = (service.process.memory()?, floor.process.memory()?);
    let (cpu, least_cpu) = (service.cpu_each(), floor.cpu_each());
    Ok(vec![
        row(
            format!("exchanges per second, {CONNECTIONS} connections, {what}: service / floor"),
            format!("{:.0} / {:.0}", service.outcome.rate(), floor.outcome.rate()),
        ),
        row(format!("CPU per exchange, {what}: service / floor"), format!("{cpu:.3} / {least_cpu:.3} ms, {:.2} times", cpu / least_cpu)),
        row(format!("latency p50 / p99 / p99.9, {CONNECTIONS} connections, {what}"), percentiles(&mut service.outcome)),
        row("memory loaded, now / highest", format!("{:.1} / {:.1} MiB; floor {:.1} MiB", memory.now, memory.peak, least.now)),
    ])
}

async fn open(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let (_service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let tokens = tokio::task::block_in_place(|| stage.tokens(args.tokens))?;
    let requests = stage::requests(port, &tokens);
    load::closed(&requests, CONNECTIONS, WARM_UP).await?;
    let mut outcome = load::open(&requests, CONNECTIONS, OPEN_RATE, Duration::from_secs(args.seconds)).await?;
    all_granted(&outcome)?;
    Ok(vec![row(format!("latency p50 / p99 / p99.9 at {OPEN_RATE}/s, open loop"), percentiles(&mut outcome))])
}

async fn distant(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let (_service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let tokens = tokio::task::block_in_place(|| stage.tokens(20))?;
    let requests = stage::requests(port, &tokens);
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.slow_down(DISTANT);
    stage.sandbox.clear_calls();
    let (status, cold) = load::once(&requests).await?;
    ensure!(status == 200, "the cold exchange answered {status}");
    let calls = github_calls(&stage);
    let mut warm = Vec::new();
    for _ in 0..5 {
        warm.push(load::once(&requests).await?.1);
    }
    warm.sort_unstable();
    Ok(vec![
        row("cold exchange, keys known, 100 ms at every call", format!("{:.0} ms, {calls} GitHub calls", millis(cold))),
        row("warm exchange, 100 ms at every call, median of 5", format!("{:.1} ms", millis(warm[2]))),
    ])
}

async fn scale(args: &Args) -> Result<Rows> {
    let stage = Stage::set(5_000).await?;
    let (_service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let tokens = tokio::task::block_in_place(|| stage.tokens(1_000))?;
    let requests = stage::requests(port, &tokens);
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.sandbox.clear_calls();
    let (status, _) = load::once(&requests).await?;
    ensure!(status == 200, "the cold exchange answered {status}");
    Ok(vec![row("GitHub calls of a cold exchange, 5,000 installations", github_calls(&stage).to_string())])
}

async fn garbage(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let (service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let bearers: Vec<_> = (0..1_000).map(|at| format!("garbage-{at}")).collect();
    let requests = load::Requests::new(port, "/sts/exchange?scope=acme%2Fapp&identity=ci", &bearers);
    load::closed(&requests, CONNECTIONS, Duration::from_secs(1)).await?;
    stage.sandbox.clear_calls();
    let before = service.cpu()?;
    let outcome = load::closed(&requests, CONNECTIONS, Duration::from_secs(args.seconds.min(5))).await?;
    let cpu = service.cpu()?.saturating_sub(before);
    let each = cpu.as_secs_f64() * 1e6 / outcome.latencies.len() as f64;
    Ok(vec![row("CPU of a bearer that is no token", format!("{each:.0} µs, {} outbound calls", stage.sandbox.calls().len()))])
}

fn all_granted(outcome: &load::Outcome) -> Result<()> {
    let (failed, all) = (outcome.failed, outcome.latencies.len());
    ensure!(failed == 0, "{failed} of {all} exchanges failed; the first: {}", outcome.first_failure.as_deref().unwrap_or_default());
    Ok(())
}

fn github_calls(stage: &Stage) -> usize {
    stage.sandbox.calls().iter().filter(|call| call.service == Called::GitHub).count()
}

pub(crate) fn percentiles(outcome: &mut load::Outcome) -> String {
    let (p50, p99, p999) = (outcome.percentile(0.5), outcome.percentile(0.99), outcome.percentile(0.999));
    format!("{p50:.1} / {p99:.1} / {p999:.1} ms")
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
