//! Measures `octo-sts serve` from outside.
//!
//! The sandbox and the load live in this process, the service in one of its own; what the service costs is read from
//! `/proc`. Each figure is printed as a row of a Markdown table, so that a run can be pasted into `README.md`.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement reads the clock, and its figures are rounded when they are printed"
)]

mod clients;
mod deliveries;
mod load;
mod process;
mod scenario;
mod stage;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// What to measure.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The binary to measure
    #[arg(long, default_value = "target/release/octo-sts")]
    binary: PathBuf,
    /// The binary that does the least an exchange can do
    #[arg(long, default_value = "target/release/octo-sts-floor")]
    floor: PathBuf,
    /// The action's step
    #[arg(long, default_value = "action/dist/main.js")]
    action: PathBuf,
    /// Seconds that each load lasts
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Distinct OIDC tokens of a load
    #[arg(long, default_value_t = 20_000)]
    tokens: usize,
    /// Scenarios to run; all when none is named
    #[arg(value_enum)]
    scenarios: Vec<scenario::Scenario>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let wanted = if args.scenarios.is_empty() { scenario::Scenario::all() } else { args.scenarios.clone() };
    println!("| figure | value |\n|---|---|");
    for scenario in wanted {
        for (name, value) in scenario.run(&args).await? {
            println!("| {name} | {value} |");
        }
    }
    Ok(())
}
