//! `octo-sts doctor`: asks everybody that the service depends on whether it would work.

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::ValueEnum;
use octo_sts_server::{Config, Examined, Finding, ServeArgs, Verdict, examine};
use octo_sts_types::{Owner, Printable};
use url::Url;

use super::failure::{Exit, Failure};

/// What is examined, and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An account on which the Apps ought to be installed; may be given several times
    #[arg(long, value_name = "OWNER", value_parser = parse::<Owner>)]
    owner: Vec<Owner>,
    /// Where the service is reached [default: `https://STS_DOMAIN`]
    #[arg(long, value_name = "URL", value_parser = parse::<Url>)]
    service: Option<Url>,
    /// How the findings are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line each, and what to do below it
    Human,
    /// A JSON array
    Json,
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Examines what the service's configuration names. Nothing is changed anywhere.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let config = Config::from_args(&args.serve, &|name| std::env::var(name).ok()).map_err(|error| Failure::usage(error.into()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::usage(error.into()))?;
    let examined = Examined { owners: args.owner.clone(), service: args.service.clone() };
    let findings = runtime.block_on(examine(&config, &examined)).map_err(|error| Failure::usage(error.into()))?;
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&findings).map_err(|error| Failure::usage(error.into()))? + "\n",
        Format::Human => told(&findings, std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()),
    };
    // A reader who has gone has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    Ok(if failed { ExitCode::from(Exit::Refused as u8) } else { ExitCode::SUCCESS })
}

fn told(findings: &[Finding], in_colour: bool) -> String {
    let mut lines: Vec<_> = findings.iter().map(|finding| line(finding, in_colour)).collect();
    lines.push(summary(findings));
    lines.concat()
}

/// What others say is shown, and moves no cursor.
fn line(finding: &Finding, in_colour: bool) -> String {
    let (word, colour) = match finding.verdict {
        Verdict::Ok => ("ok", "32"),
        Verdict::Warning => ("warning", "33"),
        Verdict::Failed => ("FAILED", "31"),
    };
    let word = if in_colour { format!("\x1b[{colour}m{word:7}\x1b[0m") } else { format!("{word:7}") };
    let hint = finding.hint.as_ref().map(|hint| format!("         {}\n", Printable(hint))).unwrap_or_default();
    format!("{word}  {}: {}\n{hint}", Printable(&finding.about), Printable(&finding.found))
}

fn summary(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    match (count(Verdict::Failed), count(Verdict::Warning)) {
        (0, 0) => "\nAll is well.\n".to_owned(),
        (failed, warned) => format!("\n{failed} failed, {warned} to look at.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_moves_no_cursor() {
        let finding = Finding { about: "App 1".to_owned(), verdict: Verdict::Ok, found: "named \u{1b}[2J".to_owned(), hint: None };
        let text = told(&[finding], false);
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.starts_with("ok       App 1: named "), "{text:?}");
    }

    #[test]
    fn colours_mark_the_word_alone() {
        let finding = Finding { about: "clock".to_owned(), verdict: Verdict::Failed, found: "off".to_owned(), hint: Some("mend it".to_owned()) };
        assert_eq!(told(&[finding], true), "\u{1b}[31mFAILED \u{1b}[0m  clock: off\n         mend it\n\n1 failed, 0 to look at.\n");
    }
}
