//! `octo-sts webhook`: takes GitHub's deliveries, apart from the service, or one again that somebody saved.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, anyhow};
use octo_sts_server::{Config, Role, SavedDelivery, ServeArgs};

use super::{
    failure::{Exit, Failure},
    serve::install_telemetry,
};

/// Settings, by flag or by variable.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Handle a saved delivery as if it had just come, with the settings of the environment
    Replay {
        /// What `gh api /app/hook/deliveries/ID` prints, or a bare payload
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The event of a bare payload, such as `push`
        #[arg(long)]
        event: Option<String>,
    },
}

/// Takes deliveries until the system says to end, or handles the one that is given.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let config = Config::for_role(Role::Receiver, &args.serve, &variable).map_err(|error| Failure::usage(error.into()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::usage(error.into()))?;
    let exporting = install_telemetry(&runtime)?;
    match &args.action {
        None => runtime.block_on(octo_sts_server::serve(config)).map_err(|error| Failure::new(Exit::Refused, error.into()))?,
        Some(Action::Replay { file, event }) => {
            let read = || -> anyhow::Result<_> {
                let text = std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
                Ok(SavedDelivery::read(&text, event.as_deref())?)
            };
            let saved = read().map_err(Failure::usage)?;
            let replayed = octo_sts_server::replay(config, &saved.event, saved.payload);
            let accepted = runtime.block_on(replayed).map_err(|error| Failure::new(Exit::Refused, error.into()))?;
            if !accepted.status.is_success() {
                return Err(Failure::new(Exit::Refused, anyhow!("{}", accepted.text)));
            }
            println!("{}", accepted.text);
        }
    }
    exporting.finish();
    Ok(ExitCode::SUCCESS)
}
