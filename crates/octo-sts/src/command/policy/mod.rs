//! `octo-sts policy`: what the exchange and the webhook's check make of a policy, on files of this machine.
//!
//! | File | What |
//! |---|---|
//! | `files` | paths → files, and what each is |
//! | `check`, `judge`, `show` | findings in them |
//! | `explain`, `asked` | one token against one policy |
//! | `cases` | test cases beside policies |
//! | `schema` | JSON Schemas for editors |

mod asked;
mod cases;
mod check;
mod explain;
mod files;
mod judge;
mod reading;
mod schema;
mod show;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Subcommand;

use super::failure::Failure;

/// What the exit codes mean, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    fine: no error; the token is admitted; every case passed
  1    not fine: findings; the token is not admitted, or not genuine; a case failed
  2    bad usage, a file that cannot be read, nothing there to look at
  3    `explain --verify`: the token's issuer does not answer";

/// Arguments of `octo-sts policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong, or probably wrong, with policies, issuer allowlists, guardrails and test cases
    #[command(after_help = EXIT_CODES)]
    Check(check::Args),
    /// Say clause by clause why a policy admits a token, or does not
    #[command(after_help = EXIT_CODES)]
    Explain(Box<explain::Args>),
    /// Run the cases beside policies: `NAME.sts.test.yaml`
    #[command(after_help = EXIT_CODES)]
    Test(cases::Args),
    /// Print the JSON Schema of a file, for editors
    Schema(schema::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Test(args) => cases::run(args),
        Command::Schema(args) => schema::run(args),
    }
}

/// Prints on standard output, whose reader may have read enough, as `head` does.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::usage(error.into())),
        _ => Ok(()),
    }
}

/// 0 where all is fine, else 1.
fn exit(fine: bool) -> ExitCode {
    ExitCode::from(u8::from(!fine))
}
