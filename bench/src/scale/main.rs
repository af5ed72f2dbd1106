//! Plays the service at scale, and against a GitHub and callers that misbehave: 5 Apps, 2,000 organisations, 100,000 repositories.
//!
//! The sandbox and the callers live in this process, the service in one of its own. Each figure is printed as a row of a
//! Markdown table, so that a run can be pasted into `README.md`. Where a promise is broken, the run ends with an error.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement reads the clock, and its figures are rounded when they are printed"
)]

#[expect(dead_code, reason = "what only the other measurements need")]
#[path = "../process.rs"]
mod process;
mod scenario;
mod traffic;
mod world;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// What to play.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The binary to play with
    #[arg(long, default_value = "target/release/octo-sts")]
    binary: PathBuf,
    /// Organisations, with 50 repositories and two policies in each
    #[arg(long, default_value_t = 2_000)]
    organisations: usize,
    /// Seconds that GitHub is away, and that strangers ask
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Scenarios to play; all when none is named
    #[arg(value_enum)]
    scenarios: Vec<scenario::Scenario>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let wanted = if args.scenarios.is_empty() { scenario::Scenario::all() } else { args.scenarios.clone() };
    println!("| figure | value |\n|---|---|");
    for scenario in wanted {
        for (name, value) in scenario.play(&args).await? {
            println!("| {name} | {value} |");
        }
    }
    Ok(())
}
