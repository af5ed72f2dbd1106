//! `octo-sts policy test`: the cases beside policies.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::anyhow;
use octo_sts_policy::{Diagnostics, FileKind, PolicyKind, PolicyTests, TrustPolicy};
use octo_sts_types::{Printable, Scope};

use super::{
    asked, exit,
    files::{self, Found},
    judge::{self, Judged},
    print,
    reading::{ReadingArgs, ServiceNameArgs},
    show,
};
use crate::command::failure::Failure;

/// Arguments of `octo-sts policy test`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files of cases, policies with cases beside them, and folders in which every `.github/chainguard` is looked at
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// What is asked for where neither file nor case says it
    #[arg(long, value_name = "OWNER/REPOSITORY")]
    scope: Option<Scope>,
    #[command(flatten)]
    service: ServiceNameArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// How the cases went.
#[derive(Default)]
struct Report {
    text: String,
    passed: usize,
    failed: usize,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let found = files::find(&args.paths).map_err(Failure::usage)?;
    let tests = tests(&found);
    if tests.is_empty() {
        return Err(Failure::usage(anyhow!("no cases there: they lie beside NAME.sts.yaml, as NAME.sts.test.yaml")));
    }
    let mut report = Report::default();
    for tests in &tests {
        report.add(tests, args);
    }
    let Report { mut text, passed, failed } = report;
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    print(&text)?;
    Ok(exit(failed == 0))
}

/// Every file of cases among what was found and beside it, once.
fn tests(found: &[Found]) -> Vec<Found> {
    let mut tests: Vec<Found> = Vec::new();
    for file in found {
        let (path, identity) = match &file.kind {
            FileKind::Tests(identity) => (Some(file.path.clone()), identity),
            FileKind::Policy(identity) => (file.partner().filter(|path| path.is_file()), identity),
            _ => continue,
        };
        if let Some(path) = path.filter(|path| !tests.iter().any(|known| known.path == *path)) {
            tests.push(Found { path, kind: FileKind::Tests(identity.clone()), in_policy_repository: file.in_policy_repository });
        }
    }
    tests
}

impl Report {
    /// Runs the cases of one file. A file that cannot be used counts as one case that failed.
    fn add(&mut self, found: &Found, args: &Args) {
        let _ = writeln!(self.text, "{}", shown(&found.path));
        if let Err(trouble) = self.run(found, args) {
            self.failed += 1;
            self.text += &trouble;
        }
    }

    fn run(&mut self, found: &Found, args: &Args) -> Result<(), String> {
        let policy_path = found.partner().ok_or("  FAIL its name is not that of a file of cases\n")?;
        let (kind, options) = (args.reading.kind(found.in_policy_repository), args.reading.options(args.scope.as_ref().map(Scope::owner)));
        let tests = parsed(&found.path, |text| PolicyTests::parse(text).map(|parsed| parsed.value))?;
        let policy = parsed(&policy_path, |text| TrustPolicy::parse(text, kind, &options).map(|parsed| parsed.value))?;
        let scope = args.scope.clone().unwrap_or_else(|| asked::placeholder(kind == PolicyKind::Organization));
        for outcome in tests.run(&policy, &scope, &args.service.audiences()) {
            let name = Printable(&outcome.case.name);
            let _ = match &outcome.result {
                Ok(()) => writeln!(self.text, "  ok   {name}"),
                Err(why) => writeln!(self.text, "  FAIL {name} (line {}): the token {why}", outcome.case.span.line),
            };
            *if outcome.result.is_ok() { &mut self.passed } else { &mut self.failed } += 1;
        }
        Ok(())
    }
}

/// What a file says, or what is to be printed where it says nothing.
fn parsed<T>(path: &Path, parse: impl Fn(&str) -> Result<T, Diagnostics>) -> Result<T, String> {
    let text = judge::open(path).map_err(|why| format!("  FAIL {}: {why}\n", shown(path)))?;
    parse(&text).map_err(|found| {
        let judged = Judged { path: path.display().to_string(), diagnostics: found.errors().to_vec(), text: text.clone() };
        format!("  FAIL {} is not valid\n\n{}", shown(path), show::blocks(&judged, show::colour()))
    })
}

fn shown(path: &Path) -> String {
    Printable(&path.display().to_string()).to_string()
}
