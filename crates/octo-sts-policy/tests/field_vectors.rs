//! Issuers, subjects, audiences and scopes against upstream's verdicts on them: what differs is listed, and is stricter or
//! promised by the published guides.

use octo_sts_types::{Audience, Issuer, Scope, Subject};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "in")]
    text: String,
    valid: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScopeRow {
    scope: String,
    owner: String,
    repo: String,
    org_scope: bool,
}

/// What only we accept, and what only upstream accepts.
fn differences(vectors: &str, valid: impl Fn(&str) -> bool) -> [Vec<String>; 2] {
    let rows: Vec<Row> = serde_json::from_str(vectors).unwrap_or_default();
    assert!(rows.len() > 20, "the vectors were not read");
    let differing = |ours: bool| rows.iter().filter(|row| valid(&row.text) == ours && row.valid != ours).map(|row| row.text.clone()).collect();
    [differing(true), differing(false)]
}

/// T-027
#[test]
fn audiences_are_upstream_s() {
    assert_eq!(differences(include_str!("vectors/audience.json"), |text| Audience::parse(text).is_ok()), [vec![""; 0], vec![]]);
}

/// T-030: one spelling for each address.
#[test]
fn issuers_are_upstream_s_in_their_canonical_spelling() {
    let [looser, stricter] = differences(include_str!("vectors/issuer.json"), |text| Issuer::parse(text).is_ok());
    assert_eq!(looser, [""; 0]);
    assert_eq!(
        stricter,
        [
            "https://A.com",
            "HTTPS://a.com",
            "https://a.com:443",
            "https://a.com:99999",
            "https://a.com:",
            "https://[::1%25eth0]",
            "https://2852039166",
            "https://0x7f.1",
            "https://.a.com",
        ]
    );
}

/// T-029: design section 5, `sub` is opaque; Bitbucket, HCP Terraform and Azure DevOps need it.
#[test]
fn subjects_are_opaque() {
    let [opaque, stricter] = differences(include_str!("vectors/subject.json"), |text| Subject::parse(text).is_ok());
    assert_eq!(stricter, [""; 0]);
    let told_by = |text: &String| text.len() > 255 || text.contains(|c: char| c.is_whitespace() || "\"'`\\<>;&$(){}[]\u{202e}".contains(c));
    assert!(!opaque.is_empty() && opaque.iter().all(told_by), "{opaque:?}");
    assert!(opaque.iter().all(|text| !text.contains(char::is_control)));
}

/// T-060: a scope that is accepted means what upstream makes of it, and aliases are not accepted.
#[test]
fn scopes_have_one_meaning() {
    let rows: Vec<ScopeRow> = serde_json::from_str(include_str!("vectors/scope.json")).unwrap_or_default();
    let mut accepted = 0;
    for row in &rows {
        let Ok(scope) = row.scope.parse::<Scope>() else { continue };
        accepted += 1;
        assert_eq!(scope.to_string(), row.scope);
        assert_eq!(scope.owner().as_str(), row.owner, "Input: {:?}", row.scope);
        match scope {
            Scope::Owner(_) => assert!(row.org_scope, "Input: {:?}", row.scope),
            Scope::Repository(repository) => assert_eq!(repository.name.as_str(), row.repo, "Input: {:?}", row.scope),
        }
    }
    assert!(accepted >= 4 && accepted < rows.len() / 2, "{accepted} of {} were accepted", rows.len());
}
