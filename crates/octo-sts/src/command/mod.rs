//! The command line.

mod audit;
mod completions;
mod demo;
mod doctor;
mod exchange;
mod exec;
mod failure;
mod git_credential;
mod man;
mod output;
mod policy;
mod probe;
mod revoke;
mod serve;
mod service;
mod setup;
mod terraform;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// What every command's exit code means, for `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    refused: the service said no; `audit`: the chain is broken, or nothing matches; `policy`: there are findings; `doctor`: something failed
  2    bad usage or configuration
  3    the service, or GitHub, cannot be reached or cannot answer
  4    no OIDC token could be got here
With `exchange -- COMMAND` the code is the command's own, 128 + N when signal N ended it, 126 or 127 when it cannot be run.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "octo-sts", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See an exchange from end to end, with no account and no network
    #[command(after_help = EXIT_CODES)]
    Demo(demo::Args),
    /// Run the service: HTTP and gRPC on one port
    #[command(after_help = EXIT_CODES)]
    Serve(Box<serve::Args>),
    /// Take GitHub's deliveries apart from the service: check policies, and record what lands
    #[command(after_help = EXIT_CODES)]
    Webhook(Box<webhook::Args>),
    /// Register the GitHub App in a browser, and put its key and its variables in place
    #[command(after_help = EXIT_CODES)]
    Setup(setup::Args),
    /// Ask everybody the service depends on whether it would work: keys, permissions, clock, webhook, issuers, stores
    #[command(after_help = EXIT_CODES)]
    Doctor(Box<doctor::Args>),
    /// Exchange an OIDC token for a GitHub token: print it, or run a command with it
    #[command(after_help = EXIT_CODES)]
    Exchange(exchange::Args),
    /// End a GitHub token, read from standard input
    #[command(after_help = EXIT_CODES)]
    Revoke(revoke::Args),
    /// Serve git as a credential helper, with nothing on disk
    #[command(after_help = git_credential::SETUP)]
    GitCredential(git_credential::Args),
    /// Keep the tokens of `git-credential` in memory until the last has ended; started by itself
    #[command(hide = true)]
    GitCredentialAgent(git_credential::AgentArgs),
    /// Prove from outside that the service works, and refuses
    #[command(after_help = probe::EXIT_CODES)]
    Probe(Box<probe::Args>),
    /// Check policies, explain what they do, and run their test cases; no network needed
    #[command(after_help = policy::EXIT_CODES)]
    Policy(policy::Args),
    /// Ask the audit file who got what, and whether it was touched
    #[command(after_help = EXIT_CODES)]
    Audit(audit::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the manual pages into a folder
    Man(man::Args),
}

impl Cli {
    /// Runs the command. What failed is said on standard error.
    pub(crate) fn run(self) -> ExitCode {
        let ended = match self.command {
            Command::Demo(args) => demo::run(&args),
            Command::Serve(args) => serve::run(&args),
            Command::Webhook(args) => webhook::run(&args),
            Command::Setup(args) => setup::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Exchange(args) => exchange::run(args),
            Command::Revoke(args) => revoke::run(&args),
            Command::GitCredential(args) => git_credential::run(&args),
            Command::GitCredentialAgent(args) => git_credential::run_agent(&args),
            Command::Probe(args) => probe::run(&args),
            Command::Policy(args) => policy::run(&args),
            Command::Audit(args) => audit::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        };
        ended.unwrap_or_else(|failure: Failure| failure.report())
    }
}

/// Runs a client command's future. One thread is enough for one question.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::usage(error.into()))?.block_on(future)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
