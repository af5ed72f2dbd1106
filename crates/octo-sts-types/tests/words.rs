//! What holds of the field's words wherever they go: into maps, into keys that replicas share, onto paper.

use std::collections::{BTreeMap, HashMap, HashSet};

use octo_sts_types::{AppId, CommitId, Issuer, Level, Owner, Permission, Repository, RepositoryName, Scope, Subject, json};

/// Keys that leave the process, and keys of maps, know no letter case: GitHub's names have none.
#[test]
fn a_name_in_another_case_is_the_same_key() {
    let names: HashSet<RepositoryName> = ["App", "app", "APP", "web"].iter().map(|name| name.parse().unwrap()).collect();
    assert_eq!(names.len(), 2);
    let repositories: HashSet<Repository> = ["Acme/App", "acme/app", "acme/web"].iter().map(|name| name.parse().unwrap()).collect();
    assert_eq!(repositories.len(), 2);
    let owner: Owner = "ACME".parse().unwrap();
    let name: RepositoryName = "App.Web".parse().unwrap();
    assert_eq!((owner.key(), name.key()), ("acme".to_owned(), "app.web".to_owned()));
    for (scope, key) in [("ACME", "acme"), ("Acme/App.Web", "acme/app.web")] {
        assert_eq!(scope.parse::<Scope>().unwrap().key(), key);
    }
}

/// T-065
#[test]
fn an_owners_policies_lie_in_the_policy_repository_and_a_repositorys_in_itself() {
    let policies: RepositoryName = "policies".parse().unwrap();
    let source = |scope: &str| scope.parse::<Scope>().unwrap().policy_source(&policies).to_string();
    assert_eq!((source("acme"), source("acme/app")), ("acme/policies".to_owned(), "acme/app".to_owned()));
}

#[test]
fn words_are_printed_as_they_were_read() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(commit.parse::<CommitId>().unwrap().to_string(), commit);
    assert_eq!(Subject::parse("repo:a/b:x {y}").unwrap().to_string(), "repo:a/b:x {y}");
    assert_eq!(Issuer::parse("https://a.example/x/").unwrap().to_string(), "https://a.example/x/");
    assert_eq!(format!("{:>5}", AppId(42)), "   42");
}

/// T-030
#[test]
fn an_issuer_by_http_or_with_something_behind_its_brackets_is_told_apart() {
    assert!(Issuer::parse("https://a.example").unwrap().is_https());
    assert!(!Issuer::parse("http://localhost:8080").unwrap().is_https());
    for text in ["https://[::1]x", "https://[::1", "https://[::1]8080"] {
        assert!(Issuer::parse(text).is_err(), "Input: {text}");
    }
}

#[test]
fn permissions_are_keys_and_levels_are_words() {
    let permission = |name: &str| name.parse::<Permission>().unwrap();
    let all: HashMap<Permission, usize> = Permission::all().enumerate().map(|(at, permission)| (permission, at)).collect();
    assert_eq!(all.len(), Permission::all().count());
    let sorted: BTreeMap<Permission, Level> =
        [("issues", Level::Write), ("contents", Level::Read)].map(|(name, level)| (permission(name), level)).into();
    assert_eq!(sorted.keys().map(|key| key.name()).collect::<Vec<_>>(), ["contents", "issues"]);
    assert!(permission("contents").partial_cmp(&permission("issues")).is_some_and(std::cmp::Ordering::is_lt));
    assert_eq!(format!("{:?}", permission("contents")), "contents");
    assert_eq!(serde_json::to_string(&[Level::Read, Level::Write, Level::Admin]).unwrap(), r#"["read","write","admin"]"#);
}

/// T-028
#[test]
fn claims_are_an_object_and_nothing_else() {
    for text in ["", "[]", "1", "\"a\"", "null", "{} {}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":1}", "{\"a\":\"\\ud800\"}"] {
        assert!(json::parse_strict_object(text.as_bytes()).is_err(), "Input: {text}");
    }
    let read = json::parse_strict_object(br#"{"a\n": "b\t", "c": ["d\u0065", 1, true, null]}"#).unwrap();
    assert_eq!(read["a\n"], "b\t");
    assert_eq!(read["c"][0], "de");
}
