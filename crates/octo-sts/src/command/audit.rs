//! `octo-sts audit`: questions to the audit file.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use octo_sts_audit::{Entry, Outcome, Query, read_lines, schema, verify_chain};
use octo_sts_client::sha256_hex;
use octo_sts_types::{Clock as _, Owner, Printable, Repository, SystemClock};

use super::failure::Failure;

/// Arguments of `octo-sts audit`.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// The audit files, oldest first; `-` is standard input
    #[arg(env = "STS_AUDIT_FILE", required_unless_present = "schema")]
    files: Vec<PathBuf>,
    /// Walk along the hash chain and tell what was removed, added or changed
    #[arg(long)]
    verify: bool,
    /// With --verify: the hash that the last line must have, as the service logged it
    #[arg(long, requires = "verify", value_name = "HASH")]
    head: Option<String>,
    /// Tokens that hold for this repository, and refusals of them
    #[arg(long, value_name = "OWNER/REPOSITORY")]
    repository: Option<Repository>,
    /// Anything of this owner
    #[arg(long)]
    owner: Option<Owner>,
    /// From then on: a time, a day, or a span ago such as 7d
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before then
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// The exchange that a token came from, by the token's SHA-256
    #[arg(long, value_name = "HEX", conflicts_with = "leaked", value_parser = hash)]
    token_sha256: Option<String>,
    /// The exchange that a leaked token came from; the token is read from standard input
    #[arg(long)]
    leaked: bool,
    /// How the exchange ended
    #[arg(long, value_enum)]
    outcome: Option<OutcomeArg>,
    /// Under this identity
    #[arg(long)]
    identity: Option<String>,
    /// By this subject
    #[arg(long)]
    subject: Option<String>,
    /// With this id in its answer
    #[arg(long)]
    request_id: Option<String>,
    /// Print the lines as they stand
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of the lines and end
    #[arg(long)]
    schema: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutcomeArg {
    Granted,
    Refused,
    Undelivered,
    /// The service was killed while GitHub was asked for a token
    Interrupted,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    let found = if args.schema { write_schema(&mut stdout) } else { answer(args, &mut stdout) };
    match found.and_then(|found| stdout.flush().map(|()| found).map_err(Into::into)) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(1)),
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// Whether the reader of standard output has read enough, as `head` does.
fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn write_schema(out: &mut impl Write) -> anyhow::Result<bool> {
    writeln!(out, "{:#}", schema())?;
    Ok(true)
}

/// Whether the chain holds, or something matched.
fn answer(args: &Args, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut failed = None;
    let lines = args.files.iter().flat_map(|path| lines_of(path)).map_while(|line| line.map_err(|error| failed = Some(error)).ok());
    let holds = if args.verify { verify(lines, args.head.as_deref(), out)? } else { search(lines, &query(args)?, args.json, out)? };
    failed.map_or(Ok(holds), Err)
}

/// The lines of one file; an error is its last item.
fn lines_of(path: &Path) -> Box<dyn Iterator<Item = anyhow::Result<String>>> {
    let reader: io::Result<Box<dyn BufRead>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        File::open(path).map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>)
    };
    let name = path.display().to_string();
    match reader {
        Ok(reader) => Box::new(read_lines(reader).map(move |line| line.with_context(|| format!("{name} cannot be read")))),
        Err(error) => Box::new(std::iter::once(Err(error).with_context(|| format!("{name} cannot be opened")))),
    }
}

fn verify(lines: impl Iterator<Item = String>, head: Option<&str>, out: &mut impl Write) -> anyhow::Result<bool> {
    let report = verify_chain(lines);
    for fault in &report.faults {
        writeln!(out, "{fault}")?;
    }
    let last = report.head.as_deref().unwrap_or("none");
    writeln!(
        out,
        "{} lines hold, {} faults; first follows {}, last is {last}",
        report.intact,
        report.faults.len(),
        report.start.as_deref().unwrap_or("none")
    )?;
    let ends_there = head.is_none_or(|head| head.eq_ignore_ascii_case(last));
    if !ends_there {
        writeln!(out, "the last line is not the one expected: lines were cut off at the end")?;
    }
    Ok(report.faults.is_empty() && ends_there)
}

fn search(lines: impl Iterator<Item = String>, query: &Query, json: bool, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut found = false;
    for line in lines {
        let Some(entry) = Entry::parse(&line).filter(|entry| query.matches(entry)) else { continue };
        found = true;
        if json { writeln!(out, "{line}")? } else { writeln!(out, "{}", told(&entry))? }
    }
    Ok(found)
}

/// One line for a person: when, how, what, who, and which token.
fn told(entry: &Entry) -> String {
    let text = |name: &str| Printable(entry.text(name).unwrap_or_default()).to_string();
    if entry.text("type") != Some("dev.octo-sts.exchange") {
        let about = [text("action"), text("repository"), text("path"), text("pusher")].join(" ");
        return format!("{} {} {}", text("time"), text("type"), about.trim());
    }
    let permissions: Vec<_> = entry.permissions().map(|(name, level)| format!("{name}:{level}")).collect();
    let repositories: Vec<_> = entry.repositories().collect();
    let who = entry.actor().map_or_else(|| "unverified caller".to_owned(), |(iss, sub)| format!("{} of {}", Printable(sub), Printable(iss)));
    let mut line = format!("{} {} {}/{} to {who}", text("time"), text("outcome"), text("scope"), text("identity"));
    for (name, value) in [
        ("permissions", permissions.join(",")),
        ("repositories", Printable(&repositories.join(",")).to_string()),
        ("token_sha256", text("token_sha256")),
        ("reason", text("error")),
        ("request", text("request_id")),
    ] {
        if !value.is_empty() {
            line = format!("{line} {name}={value}");
        }
    }
    line
}

fn query(args: &Args) -> anyhow::Result<Query> {
    let leaked = if args.leaked { Some(leaked(&args.files)?) } else { None };
    Ok(Query {
        repository: args.repository.clone(),
        owner: args.owner.clone(),
        since: args.since,
        until: args.until,
        token_sha256: leaked.or_else(|| args.token_sha256.clone()),
        outcome: args.outcome.map(|outcome| match outcome {
            OutcomeArg::Granted => Outcome::Granted,
            OutcomeArg::Refused => Outcome::Refused,
            OutcomeArg::Undelivered => Outcome::Undelivered,
            OutcomeArg::Interrupted => Outcome::Interrupted,
        }),
        identity: args.identity.clone(),
        subject: args.subject.clone(),
        request_id: args.request_id.clone(),
    })
}

/// The hash of the token on standard input.
fn leaked(files: &[PathBuf]) -> anyhow::Result<String> {
    if files.iter().any(|path| path == Path::new("-")) {
        bail!("standard input cannot be both the audit file and the token");
    }
    let mut token = String::new();
    io::stdin().lock().take(4096).read_to_string(&mut token).context("standard input cannot be read")?;
    if token.trim().is_empty() {
        bail!("there is no token on standard input");
    }
    Ok(sha256_hex(token.trim()))
}

/// A SHA-256 as the file has them: one that was mistyped would be found nowhere, which is not the answer that a leak needs.
fn hash(text: &str) -> anyhow::Result<String> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("a SHA-256 is 64 hexadecimal digits; `--leaked` takes the token itself on standard input");
    }
    Ok(text.to_ascii_lowercase())
}

/// A time, a day (its start in UTC), or a span before now.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<Date>() {
        return Ok(TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))?);
    }
    let ago = humantime::parse_duration(text).context("write a time (2026-01-02T03:04:05Z), a day (2026-01-02) or a span ago (7d)")?;
    Ok(SystemClock.now().checked_sub(ago)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_span_ago() {
        assert_eq!(moment("2026-01-02T03:04:05Z").unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(moment("2026-01-02").unwrap().to_string(), "2026-01-02T00:00:00Z");
        assert!(moment("7d").unwrap() < moment("6d").unwrap());
        assert!(moment("yesterday").is_err());
    }

    /// T-104
    #[test]
    fn a_hostile_line_cannot_drive_a_terminal() {
        let line = r#"{"type":"dev.octo-sts.exchange","time":"t","outcome":"refused","scope":"a\u001b[2J","identity":"x\ny","token_sha256":""}"#;
        let told = told(&Entry::parse(line).unwrap());
        assert_eq!(told, "t refused a\\u{1b}[2J/x\\u{a}y to unverified caller");
    }
}
