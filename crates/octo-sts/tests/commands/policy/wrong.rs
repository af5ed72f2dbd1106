//! The policies that people got wrong and asked about: each gets the sentence that puts it right.

use insta::assert_snapshot;

use super::{Folder, GOOD};

/// What `policy check` prints of a policy of `acme`.
fn check(text: &str) -> String {
    check_with(text, &[])
}

fn check_with(text: &str, more: &[&str]) -> String {
    let folder = Folder::new(&[(".github/chainguard/ci.sts.yaml", text)]);
    folder.policy(&[&["check", "--owner", "acme"], more].concat()).out
}

fn with_permissions(lines: &str) -> String {
    GOOD.replace("  issues: write", lines)
}

fn with_subject(line: &str) -> String {
    GOOD.replace("subject: project_path:acme/app:ref_type:branch:ref:main", line)
}

/// malcontent#409, liatrio-otel-collector#824
#[test]
fn pull_request() {
    assert_snapshot!(check(&with_permissions("  pull-request: write")), @r"
    error[E122]: There is no permission `pull-request`.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   pull-request: write
      |   ^^^^^^^^^^^^
      |
      = help: write `pull_requests`

    1 file, 1 error, 0 warnings
    ");
}

/// action#30, odigos#4482
#[test]
fn refs_with_a_glob() {
    assert_snapshot!(check(&with_subject("subject_pattern: project_path:acme/app:ref_type:branch:ref:refs/*")), @r"
    warning[W002]: In a pattern `*` repeats the character before it; it is no wildcard.
     --> .github/chainguard/ci.sts.yaml:2:64
      |
    2 | subject_pattern: project_path:acme/app:ref_type:branch:ref:refs/*
      |                                                                ^^
      |
      = help: write 'project_path:acme/app:ref_type:branch:ref:refs/.*'

    1 file, 0 errors, 1 warning
    ");
}

/// datadog-ci-rb#503
#[test]
fn double_escaped_backslashes() {
    assert_snapshot!(check(&with_subject(r"subject_pattern: 'project_path:acme/app:ref_type:tag:ref:v\\d+\\.\\d+'")), @r"
    warning[W003]: This matches a backslash and then any character.
     --> .github/chainguard/ci.sts.yaml:2:59
      |
    2 | subject_pattern: 'project_path:acme/app:ref_type:tag:ref:v\\d+\\.\\d+'
      |                                                           ^^^
      |
      = help: write 'project_path:acme/app:ref_type:tag:ref:v\d+\.\d+'

    1 file, 0 errors, 1 warning
    ");
}

/// wolfi-dev/os#62867, dd-trace-rs#132
#[test]
fn subject_with_a_pattern() {
    assert_snapshot!(check(&with_subject("subject: project_path:acme/app:ref_type:branch:ref:.*")), @r"
    warning[W001]: `subject` is compared byte for byte, and its value looks like a pattern.
     --> .github/chainguard/ci.sts.yaml:2:10
      |
    2 | subject: project_path:acme/app:ref_type:branch:ref:.*
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `subject_pattern: 'project_path:acme/app:ref_type:branch:ref:.*'`

    1 file, 0 errors, 1 warning
    ");
}

/// app#932
#[test]
fn writ() {
    assert_snapshot!(check(&with_permissions("  issues: writ")), @r"
    error[E123]: There is no level `writ`.
     --> .github/chainguard/ci.sts.yaml:4:11
      |
    4 |   issues: writ
      |           ^^^^
      |
      = help: write `write`

    1 file, 1 error, 0 warnings
    ");
}

#[test]
fn projects() {
    assert_snapshot!(check(&with_permissions("  projects: admin")), @r"
    error[E122]: There is no permission `projects`.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   projects: admin
      |   ^^^^^^^^
      |
      = help: write `repository_projects` or `organization_projects`

    1 file, 1 error, 0 warnings
    ");
}

/// As the published pages show it: the owner stands before the name, and here it is another's.
#[test]
fn org_repo() {
    let text = format!("{GOOD}repositories:\n  - ORG/repo\n");
    assert_snapshot!(check_with(&text, &["--org"]), @r"
    error[E133]: `ORG/repo` does not belong to `acme`.
     --> .github/chainguard/ci.sts.yaml:6:5
      |
    6 |   - ORG/repo
      |     ^^^^^^^^
      |
      = help: list repositories of `acme` only

    1 file, 1 error, 0 warnings
    ");
    let own = check_with(&text.replace("ORG", "acme"), &["--org"]);
    assert_eq!(own, "1 file, 0 errors, 0 warnings\n");
}
