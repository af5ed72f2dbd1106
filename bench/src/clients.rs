//! What people wait for: the program's start, an exchange on the command line, the action.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    Args, load,
    scenario::{Rows, millis, row},
    stage::{self, DOMAIN, Stage},
};

/// How often each is run.
const RUNS: usize = 40;

/// Each beside the least that a process of its kind takes.
pub(crate) async fn clients(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let (_service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let tokens = tokio::task::block_in_place(|| stage.tokens(1))?;
    let requests = stage::requests(port, &tokens);
    let mut answers = Vec::new();
    for _ in 0..=RUNS {
        let (status, took) = load::once(&requests).await?;
        ensure!(status == 200, "the service answered {status}");
        answers.push(took);
    }
    let url = format!("http://127.0.0.1:{port}");
    tokio::task::block_in_place(|| {
        let [least, start] = [median_of(|| Command::new("true"))?, median_of(|| with(&args.binary, &["--version"]))?];
        let exchange = median_of(|| exchange(args, &url, &tokens[0]))?;
        let [node, action] = [median_of(|| with(Path::new("node"), &["-e", "0"]))?, median_of(|| step(args, &stage, &url))?];
        let service = median(&mut answers);
        Ok(vec![
            row("start of the binary / of `true`", format!("{:.1} / {:.1} ms", millis(start), millis(least))),
            row(
                "`octo-sts exchange`, start to token / the service's part / its own",
                format!("{:.1} / {:.1} / {:.1} ms", millis(exchange), millis(service), millis(exchange.saturating_sub(service))),
            ),
            row("the action, start to token / `node -e 0`", format!("{:.0} / {:.0} ms", millis(action), millis(node))),
        ])
    })
}

fn with(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn exchange(args: &Args, url: &str, token: &str) -> Command {
    with(&args.binary, &["exchange", "--url", url, "--scope", "acme/app", "--identity", "ci", "--token", token])
}

/// The action's step as a runner starts it.
fn step(args: &Args, stage: &Stage, url: &str) -> Command {
    let mut step = with(Path::new("node"), &[]);
    step.arg(&args.action).envs(stage.job());
    step.envs(["GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"].map(|file| (file, "/dev/null")));
    step.envs([("INPUT_BASE-URL", url), ("INPUT_AUDIENCE", DOMAIN), ("INPUT_SCOPE", "acme/app"), ("INPUT_IDENTITY", "ci")]);
    step
}

/// The median time from the start of a process to its end.
fn median_of(command: impl Fn() -> Command) -> Result<Duration> {
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let mut command = command();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let began = Instant::now();
        let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        took.push(began.elapsed());
        ensure!(output.status.success(), "{}: {}", command.get_program().display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(median(&mut took))
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
