//! What the author of a wrong policy reads: each slip is one that somebody made and asked about.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use insta::assert_snapshot;
use octo_sts_policy::{
    ParseOptions, PolicyKind, TrustPolicy,
    diagnostics::render::{Colour, FileReport, terminal},
};

fn check(text: &str) -> String {
    check_as(text, PolicyKind::Repository)
}

fn check_as(text: &str, kind: PolicyKind) -> String {
    let options = ParseOptions { owner: Some("acme".parse().unwrap()), ..ParseOptions::default() };
    let outcome = TrustPolicy::parse(text, kind, &options);
    terminal(&FileReport::of(".github/chainguard/ci.sts.yaml", text, &outcome), Colour::Off)
}

fn with_permissions(lines: &str) -> String {
    format!("issuer: https://gitlab.com\nsubject: project_path:acme/app:ref_type:branch:ref:main\npermissions:\n{lines}")
}

fn with_subject(line: &str) -> String {
    format!("issuer: https://gitlab.com\n{line}\npermissions:\n  issues: write\n")
}

/// malcontent#409, liatrio-otel-collector#824
#[test]
fn pull_request_with_a_hyphen() {
    assert_snapshot!(check(&with_permissions("  pull-request: write\n")), @r"
    error[E122]: There is no permission `pull-request`.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   pull-request: write
      |   ^^^^^^^^^^^^
      |
      = help: write `pull_requests`
    ");
}

/// app#932
#[test]
fn writ() {
    assert_snapshot!(check(&with_permissions("  issues: writ\n")), @r"
    error[E123]: There is no level `writ`.
     --> .github/chainguard/ci.sts.yaml:4:11
      |
    4 |   issues: writ
      |           ^^^^
      |
      = help: write `write`
    ");
}

#[test]
fn projects() {
    assert_snapshot!(check(&with_permissions("  projects: admin\n")), @r"
    error[E122]: There is no permission `projects`.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   projects: admin
      |   ^^^^^^^^
      |
      = help: write `repository_projects` or `organization_projects`
    ");
}

/// action#30, odigos#4482
#[test]
fn glob_in_a_pattern() {
    assert_snapshot!(check(&with_subject("subject_pattern: project_path:acme/app:ref_type:branch:ref:refs/*")), @r"
    warning[W002]: In a pattern `*` repeats the character before it; it is no wildcard.
     --> .github/chainguard/ci.sts.yaml:2:64
      |
    2 | subject_pattern: project_path:acme/app:ref_type:branch:ref:refs/*
      |                                                                ^^
      |
      = help: write 'project_path:acme/app:ref_type:branch:ref:refs/.*'
    ");
}

/// datadog-ci-rb#503
#[test]
fn double_escaped_backslash() {
    assert_snapshot!(check(&with_subject(r"subject_pattern: 'project_path:acme/app:ref_type:tag:ref:v\\d+\\.\\d+'")), @r"
    warning[W003]: This matches a backslash and then any character.
     --> .github/chainguard/ci.sts.yaml:2:59
      |
    2 | subject_pattern: 'project_path:acme/app:ref_type:tag:ref:v\\d+\\.\\d+'
      |                                                           ^^^
      |
      = help: write 'project_path:acme/app:ref_type:tag:ref:v\d+\.\d+'
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
    ");
}

#[test]
fn subject_with_a_glob() {
    assert_snapshot!(check(&with_subject("subject: project_path:acme/app:ref_type:branch:ref:release-*")), @r"
    warning[W001]: `subject` is compared byte for byte, and its value looks like a pattern.
     --> .github/chainguard/ci.sts.yaml:2:10
      |
    2 | subject: project_path:acme/app:ref_type:branch:ref:release-*
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `subject_pattern: 'project_path:acme/app:ref_type:branch:ref:release-.*'`
    ");
}

#[test]
fn repositories_of_another_owner() {
    let text = with_permissions("  issues: write\nrepositories:\n  - acme/app\n  - evil/app\n");
    assert_snapshot!(check_as(&text, PolicyKind::Organization), @r"
    error[E133]: `evil/app` does not belong to `acme`.
     --> .github/chainguard/ci.sts.yaml:7:5
      |
    7 |   - evil/app
      |     ^^^^^^^^
      |
      = help: list repositories of `acme` only
    ");
}

#[test]
fn repositories_with_a_star() {
    let text = with_permissions("  issues: write\nrepositories: ['*']\n");
    assert_snapshot!(check_as(&text, PolicyKind::Organization), @r"
    error[E132]: `*` is not a repository.
     --> .github/chainguard/ci.sts.yaml:5:16
      |
    5 | repositories: ['*']
      |                ^^^
      |
      = help: delete `repositories` to give every repository of the organisation
    ");
}

#[test]
fn number_without_quotes() {
    assert_snapshot!(check(&with_subject("subject: 0123")), @r"
    error[E007]: Without quotes, `0123` is read as a number and becomes another text.
     --> .github/chainguard/ci.sts.yaml:2:10
      |
    2 | subject: 0123
      |          ^^^^
      |
      = help: write '0123'
    ");
}

#[test]
fn pattern_that_does_not_compile() {
    assert_snapshot!(check(&with_subject("subject_pattern: '*:ref:main'")), @r"
    error[E107]: The pattern is not accepted: error parsing regexp: missing argument to repetition operator: `*`.
     --> .github/chainguard/ci.sts.yaml:2:19
      |
    2 | subject_pattern: '*:ref:main'
      |                   ^
      |
      = help: write '.*:ref:main'
    ");
}

#[test]
fn unescaped_dot() {
    let text =
        "issuer: https://accounts.google.com\nsubject_pattern: '\\d+'\nclaim_pattern:\n  email: .*@chainguard.dev\npermissions:\n  issues: read\n";
    assert_snapshot!(check(text), @r"
    warning[W004]: This dot matches any character, in a host or an address.
     --> .github/chainguard/ci.sts.yaml:4:23
      |
    4 |   email: .*@chainguard.dev
      |                       ^
      |
      = help: write '.*@chainguard\.dev'
    ");
}

#[test]
fn shared_issuer_open_to_everybody() {
    let text = "issuer: https://token.actions.githubusercontent.com\nsubject_pattern: repo:.*:ref:refs/heads/main\npermissions:\n  contents: write\n";
    assert_snapshot!(check(text), @r"
    warning[W006]: Everybody can get tokens from this issuer, and the policy does not say whose it means.
     --> .github/chainguard/ci.sts.yaml:2:18
      |
    2 | subject_pattern: repo:.*:ref:refs/heads/main
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: name the organisation in the subject, or require one of `repository`, `repository_id`, `repository_owner` and `repository_owner_id`

    warning[W009]: With `contents: write` the token can change the policy that gave it.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   contents: write
      |   ^^^^^^^^^^^^^^^
      |
      = help: protect the default branch with a ruleset, or keep this policy in the policy repository
    ");
}

#[test]
fn subject_by_name_only() {
    let text = "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  issues: write\n";
    assert_snapshot!(check(text), @r"
    warning[W008]: Repositories created, renamed or transferred since July 2026 have subjects with ids, which this does not match.
     --> .github/chainguard/ci.sts.yaml:2:10
      |
    2 | subject: repo:acme/app:ref:refs/heads/main
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `repo:acme@OWNER_ID/app@ID:ref:refs/heads/main` where tokens have it, or pin `repository_id` under `claim_pattern`
    ");
}

#[test]
fn anchors_as_the_guides_had_them() {
    assert_snapshot!(check(&with_subject("subject_pattern: ^project_path:acme/app:.*$")), @r"
    warning[W007]: A pattern always matches the whole value; the anchors change nothing.
     --> .github/chainguard/ci.sts.yaml:2:18
      |
    2 | subject_pattern: ^project_path:acme/app:.*$
      |                  ^
      |
      = help: write 'project_path:acme/app:.*'
    ");
}

#[test]
fn claim_patterns() {
    assert_snapshot!(check(&with_subject("subject: me\nclaim_patterns:\n  a: b")), @r"
    error[E011]: There is no field `claim_patterns`.
     --> .github/chainguard/ci.sts.yaml:3:1
      |
    3 | claim_patterns:
      | ^^^^^^^^^^^^^^
      |
      = help: write `claim_pattern`
    ");
}

#[test]
fn organisation_policy_for_everything() {
    assert_snapshot!(check_as(&with_permissions("  members: write\n"), PolicyKind::Organization), @r"
    warning[W010]: Asked for the whole organisation, this policy gives its permissions on every repository the App can see.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   members: write
      |   ^^^^^^^^^^^^^^
      |
      = help: write `repositories:` and the names that are needed
    ");
}

#[test]
fn organisation_permission_in_a_repository() {
    assert_snapshot!(check(&with_permissions("  members: write\n")), @r"
    error[E124]: `members: write` concerns the whole organisation, and this policy may not give it.
     --> .github/chainguard/ci.sts.yaml:4:3
      |
    4 |   members: write
      |   ^^^^^^^^^^^^^^
      |
      = help: write `members: read`, or move the policy to the organisation's policy repository
    ");
}

#[test]
fn several_at_once() {
    assert_snapshot!(check("issuer: https://gitlab.com\nissuer_pattern: 'https://gitlab.com'\nsubject_pattern: '.*'\npermissions: {}\n"), @r"
    error[E102]: `issuer` and `issuer_pattern` exclude each other.
     --> .github/chainguard/ci.sts.yaml:2:1
      |
    2 | issuer_pattern: 'https://gitlab.com'
      | ^^^^^^^^^^^^^^
      |
      = help: delete `issuer` or `issuer_pattern`

    error[E121]: The policy gives no permissions, which GitHub would read as all of them.
     --> .github/chainguard/ci.sts.yaml:4:1
      |
    4 | permissions: {}
      | ^^^^^^^^^^^
      |
      = help: write for instance `permissions: {contents: read}`

    warning[W005]: This pattern matches every subject.
     --> .github/chainguard/ci.sts.yaml:3:19
      |
    3 | subject_pattern: '.*'
      |                   ^^
    ");
}
