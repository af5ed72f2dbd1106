//! The scenarios.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::ValueEnum;
use octo_sts_sandbox::Fault;
use serde_json::json;

use crate::{
    Args,
    traffic::Client,
    world::{IDENTITIES, Policy, World},
};

/// Callers at a time, where as much as possible is asked.
const AT_A_TIME: usize = 64;
/// Exchanges a second of callers who do no wrong.
const GOOD: u32 = 200;
/// Exchanges a second of those who make names up.
const STRANGE: u32 = 500;
/// Policies that good callers ask for.
const FEW: usize = 100;
/// Exchanges while one call in a hundred fails.
const WITH_ERRORS: usize = 20_000;

/// What can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Every policy once: calls of a cold exchange, memory, evenness of the Apps
    Wide,
    /// Strangers ask for owners that do not exist
    Owners,
    /// Strangers ask for repositories and policies of a known owner that do not exist
    Names,
    /// One call to GitHub in a hundred fails with a server error
    Errors,
    /// GitHub is away for a minute
    Away,
}

type Rows = Vec<(String, String)>;

impl Scenario {
    pub(crate) fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    pub(crate) async fn play(self, args: &Args) -> Result<Rows> {
        match self {
            Self::Wide => wide(args).await,
            Self::Owners => strangers(args, "unknown owners", |at| (format!("nobody-{at}/app"), IDENTITIES[0])).await,
            Self::Names => strangers(args, "unknown repositories of one owner", |at| (format!("org-0/no-{at}"), IDENTITIES[0])).await,
            Self::Errors => errors(args).await,
            Self::Away => away(args).await,
        }
    }
}

fn row(name: impl Into<String>, value: impl Into<String>) -> (String, String) {
    (name.into(), value.into())
}

async fn wide(args: &Args) -> Result<Rows> {
    let world = World::set(args.organisations).await?;
    let (service, client) = tokio::task::block_in_place(|| world.start(&args.binary))?;
    let token = world.token();
    let most = most_calls(&world, &client, &token).await;
    let began = Instant::now();
    let mut answers = client.each(&token, world.policies(), AT_A_TIME).await;
    ensure!(answers.of(200) == answers.all(), "not everybody got a token: {:?}", answers.statuses);
    let rate = answers.all() as f64 / began.elapsed().as_secs_f64();
    let memory = service.memory()?;
    let calls = world.calls();
    let shares = world.shares(&calls);
    let even = calls.len() as f64 / shares.len() as f64;
    let furthest = shares.iter().map(|share| (*share as f64 / even - 1.0).abs()).fold(0.0, f64::max) * 100.0;
    let (p50, p99) = (millis(answers.percentile(50)), millis(answers.percentile(99)));
    Ok(vec![
        row("calls to GitHub of a cold exchange, most of 50", most.to_string()),
        row("distinct (repository, identity) pairs exchanged", format!("{}, {rate:.0}/s, p50 / p99 {p50:.0} / {p99:.0} ms", answers.all())),
        row("memory of the service after them, now / highest", format!("{:.0} / {:.0} MiB", memory.now, memory.peak)),
        row("calls to GitHub for them", calls.len().to_string()),
        row("of them by each App, furthest from even", format!("{shares:?}, {furthest:.2} %")),
    ])
}

/// The most calls that a cold exchange makes, of 50 in as many organisations.
async fn most_calls(world: &World, client: &Client, token: &str) -> usize {
    let mut most = 0;
    for policy in world.policies().take(50) {
        world.sandbox.clear_calls();
        client.exchange(token, &policy).await;
        most = most.max(world.calls().len());
    }
    world.sandbox.clear_calls();
    most
}

/// Good callers and strangers side by side, and the good ones alone for comparison.
async fn strangers(args: &Args, who: &str, made_up: fn(usize) -> Policy) -> Result<Rows> {
    let world = World::set(args.organisations.min(FEW)).await?;
    let (_service, client) = tokio::task::block_in_place(|| world.start(&args.binary))?;
    let (token, strange) = (world.token(), world.strangers_token());
    let good = || world.policies().take(FEW).collect::<Vec<_>>().into_iter().cycle();
    client.each(&token, good().take(2 * FEW), AT_A_TIME).await;
    let lasting = Duration::from_secs(args.seconds);
    let mut alone = client.steadily(&token, good(), GOOD, lasting / 4).await;
    world.sandbox.clear_calls();
    let (mut beside, theirs) =
        tokio::join!(client.steadily(&token, good(), GOOD, lasting), client.steadily(&strange, (0..).map(made_up), STRANGE, lasting));
    ensure!(beside.of(200) == beside.all(), "good callers were harmed: {:?}", beside.statuses);
    ensure!(theirs.of(200) == 0, "a stranger got a token");
    let caused =
        world.calls().iter().filter(|call| call.path.contains("nobody-") || call.status.is_some_and(|status| status.as_u16() == 422)).count();
    Ok(vec![
        row(format!("{who} at {STRANGE}/s for {} s: calls to GitHub that they cause", args.seconds), caused.to_string()),
        row(format!("{who}: what they hear"), format!("{:?}", theirs.statuses)),
        row(
            format!("{who}: good callers at {GOOD}/s beside them"),
            format!(
                "{} of {} got their token, p99 {:.1} ms; {:.1} ms alone",
                beside.of(200),
                beside.all(),
                millis(beside.percentile(99)),
                millis(alone.percentile(99))
            ),
        ),
    ])
}

async fn errors(args: &Args) -> Result<Rows> {
    let world = World::set(args.organisations.min(FEW)).await?;
    let (_service, client) = tokio::task::block_in_place(|| world.start(&args.binary))?;
    let token = world.token();
    world.sandbox.github().fault(Fault::on_any("").share(0.01).respond(502, &json!({"message": "Server Error"})));
    let policies = world.policies().take(FEW).collect::<Vec<_>>().into_iter().cycle().take(WITH_ERRORS);
    let answers = client.each(&token, policies, AT_A_TIME).await;
    let share = answers.of(200) as f64 / answers.all() as f64 * 100.0;
    ensure!(share >= 99.9, "{share:.3} % succeed: {:?}", answers.statuses);
    Ok(vec![row("one call in a hundred fails with 502: exchanges that succeed", format!("{share:.3} % of {WITH_ERRORS}"))])
}

async fn away(args: &Args) -> Result<Rows> {
    let world = World::set(args.organisations.min(FEW)).await?;
    let (_service, client) = tokio::task::block_in_place(|| world.start(&args.binary))?;
    let token = world.token();
    let policies = || world.policies().take(2 * FEW).collect::<Vec<_>>().into_iter().cycle();
    client.each(&token, policies().take(FEW), AT_A_TIME).await;
    world.sandbox.github().stop();
    let answers = client.steadily(&token, policies(), GOOD, Duration::from_secs(args.seconds)).await;
    ensure!(answers.of(503) == answers.all(), "without GitHub: {:?}", answers.statuses);
    ensure!(answers.slowest() <= Duration::from_secs(10), "an answer took {:?}", answers.slowest());
    ensure!(client.is_alive().await, "the service is not alive");
    world.sandbox.github().resume().await?;
    let back = Instant::now();
    for policy in policies().take(2 * FEW) {
        while client.exchange(&token, &policy).await != 200 {
            ensure!(back.elapsed() < Duration::from_secs(5), "`{}` does not work five seconds after GitHub is back", policy.0);
        }
    }
    Ok(vec![
        row(
            format!("GitHub away for {} s: answers", args.seconds),
            format!("{} times 503, the slowest after {:.0} ms; alive", answers.all(), millis(answers.slowest())),
        ),
        row("GitHub back: until every policy works again", format!("{:.0} ms", millis(back.elapsed()))),
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
