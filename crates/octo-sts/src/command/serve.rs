//! `octo-sts serve`: the service.

use std::process::ExitCode;

use octo_sts_server::{Config, ServeArgs, ServeError, config::TelemetrySettings, telemetry};
use rustix::process::{Resource, Rlimit, setrlimit};

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
    forbid_core_dumps();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::usage(error.into()))?;
    let exporting = install_telemetry(&runtime)?;
    let served = runtime.block_on(octo_sts_server::serve(config));
    if !matches!(served, Err(ServeError::Interrupted)) {
        exporting.finish();
    }
    // A second signal ends at once: nothing that blocks is waited for.
    runtime.shutdown_background();
    served.map_err(|error| Failure::new(Exit::Refused, error.into()))?;
    Ok(ExitCode::SUCCESS)
}

/// Sets up the log, and the export that OpenTelemetry's variables ask for.
pub(super) fn install_telemetry(runtime: &tokio::runtime::Runtime) -> Result<telemetry::Exporting, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let settings = TelemetrySettings::from_env(&variable).map_err(|error| Failure::usage(error.into()))?;
    // The exporters reach for the runtime while they are built.
    let _entered = runtime.enter();
    telemetry::install_with(variable("RUST_LOG").as_deref(), &settings, runtime.handle()).map_err(|error| Failure::usage(error.into()))
}

/// Keeps keys and tokens out of core dumps, and out of reach of debuggers of the same user. Where the system refuses, the
/// service runs all the same: a container may have settled the matter already.
pub(crate) fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
