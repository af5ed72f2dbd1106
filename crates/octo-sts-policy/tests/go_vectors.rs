//! Patterns and YAML against what upstream's libraries make of them: Go 1.26 `regexp`, and `sigs.k8s.io/yaml` 1.6.

use octo_sts_policy::{ParseOptions, Pattern, PolicyKind, TrustPolicy};
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
