//! One binary, one command for each thing one does with it: `command/<name>.rs`.

mod command;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    command::Cli::parse().run()
}
