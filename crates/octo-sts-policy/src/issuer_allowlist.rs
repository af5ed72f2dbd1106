//! The issuer allowlist: which issuers an organisation admits at all.
//!
//! One file, `.github/chainguard/trusted-token-issuers.yaml` in the organisation's policy repository. What is done when it
//! is absent or cannot be read is for `octo-sts-exchange` to decide.

use octo_sts_types::Issuer;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::{
    Diagnostics, Parsed, Pattern,
    diagnostics::{Code, Reporter, closest},
    fields::{self, Fields, Located, inside},
    lint,
    yaml::{self, Node},
};

/// Most exact issuers.
const MOST_ISSUERS: usize = 256;
/// Most patterns.
const MOST_PATTERNS: usize = 64;
/// The fields of the file.
const FIELDS: &[&str] = &["mode", "issuers", "issuer_patterns"];

/// Whether refusals are acted on or only recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// What is not allowed is refused.
    #[default]
    Enforce,
    /// What is not allowed is recorded.
    Audit,
}

/// The issuers an organisation admits: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerAllowlist {
    mode: Mode,
    issuers: Vec<Box<str>>,
    patterns: Vec<Pattern>,
}

impl Mode {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        }
    }
}

impl IssuerAllowlist {
    /// Its path in the policy repository.
    pub const PATH: &str = ".github/chainguard/trusted-token-issuers.yaml";

    /// Compiles an allowlist, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let mut reporter = Reporter::new(text);
        let allowlist = read(&mut reporter);
        reporter.finish(allowlist)
    }

    /// Whether it is enforced.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the issuer is listed, or matches one of the patterns.
    pub fn admits(&self, issuer: &Issuer) -> bool {
        let text = issuer.as_str();
        self.issuers.iter().any(|listed| **listed == *text) || self.patterns.iter().any(|pattern| pattern.matches(text))
    }
}

fn read(reporter: &mut Reporter<'_>) -> Option<IssuerAllowlist> {
    let root = yaml::read(reporter)?;
    let fields = Fields::of(&root, FIELDS, reporter);
    let mode = mode(&fields, reporter)?;
    let issuers = entries(&fields, "issuers", MOST_ISSUERS, reporter);
    let patterns = entries(&fields, "issuer_patterns", MOST_PATTERNS, reporter);
    if issuers.is_empty() && patterns.is_empty() && !reporter.has_errors() {
        let hint = "list one under `issuers`, or delete the file to admit every issuer".to_owned();
        reporter.report(Code::EmptyAllowlist, root.span.start..root.span.start, "The allowlist has no issuer.", hint);
    }
    let issuers = issuers.iter().map(|text| exact(text, reporter)).collect();
    let patterns = patterns.iter().filter_map(|text| pattern_without_slash(text, reporter)).collect();
    Some(IssuerAllowlist { mode, issuers, patterns })
}

/// `mode`, which is `enforce` when absent.
pub(crate) fn mode(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Option<Mode> {
    let Some(text) = fields.text("mode", reporter) else { return Some(Mode::Enforce) };
    match text.text {
        "enforce" => return Some(Mode::Enforce),
        "audit" => {
            let message = "In audit mode nothing is refused; it is only recorded.";
            reporter.report(Code::AuditOnly, text.span, message, "write `mode: enforce` once the record is as expected".to_owned());
            return Some(Mode::Audit);
        }
        _ => {}
    }
    let meant = closest(text.text, ["enforce", "audit"]).map_or_else(|| "write `enforce` or `audit`".to_owned(), |meant| format!("write `{meant}`"));
    reporter.report(Code::UnknownMode, text.span, format!("There is no mode `{}`.", text.text), meant);
    None
}

fn entries<'n>(fields: &Fields<'n>, field: &str, most: usize, reporter: &mut Reporter<'_>) -> Vec<Located<'n>> {
    let Some(node) = fields.value(field) else { return Vec::new() };
    let nodes = fields::items(node, &format!("`{field}`"), reporter).unwrap_or_default();
    if let Some(first) = nodes.get(most) {
        reporter.report(Code::TooManyIssuers, first.span.clone(), format!("`{field}` has {} entries; {most} is the most.", nodes.len()), None);
        return Vec::new();
    }
    nodes.iter().filter_map(|node: &Node| fields::text(node, "An issuer", reporter)).collect()
}

/// An issuer by its text.
pub(crate) fn exact(text: &Located<'_>, reporter: &mut Reporter<'_>) -> Box<str> {
    lint::exact("issuer", text, reporter);
    text.text.into()
}

/// A pattern that matches no text with more slashes than are written in it: it cannot reach over to another host or path.
pub(crate) fn pattern_without_slash(text: &Located<'_>, reporter: &mut Reporter<'_>) -> Option<Pattern> {
    let pattern = fields::pattern(text, reporter)?;
    let written = text.text.matches('/').count() as u64;
    let matched = Pattern::syntax(text.text).ok().and_then(|hir| most_slashes(&hir));
    if matched.is_none_or(|matched| matched > written) {
        let hint = "write `[^/]+` for `.+`, `[^/]*` for `.*`, and each slash as itself".to_owned();
        reporter.report(
            Code::PatternSpansSegments,
            inside(text, 0..text.text.len()),
            "This pattern can match a slash that is not written in it.",
            hint,
        );
        return None;
    }
    lint::pattern("issuer", text, &pattern, reporter);
    Some(pattern)
}

/// The most slashes in a match; `None` when a class has one, or there is no most.
fn most_slashes(hir: &Hir) -> Option<u64> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(literal) => Some(literal.0.iter().map(|byte| u64::from(*byte == b'/')).sum()),
        HirKind::Class(Class::Unicode(class)) => {
            let has_slash = class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'/'));
            (!has_slash).then_some(0)
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Capture(capture) => most_slashes(&capture.sub),
        HirKind::Repetition(repetition) => match (most_slashes(&repetition.sub)?, repetition.max) {
            (0, _) => Some(0),
            (slashes, Some(times)) => Some(slashes.saturating_mul(u64::from(times))),
            (_, None) => None,
        },
        HirKind::Concat(parts) => parts.iter().map(most_slashes).try_fold(0_u64, |sum, part| Some(sum.saturating_add(part?))),
        HirKind::Alternation(parts) => parts.iter().map(most_slashes).try_fold(0_u64, |most, part| Some(most.max(part?))),
    }
}
