//! Findings in the form that their reader wants.

use std::{fmt::Write as _, io::IsTerminal as _};

use clap::ValueEnum;
use octo_sts_policy::{
    Severity,
    diagnostics::render::{Colour, FileReport, github, json, sarif, terminal},
};
use octo_sts_types::Printable;

use super::judge::Judged;

/// Who reads the findings.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// A person at a terminal
    Human,
    /// A program: a list of findings
    Json,
    /// Code scanning: SARIF 2.1.0
    Sarif,
    /// A log of GitHub Actions: annotations at the lines of a pull request
    Github,
}

/// Everything that is to be printed.
pub(super) fn text(judged: &[Judged], format: Format) -> String {
    match format {
        Format::Human => human(judged, colour()),
        Format::Json => format!("{:#}\n", json(&reports(judged))),
        Format::Sarif => format!("{:#}\n", sarif(&reports(judged), env!("CARGO_PKG_VERSION"))),
        Format::Github => reports(judged).iter().map(github).collect(),
    }
}

/// Colours, where standard output is a terminal and nobody asked for none (`NO_COLOR`).
pub(super) fn colour() -> Colour {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && std::io::stdout().is_terminal() { Colour::On } else { Colour::Off }
}

fn reports(judged: &[Judged]) -> Vec<FileReport<'_>> {
    judged.iter().map(|file| report(file, &file.path)).collect()
}

fn report<'a>(file: &'a Judged, path: &'a str) -> FileReport<'a> {
    FileReport { path, text: &file.text, diagnostics: file.diagnostics.iter().collect() }
}

/// The findings of one file as blocks, an empty line behind each; nothing where there are none.
pub(super) fn blocks(file: &Judged, colour: Colour) -> String {
    let path = Printable(&file.path).to_string();
    let blocks = terminal(&report(file, &path), colour);
    if blocks.is_empty() { blocks } else { format!("{blocks}\n\n") }
}

fn human(judged: &[Judged], colour: Colour) -> String {
    let mut text: String = judged.iter().map(|file| blocks(file, colour)).collect();
    let total = |severity| judged.iter().map(|file| file.count(severity)).sum::<usize>();
    let counts = [(judged.len(), "file"), (total(Severity::Error), "error"), (total(Severity::Warning), "warning")];
    let [files, errors, warnings] = counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
    let _ = writeln!(text, "{files}, {errors}, {warnings}");
    text
}
