//! Patterns against what Go's `regexp` says of them.

use octo_sts_policy::Pattern;
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
