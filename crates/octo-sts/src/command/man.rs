//! `octo-sts man`: manual pages.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::{Cli, failure::Failure};

/// Arguments of `octo-sts man`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder; it must be there
    folder: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let written = clap_mangen::generate_to(Cli::command(), &args.folder);
    written.with_context(|| format!("the pages cannot be written into {}", args.folder.display())).map_err(Failure::usage)?;
    Ok(ExitCode::SUCCESS)
}
