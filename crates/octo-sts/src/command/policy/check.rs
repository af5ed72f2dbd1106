//! `octo-sts policy check`: what is wrong with the files that people write.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::anyhow;
use octo_sts_policy::Severity;

use super::{
    exit, files,
    judge::{self, Judged},
    print,
    reading::ReadingArgs,
    show::{self, Format},
};
use crate::command::failure::Failure;

/// Arguments of `octo-sts policy check`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files, and folders in which every `.github/chainguard` is looked at; `-` is a policy on standard input
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Let warnings fail as errors do
    #[arg(long)]
    strict: bool,
    /// The name of what is on standard input, which says what kind of file it is
    #[arg(long, value_name = "NAME", default_value = "stdin.sts.yaml")]
    stdin_filename: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (from_stdin, paths): (Vec<_>, Vec<_>) = args.paths.iter().cloned().partition(|path| path == Path::new("-"));
    let found = files::find(&paths).map_err(Failure::usage)?;
    let mut judged: Vec<_> = found.iter().map(|found| judge::file(found, &args.reading)).collect();
    if !from_stdin.is_empty() {
        judged.push(stdin(args)?);
    }
    print(&show::text(&judged, args.format))?;
    let fails = |file: &Judged| file.count(Severity::Error) > 0 || (args.strict && file.count(Severity::Warning) > 0);
    Ok(exit(!judged.iter().any(fails)))
}

/// The policy that an editor has not saved yet.
fn stdin(args: &Args) -> Result<Judged, Failure> {
    let text = files::read(io::stdin().lock()).map_err(|why| Failure::usage(anyhow!("standard input: {why}")))?;
    Ok(judge::judge(text, &files::given(&args.stdin_filename), &args.reading))
}
