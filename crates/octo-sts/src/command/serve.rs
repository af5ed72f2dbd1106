//! `octo-sts serve`: the service.

use std::process::ExitCode;

use octo_sts_server::{Config, ServeArgs, telemetry};

use super::failure::{Exit, Failure};

/// Settings, by flag or by variable.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Serves until the system says to end.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let config = Config::from_args(&args.serve, &|name| std::env::var(name).ok()).map_err(|error| Failure::usage(error.into()))?;
    telemetry::install(std::env::var("RUST_LOG").ok().as_deref()).map_err(|error| Failure::usage(error.into()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::usage(error.into()))?;
    runtime.block_on(octo_sts_server::serve(config)).map_err(|error| Failure::new(Exit::Refused, error.into()))?;
    Ok(ExitCode::SUCCESS)
}
