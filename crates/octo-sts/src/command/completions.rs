//! `octo-sts completions`: a completion script.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, failure::Failure};

/// Arguments of `octo-sts completions`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// For which shell
    shell: Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "every command ends in the same type")]
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "octo-sts", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
