//! The summary of a check run: Markdown that people read, within GitHub's limit.

use std::fmt::Write as _;

use crate::{
    effect::{Effect, Places, effects},
    finding::Finding,
    judge::Judged,
    markdown::{cell, code},
};

/// Longest summary, in bytes. GitHub's limit is 65,535 characters.
pub(crate) const LONGEST: usize = 65_535;
/// What is kept free for the line that says what was left out.
const RESERVE: usize = 128;
/// Most lines about what a change does.
const MOST_EFFECTS: usize = 200;

/// Lines up to the limit.
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        if self.left_out > 0 || self.text.len() + line.len() + 1 > LONGEST - RESERVE {
            self.left_out += 1;
            return;
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            // Writing to a `String` does not fail.
            let _ = write!(self.text, "\n… and {} more lines.", self.left_out);
        }
        self.text.trim_end().to_owned()
    }
}

/// Says what is wrong, what the change does, and what to look at.
pub(crate) fn summary(judged: &[Judged], whole: bool, base: &str) -> String {
    let mut page = Page { text: String::new(), left_out: 0 };
    let findings: Vec<&Finding> = judged.iter().flat_map(|judged| &judged.findings).collect();
    errors(&findings, &mut page);
    if !whole {
        page.line("**The change is too large to be seen whole.** GitHub does not list all of its files, so policies may be in it that were not judged. Split it into smaller ones.\n");
    }
    what_it_does(judged, base, &mut page);
    warnings(&findings, &mut page);
    tests(judged, &mut page);
    page.end()
}

fn errors(findings: &[&Finding], page: &mut Page) {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
    if errors.is_empty() {
        return;
    }
    let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
    page.line(&format!("Failed to validate trust policy.\n\n{count}:\n"));
    for finding in errors {
        page.line(&item(finding));
    }
    page.line("");
}

fn warnings(findings: &[&Finding], page: &mut Page) {
    let warnings: Vec<_> = findings.iter().filter(|finding| !finding.is_error()).collect();
    if warnings.is_empty() {
        return;
    }
    page.line("### To be looked at\n");
    for finding in warnings {
        page.line(&item(finding));
    }
    page.line("");
}

fn item(finding: &Finding) -> String {
    let label = finding.code.map_or_else(String::new, |code| format!(" **{code}**"));
    let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!(" — {}", code(hint)));
    format!("- {} line {}{label}: {}{hint}", code(&finding.path), finding.lines.0, code(&finding.message))
}

fn what_it_does(judged: &[Judged], base: &str, page: &mut Page) {
    let changed = judged.iter().filter(|judged| judged.versions.touched);
    let effects = changed.flat_map(|judged| effects(judged.before.as_ref(), judged.after.as_ref()).into_iter().map(move |effect| (judged, effect)));
    let rows = rows(effects);
    if rows.is_empty() {
        return;
    }
    page.line(&format!("### What this change does\n\nCompared with {base}. It counts once it is on the default branch.\n"));
    page.line("| | Identity | Who | Permissions | Where |\n|---|---|---|---|---|");
    for row in rows.iter().take(MOST_EFFECTS) {
        page.line(&row.markdown());
    }
    if rows.len() > MOST_EFFECTS {
        page.line(&format!("\n… and {} more.", rows.len() - MOST_EFFECTS));
    }
    page.line("");
}

/// What the same people gain or lose at the same places, together.
struct Row<'a> {
    judged: &'a Judged,
    effect: Effect,
    permissions: Vec<String>,
}

fn rows<'a>(effects: impl Iterator<Item = (&'a Judged, Effect)>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for (judged, effect) in effects {
        match rows.last_mut() {
            Some(row) if row.judged.versions.path == judged.versions.path && row.effect.is_beside(&effect) => row.permissions.push(effect.what),
            _ => rows.push(Row { judged, permissions: vec![effect.what.clone()], effect }),
        }
    }
    rows
}

impl Row<'_> {
    fn markdown(&self) -> String {
        let sign = if self.effect.gains { "➕ gains" } else { "➖ loses" };
        let who: Vec<_> = self.effect.who.iter().map(|(name, value)| format!("{} {}", plain(name), cell(value))).collect();
        let permissions: Vec<_> = self.permissions.iter().map(|permission| cell(permission)).collect();
        format!(
            "| {sign} | {} | {} | {} | {} |",
            cell(identity(self.judged)),
            who.join("<br>"),
            permissions.join("<br>"),
            places(&self.effect.places)
        )
    }
}

fn places(places: &Places) -> String {
    match places {
        Places::Here => "this repository".to_owned(),
        Places::Every => "**every repository** the App sees".to_owned(),
        Places::Named(names) => {
            let shown: Vec<_> = names.iter().take(10).map(|name| cell(name)).collect();
            let more = names.len().saturating_sub(10);
            if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
        }
    }
}

/// Our own word for a part, or `claim NAME matching` with the name as code.
fn plain(name: &str) -> String {
    match name.strip_prefix("claim ").and_then(|rest| rest.strip_suffix(" matching")) {
        Some(claim) => format!("claim {} matching", cell(claim)),
        None => name.to_owned(),
    }
}

fn identity(judged: &Judged) -> &str {
    let name = judged.versions.path.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".sts.yaml").unwrap_or(name)
}

fn tests(judged: &[Judged], page: &mut Page) {
    let cases: usize = judged.iter().map(|judged| judged.cases).sum();
    match cases {
        0 => {}
        1 => page.line("1 test case was run."),
        cases => page.line(&format!("{cases} test cases were run.")),
    }
}

#[cfg(test)]
mod summary_tests {
    use octo_sts_policy::{ParseOptions, PolicyKind};

    use super::*;
    use crate::{
        judge::{Rules, Side, Versions},
        policy_path::PolicyFile,
    };

    const GOOD: &str =
        "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n";

    fn judged(path: &str, base: Side, head: Side) -> Judged {
        let rules = Rules { repository: "acme/app".parse().unwrap(), options: ParseOptions::default(), default_audiences: Vec::new() };
        let file = PolicyFile::Policy { identity: "ci".parse().unwrap(), kind: PolicyKind::Repository };
        rules.judge(Versions { path: path.into(), file, touched: true, base, head, tests: None, without_allowlist: false })
    }

    fn text(text: &str) -> Side {
        Side::Text(text.into())
    }

    #[test]
    fn a_good_change_says_what_it_gives() {
        let head = GOOD.replace("contents: read", "contents: write");
        let summary = summary(&[judged(".github/chainguard/ci.sts.yaml", text(GOOD), text(&head))], true, "`main`");
        assert!(summary.contains("### What this change does"), "{summary}");
        assert!(summary.contains("| ➖ loses") || summary.contains("| ➕ gains | `ci` |"), "{summary}");
        assert!(summary.contains("`contents: write` | this repository |"), "{summary}");
        assert!(!summary.contains("Failed"), "{summary}");
    }

    #[test]
    fn a_bad_file_says_what_is_wrong_in_upstreams_words_first() {
        let summary = summary(&[judged(".github/chainguard/bad.sts.yaml", Side::Absent, text("nonsense: 1\n"))], true, "`main`");
        assert!(summary.starts_with("Failed to validate trust policy.\n\n"), "{summary}");
        assert!(summary.contains("- `.github/chainguard/bad.sts.yaml` line 1 **E011**: "), "{summary}");
    }

    /// T-152
    #[test]
    fn hostile_names_and_texts_stay_code_and_the_limit_is_kept() {
        let hostile = "`<script>@mona|\n# x".repeat(40);
        let many: Vec<_> = (0..100)
            .map(|at| {
                judged(&format!(".github/chainguard/{hostile}{at}.sts.yaml"), Side::Absent, text(&format!("'{}': 1\n", "@mona `x` <b>".repeat(50))))
            })
            .collect();
        let summary = summary(&many, false, "`main`");
        assert!(summary.len() <= LONGEST, "{}", summary.len());
        assert!(summary.contains("more lines."));
        for line in summary.lines().filter(|line| line.starts_with("- ")) {
            assert!(!outside_code(line).contains(['<', '@', '|', '#']), "{line}");
        }
    }

    /// What a line shows outside its code spans.
    fn outside_code(line: &str) -> String {
        let (mut outside, mut rest) = (String::new(), line);
        while let Some(at) = rest.find('`') {
            outside.push_str(&rest[..at]);
            let run = rest[at..].chars().take_while(|c| *c == '`').count();
            let body = &rest[at + run..];
            let fence = "`".repeat(run);
            let mut from = 0;
            let end = loop {
                let found = from + body[from..].find(&fence).expect("a code span ends");
                let length = body[found..].chars().take_while(|c| *c == '`').count();
                if length == run {
                    break found;
                }
                from = found + length;
            };
            rest = &body[end + run..];
        }
        outside + rest
    }

    #[test]
    fn a_change_that_is_not_whole_says_so() {
        assert!(summary(&[], false, "`main`").contains("too large to be seen whole"));
    }
}
