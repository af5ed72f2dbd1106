//! `octo-sts policy schema`: the JSON Schemas (2020-12) of the files that people write.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::builder::PossibleValuesParser;
use octo_sts_policy::Schema;

use super::print;
use crate::command::failure::Failure;

/// Arguments of `octo-sts policy schema`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Of which file
    #[arg(default_value = "trust-policy", value_parser = PossibleValuesParser::new(Schema::ALL.iter().map(|schema| schema.name())))]
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let schema = Schema::named(&args.name).ok_or_else(|| Failure::usage(anyhow!("there is no schema `{}`", args.name)))?;
    print(&format!("{:#}\n", schema.generate()))?;
    Ok(ExitCode::SUCCESS)
}
