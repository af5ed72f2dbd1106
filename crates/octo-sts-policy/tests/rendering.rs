//! Findings as JSON, SARIF and GitHub annotations.

use insta::assert_snapshot;
use octo_sts_policy::{
    Code, ParseOptions, PolicyKind, TrustPolicy,
    diagnostics::render::{Colour, FileReport, github, json, sarif, terminal},
};

const TEXT: &str = "issuer: https://a.example\nsubject: \"a\\nb%\"\npermissions:\n  content: read\n";

fn with_report<T>(path: &str, use_it: impl Fn(&FileReport<'_>) -> T) -> T {
    let outcome = TrustPolicy::parse(TEXT, PolicyKind::Repository, &ParseOptions::default());
    use_it(&FileReport::of(path, TEXT, &outcome))
}

#[test]
fn json_has_every_place() {
    assert_snapshot!(with_report("a.sts.yaml", |report| serde_json::to_string_pretty(&json(std::slice::from_ref(report))).unwrap()), @r#"
    [
      {
        "bytes": [
          58,
          65
        ],
        "code": "E122",
        "column": 3,
        "end_column": 10,
        "end_line": 4,
        "hint": "write `contents`",
        "line": 4,
        "message": "There is no permission `content`.",
        "path": "a.sts.yaml",
        "severity": "error",
        "title": "unknown permission"
      },
      {
        "bytes": [
          35,
          42
        ],
        "code": "W016",
        "column": 10,
        "end_column": 17,
        "end_line": 2,
        "hint": "copy it from a token, byte for byte",
        "line": 2,
        "message": "No token can have this `subject`: the subject contains a control character.",
        "path": "a.sts.yaml",
        "severity": "warning",
        "title": "value that no token can have"
      }
    ]
    "#);
}

#[test]
fn annotations_are_one_line_each() {
    assert_snapshot!(with_report("x,y:z.sts.yaml", github), @r"
    ::error file=x%2Cy%3Az.sts.yaml,line=4,endLine=4,col=3,endColumn=9,title=E122%3A unknown permission::There is no permission `content`.%0AHint: write `contents`
    ::warning file=x%2Cy%3Az.sts.yaml,line=2,endLine=2,col=10,endColumn=16,title=W016%3A value that no token can have::No token can have this `subject`: the subject contains a control character.%0AHint: copy it from a token, byte for byte
    ");
}

#[test]
fn sarif_points_at_rules_and_regions() {
    let log = with_report("my policies/a.sts.yaml", |report| sarif(std::slice::from_ref(report), "1.2.3"));
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), Code::ALL.len());
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let mut first = run["results"][0].clone();
    first.as_object_mut().unwrap().remove("ruleIndex");
    assert_snapshot!(serde_json::to_string_pretty(&first).unwrap(), @r#"
    {
      "level": "error",
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "my%20policies/a.sts.yaml"
            },
            "region": {
              "endColumn": 10,
              "endLine": 4,
              "startColumn": 3,
              "startLine": 4
            }
          }
        }
      ],
      "message": {
        "text": "There is no permission `content`. Hint: write `contents`."
      },
      "ruleId": "E122"
    }
    "#);
}

/// T-104
#[test]
fn a_terminal_gets_no_control_characters_from_a_policy() {
    let text = "issuer: https://a.example\nsubject: me\npermissions: {\"\\e[31m\\u202Econtents\": read}\n\"a\\nb\": 1\n";
    let outcome = TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default());
    let report = FileReport::of("a.sts.yaml", text, &outcome);
    let plain = terminal(&report, Colour::Off);
    assert!(plain.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{plain}");
    assert!(terminal(&report, Colour::On).contains("\u{1b}["));
}
