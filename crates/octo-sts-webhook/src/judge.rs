//! Judging files: the policy engine's own `parse`, and nothing else, says what is valid.

use octo_sts_policy::{Code, Diagnostics, Guardrails, IssuerAllowlist, ParseOptions, Parsed, PolicyKind, PolicyTests, TrustPolicy};
use octo_sts_types::{Repository, Scope};

use crate::{finding::Finding, policy_path::PolicyFile};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Absent,
    Text(String),
    /// Something that is no readable file, in words.
    Odd(String),
}

/// One file before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) path: String,
    pub(crate) file: PolicyFile,
    /// Whether the change itself touches it, and not only its test cases.
    pub(crate) touched: bool,
    pub(crate) base: Side,
    pub(crate) head: Side,
    /// Its test cases at the head, with their path.
    pub(crate) tests: Option<(String, Side)>,
    /// Guardrails without an allowlist beside them.
    pub(crate) without_allowlist: bool,
}

/// Under what files are judged.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) repository: Repository,
    pub(crate) options: ParseOptions,
    pub(crate) default_audiences: Vec<String>,
}

/// One file, judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) versions: Versions,
    pub(crate) findings: Vec<Finding>,
    /// The policy before, if it was one.
    pub(crate) before: Option<TrustPolicy>,
    /// The policy after, if it is one.
    pub(crate) after: Option<TrustPolicy>,
    /// How many test cases were run.
    pub(crate) cases: usize,
}

impl Rules {
    /// Judges one file. Takes time: not for threads that serve requests.
    pub(crate) fn judge(&self, versions: Versions) -> Judged {
        let mut judged = Judged { findings: Vec::new(), before: None, after: None, cases: 0, versions };
        let path = judged.versions.path.clone();
        match (judged.versions.file.clone(), judged.versions.head.clone()) {
            (_, Side::Absent) => {}
            (PolicyFile::Unreachable { why, hint }, _) => {
                let finding = Finding::of_code(&path, Code::UnreachableFile, format!("No exchange can ask for this file. {why}"));
                judged.findings.push(if let Some(hint) = hint { finding.with_hint(hint) } else { finding });
            }
            (_, Side::Odd(what)) => judged.findings.push(Finding::of_code(&path, Code::UnreadableFile, sentence(&what))),
            (PolicyFile::Policy { kind, .. } | PolicyFile::Tests { kind, .. }, Side::Text(text)) => {
                judged.after = judged.note(&path, TrustPolicy::parse(&text, kind, &self.options));
            }
            (PolicyFile::Allowlist, Side::Text(text)) => drop(judged.note(&path, IssuerAllowlist::parse(&text))),
            (PolicyFile::Guardrails, Side::Text(text)) => {
                let valid = judged.note(&path, Guardrails::parse(&text)).is_some();
                if valid && judged.versions.without_allowlist {
                    let message = "There is no issuer allowlist beside these guardrails, so they do not count.";
                    judged.findings.push(Finding::of_code(&path, Code::GuardrailsNotInForce, message));
                }
            }
        }
        if let (PolicyFile::Policy { kind, .. }, Side::Text(text)) = (&judged.versions.file, &judged.versions.base) {
            judged.before = TrustPolicy::parse(text, *kind, &self.options).ok().map(|parsed| parsed.value);
        }
        self.run_tests(&mut judged);
        judged
    }

    fn run_tests(&self, judged: &mut Judged) {
        let Some((path, side)) = judged.versions.tests.clone() else { return };
        let text = match side {
            Side::Absent => return,
            Side::Odd(what) => return judged.findings.push(Finding::of_code(&path, Code::UnreadableFile, sentence(&what))),
            Side::Text(text) => text,
        };
        let Some(tests) = judged.note(&path, PolicyTests::parse(&text)) else { return };
        let Some(policy) = &judged.after else {
            if judged.versions.head == Side::Absent {
                judged.findings.push(Finding::of_code(&path, Code::CasesWithoutPolicy, "There is no policy that these cases are for."));
            }
            return;
        };
        let scope = match policy.kind() {
            PolicyKind::Repository => Scope::Repository(self.repository.clone()),
            PolicyKind::Organization => Scope::Owner(self.repository.owner.clone()),
        };
        let outcomes = tests.run(policy, &scope, &self.default_audiences);
        judged.cases = outcomes.len();
        let failed = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err().map(|why| (outcome.case, why)));
        judged.findings.extend(
            failed.map(|(case, why)| Finding::error(&path, "test case fails", format!("{}: the token {why}", case.name)).at_line(case.span.line)),
        );
    }
}

impl Judged {
    /// Notes what was found in a file, and gives what it says if it is valid.
    fn note<T>(&mut self, path: &str, outcome: Result<Parsed<T>, Diagnostics>) -> Option<T> {
        match outcome {
            Ok(parsed) => {
                self.findings.extend(parsed.warnings.iter().map(|warning| Finding::of_diagnostic(path, warning)));
                Some(parsed.value)
            }
            Err(found) => {
                self.findings.extend(found.iter().map(|diagnostic| Finding::of_diagnostic(path, diagnostic)));
                None
            }
        }
    }

    /// Whether an exchange would use the file as it is.
    pub(crate) fn is_valid(&self) -> bool {
        !self.findings.iter().any(Finding::is_error)
    }

    /// The text at the head.
    pub(crate) fn text(&self) -> &str {
        match &self.versions.head {
            Side::Text(text) => text,
            Side::Absent | Side::Odd(_) => "",
        }
    }
}

/// `it is a directory` → `It is a directory.`
fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n";
    const CI: &str = ".github/chainguard/ci.sts.yaml";

    fn rules() -> Rules {
        Rules { repository: "acme/app".parse().unwrap(), options: ParseOptions::default(), default_audiences: vec!["octo-sts.test".into()] }
    }

    fn policy_file() -> PolicyFile {
        PolicyFile::Policy { identity: "ci".parse().unwrap(), kind: PolicyKind::Repository }
    }

    fn versions(file: PolicyFile, head: Side) -> Versions {
        Versions { path: CI.into(), file, touched: true, base: Side::Absent, head, tests: None, without_allowlist: false }
    }

    fn text(text: &str) -> Side {
        Side::Text(text.to_owned())
    }

    /// T-151: what upstream calls valid.
    #[test]
    fn what_no_exchange_accepts_is_invalid() {
        for head in [
            text(""),
            text("{}"),
            text(&GOOD.replace("subject: ", "subject_pattern: '(' #")),
            text(&format!("{GOOD}subject_pattern: x\n")),
            text(&GOOD.replace("subject", "#")),
            text(&GOOD.replace("issuer", "#")),
            text(&GOOD.replace("read", "writ")),
            text(&GOOD.replace("contents: read", "{}")),
            Side::Odd("it is a submodule, not a file".into()),
        ] {
            let judged = rules().judge(versions(policy_file(), head.clone()));
            assert!(!judged.is_valid() && judged.after.is_none(), "Input: {head:?}");
        }
        let unreachable = versions(PolicyFile::Unreachable { why: "Nobody can.", hint: None }, text(GOOD));
        assert!(!rules().judge(unreachable).is_valid());
    }

    #[test]
    fn a_good_policy_is_valid_and_a_removed_one_has_nothing_to_judge() {
        let judged = rules().judge(versions(policy_file(), text(GOOD)));
        assert!(judged.is_valid() && judged.after.is_some());
        let removed = rules().judge(Versions { base: text(GOOD), ..versions(policy_file(), Side::Absent) });
        assert!(removed.is_valid() && removed.after.is_none() && removed.before.is_some());
    }

    #[test]
    fn allowlists_and_guardrails_are_judged_as_such() {
        assert!(rules().judge(versions(PolicyFile::Allowlist, text("issuers: [https://i.example]"))).is_valid());
        assert!(!rules().judge(versions(PolicyFile::Allowlist, text("issuer_patterns: ['https://.*']"))).is_valid());
        assert!(!rules().judge(versions(PolicyFile::Guardrails, text("nonsense: 1"))).is_valid());
        let guardrails = versions(PolicyFile::Guardrails, text("permissions: {contents: read}"));
        assert!(rules().judge(guardrails.clone()).is_valid());
        assert!(!rules().judge(Versions { without_allowlist: true, ..guardrails }).is_valid());
    }

    #[test]
    fn test_cases_are_run() {
        let case = |sub: &str, expect: &str| {
            let cases = format!(
                "cases:\n  - claims: {{iss: https://token.actions.githubusercontent.com, sub: '{sub}', aud: octo-sts.test}}\n    expect: {expect}\n"
            );
            let tests = Some((".github/chainguard/ci.sts.test.yaml".to_owned(), Side::Text(cases)));
            let judged = rules().judge(Versions { tests, ..versions(policy_file(), text(GOOD)) });
            (judged.cases, judged.is_valid())
        };
        assert_eq!(case("repo:acme/app:ref:refs/heads/main", "allow"), (1, true));
        assert_eq!(case("repo:acme/app:pull_request", "refuse"), (1, true));
        assert_eq!(case("repo:acme/app:pull_request", "allow"), (1, false));
        assert_eq!(case("repo:acme/app:ref:refs/heads/main", "refuse"), (1, false));
    }

    #[test]
    fn what_is_there_instead_is_a_sentence() {
        assert_eq!(sentence("it is a directory, not a file"), "It is a directory, not a file.");
        assert_eq!(sentence(""), "");
    }
}
