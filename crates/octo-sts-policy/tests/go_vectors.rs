//! Patterns and YAML against what upstream's libraries make of them: Go 1.26 `regexp`, and `sigs.k8s.io/yaml` 1.6.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use octo_sts_policy::{OrgPermissions, ParseOptions, Pattern, PolicyKind, TrustPolicy};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    pattern: String,
    input: String,
    alone_err: String,
    group: bool,
}

/// T-070 to T-074
#[test]
fn verdicts_and_error_texts_are_go_s() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("vectors/go_regex.json")).unwrap();
    for Row { pattern, input, alone_err, group } in rows {
        match Pattern::parse(&pattern) {
            Ok(compiled) => {
                assert_eq!(alone_err, "", "Input: {pattern}");
                assert_eq!(compiled.matches(&input), group, "Input: {pattern} on {input:?}");
            }
            Err(error) => assert_eq!(error.to_string(), alone_err, "Input: {pattern}"),
        }
    }
}

#[derive(Deserialize)]
struct Generated {
    subjects: Vec<String>,
    rows: Vec<GeneratedRow>,
}

#[derive(Deserialize)]
struct GeneratedRow {
    pattern: String,
    #[serde(default)]
    matches: Vec<usize>,
    error: Option<String>,
}

/// T-073: patterns put together at random from what the two grammars differ in.
#[test]
fn generated_patterns_match_what_go_matches() {
    let generated: Generated = serde_json::from_str(include_str!("vectors/go_regex_generated.json")).unwrap();
    for row in &generated.rows {
        let compiled = Pattern::parse(&row.pattern);
        match (&row.error, compiled) {
            (None, Ok(compiled)) => {
                let matches: Vec<_> = (0..generated.subjects.len()).filter(|at| compiled.matches(&generated.subjects[*at])).collect();
                assert_eq!(matches, row.matches, "Input: {}", row.pattern);
            }
            (Some(error), Err(ours)) => assert_eq!(ours.to_string(), *error, "Input: {}", row.pattern),
            (error, ours) => panic!("Input: {}: Go says {error:?}, we say {ours:?}", row.pattern),
        }
    }
}

#[derive(Deserialize)]
struct YamlRow {
    yaml: String,
    go: Option<String>,
}

/// T-079: a value is refused or is the one upstream reads, never another.
#[test]
fn no_value_is_read_differently_from_upstream() {
    let rows: Vec<YamlRow> = serde_json::from_str(include_str!("vectors/go_yaml.json")).unwrap();
    let mut same = 0;
    for YamlRow { yaml, go } in rows {
        let subject = if yaml.starts_with("subject") { "" } else { "\nsubject: me" };
        let text = format!("issuer: https://a.example\npermissions: {{contents: read}}{subject}\n{yaml}");
        let Ok(parsed) = TrustPolicy::parse(&text, PolicyKind::Organization, &ParseOptions::default()) else { continue };
        let policy = parsed.value;
        let claim = policy.claims().next().map(|(_, pattern)| pattern.as_str());
        let ours = claim.or(policy.repositories().map(|names| names[0].as_str())).unwrap_or(policy.subject().as_str());
        match go {
            // `OWNER/name` is kept as its name.
            Some(go) if yaml.starts_with("repositories") => assert_eq!(Some(ours), go.rsplit('/').next(), "Input: {yaml:?}"),
            Some(go) => assert_eq!(ours, go, "Input: {yaml:?}"),
            // Syntax of YAML 1.2 that upstream lacks: `\/`, and a colon or question mark before text in braces.
            None => assert!(yaml.contains("\\/") || yaml.contains(ours), "Input: {yaml:?} is accepted as {ours:?}, and upstream refuses it"),
        }
        same += 1;
    }
    assert!(same > 100, "only {same} rows were accepted");
}

/// A policy put together at random, and what `sigs.k8s.io/yaml` 1.6 and upstream's `Compile` make of it: values or an error.
#[derive(Deserialize)]
struct Document {
    yaml: String,
    go: Option<serde_json::Value>,
    error: Option<String>,
}

fn documents() -> Vec<Document> {
    serde_json::from_str(include_str!("vectors/go_yaml_documents.json")).unwrap()
}

fn read(yaml: &str) -> Result<TrustPolicy, Vec<String>> {
    let options = ParseOptions { org_permissions: OrgPermissions::Allow, owner: None };
    let read = TrustPolicy::parse(yaml, PolicyKind::Organization, &options);
    read.map(|parsed| parsed.value).map_err(|found| found.errors().iter().map(|error| error.code.to_string()).collect())
}

/// T-079: block scalars, folding, escapes, line ends, comments, numbers, braces: what is accepted is what upstream reads.
#[test]
fn a_document_is_refused_or_says_what_upstream_reads() {
    let mut same = 0;
    for Document { yaml, go, .. } in documents() {
        if let (Ok(policy), Some(go)) = (read(&yaml), go) {
            assert_eq!(serde_json::to_value(&policy).unwrap(), go, "Input: {yaml:?}");
            same += 1;
        }
    }
    assert!(same > 250, "only {same} documents were accepted");
}

/// T-07A: every kind is YAML of version 1.2, or harmless.
#[test]
fn what_upstream_refuses_and_we_accept_is_of_few_kinds() {
    let kinds = [
        // A line of nothing but tabs and a comment.
        "found character that cannot start any token",
        "found a tab character where an indentation space is expected",
        "found a tab character that violates indentation",
        // `\/`, and pairs of surrogates, as JSON has them.
        "found unknown escape character",
        "found invalid Unicode character escape code",
        // A key over two lines between braces.
        "did not find expected ',' or '}'",
        // A byte order mark after an empty line, and `...` before anything.
        r#"unknown field "\ufeffissuer""#,
        "did not find expected key",
        "did not find expected node content",
        // A claim named by a large number.
        "unsupported map key of type: uint64",
    ];
    for Document { yaml, error, .. } in documents() {
        if let (Ok(_), Some(error)) = (read(&yaml), error) {
            assert!(kinds.iter().any(|kind| error.contains(kind)), "Input: {yaml:?}: upstream: {error}");
        }
    }
}

/// Each kind of refusal that is ours alone, by its code.
#[test]
fn what_upstream_accepts_and_we_refuse_is_of_known_kinds() {
    let mut kinds: Vec<String> =
        documents().iter().filter(|document| document.go.is_some()).filter_map(|document| read(&document.yaml).err()).flatten().collect();
    kinds.sort();
    kinds.dedup();
    let expected =
        ["E002", "E003", "E004", "E005", "E006", "E007", "E009", "E010", "E011", "E101", "E103", "E107", "E110", "E121", "E123", "E131", "E132"];
    assert_eq!(kinds, expected);
}
