//! `octo-sts demo`: the whole system in one process, with no account and no network.

mod folder;
mod furniture;
mod playground;
mod scene;
mod story;
mod web;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use super::failure::Failure;

/// Arguments of `octo-sts demo`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Stay up, and print lines to paste: get an OIDC token, exchange it, use it
    #[arg(long)]
    serve: bool,
    /// With --serve: files in FOLDER/OWNER/REPOSITORY/ are those of the fake GitHub's repositories, and are watched
    #[arg(long, value_name = "FOLDER", default_value = "octo-sts-demo", requires = "serve")]
    folder: PathBuf,
    /// With --serve: the service's port; the fake GitHub and the fake issuer take the next two
    #[arg(long, default_value_t = 8080, requires = "serve")]
    port: u16,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::usage(error.into()))?;
    let told = runtime.block_on(async { if args.serve { playground::run(&args.folder, args.port).await } else { story::tell().await } });
    told.map_err(|error| Failure::new(super::failure::Exit::Refused, error))?;
    Ok(ExitCode::SUCCESS)
}

/// A line on standard output. A reader who has seen enough, as `head` has, is no failure.
fn aloud(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
