//! Questions as the page asks them.

use serde_json::{Value, json};

const POLICY: &str = "issuer: https://issuer.example\nsubject: me\npermissions:\n  contents: read\n";

fn question() -> Value {
    json!({
        "policy": POLICY,
        "token": r#"{"iss":"https://issuer.example","sub":"me","aud":"sts.example.com"}"#,
        "scope": "acme/app",
        "service": { "audiences": ["sts.example.com", "https://github.com/{scope}"], "policy_repository": ".github", "org_permissions": "read" },
        "now": 1_800_000_000,
    })
}

fn answer(question: &Value) -> Value {
    serde_json::from_str(&super::answer(&question.to_string())).unwrap()
}

/// The answer where one field has another value.
fn with(pointer: &str, value: impl Into<Value>) -> Value {
    let mut question = question();
    *question.pointer_mut(pointer).unwrap() = value.into();
    answer(&question)
}

#[test]
fn an_admitted_token_is_told_what_it_gets() {
    let told = answer(&question());
    assert_eq!(told["verdict"], "admitted");
    assert_eq!(told["scope"], json!({ "name": "acme/app", "organization": false, "fault": null }));
    assert_eq!(told["gives"], json!({ "permissions": { "contents": "read" }, "repositories": null, "consent": [], "app": null, "keys": false }));
    assert!(told["explanation"]["clauses"].as_array().unwrap().iter().all(|clause| clause["met"] == true));
}

#[test]
fn a_refused_token_hears_every_clause_and_what_would_admit_it_and_gets_nothing() {
    let told = with("/token", r#"{"iss":"https://issuer.example/","sub":"you","aud":"elsewhere"}"#);
    let met: Vec<_> = told["explanation"]["clauses"].as_array().unwrap().iter().map(|clause| clause["met"].clone()).collect();
    assert_eq!((told["verdict"].as_str(), met), (Some("refused"), vec![json!(false); 3]));
    assert_eq!(told["explanation"]["suggestions"][1], "subject: 'you'");
    assert_eq!(told["gives"], Value::Null);
}

#[test]
fn a_wrong_policy_admits_nobody_and_says_where_it_is_wrong() {
    let told = with("/policy", POLICY.replace("contents: read", "contents: raed"));
    assert_eq!((&told["verdict"], &told["explanation"], &told["gives"]), (&json!("invalid"), &Value::Null, &Value::Null));
    let finding = &told["findings"][0];
    assert_eq!((&finding["severity"], &finding["span"]["line"]), (&json!("error"), &json!(4)));
    for member in ["code", "title", "meaning", "remedy", "message"] {
        assert!(finding[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {finding}");
    }
}

#[test]
fn a_warning_stands_beside_the_verdict() {
    let told = with("/policy", POLICY.replace("subject: me", "subject_pattern: .*"));
    assert_eq!(
        (&told["verdict"], &told["findings"][0]["code"], &told["findings"][0]["severity"]),
        (&json!("admitted"), &json!("W005"), &json!("warning"))
    );
}

#[test]
fn what_is_missing_or_unreadable_is_no_verdict() {
    for (pointer, value) in [("/policy", " \n"), ("/token", ""), ("/token", "nonsense"), ("/scope", "acme/app/x"), ("/scope", "../x")] {
        let told = with(pointer, value);
        assert_eq!((&told["verdict"], &told["gives"]), (&json!("unfinished"), &Value::Null), "Input: {pointer} {value:?}");
    }
    assert_eq!(with("/policy", "")["findings"], json!([]));
    assert!(with("/token", "nonsense")["token"]["fault"].is_string());
    assert!(with("/scope", "../x")["scope"]["fault"].is_string());
}

#[test]
fn the_scope_says_whose_policy_it_is() {
    for (scope, organization) in [("acme", true), ("acme/.github", true), ("acme/.GitHub", true), ("acme/app", false), ("acme/github", false)] {
        assert_eq!(with("/scope", scope)["scope"]["organization"], organization, "Input: {scope}");
    }
    let mut renamed = question();
    renamed["scope"] = json!("acme/.github");
    renamed["service"]["policy_repository"] = json!("policies");
    assert_eq!(answer(&renamed)["scope"]["organization"], false);
}

#[test]
fn without_a_scope_the_tokens_own_repository_is_meant() {
    let mut asked = question();
    asked["scope"] = json!(" ");
    assert_eq!(answer(&asked)["scope"]["name"], "OWNER/REPOSITORY");
    asked["token"] = json!(r#"{"iss":"https://issuer.example","sub":"me","aud":"https://github.com/acme/app","repository":"acme/app"}"#);
    let told = answer(&asked);
    assert_eq!((&told["scope"]["name"], &told["verdict"]), (&json!("acme/app"), &json!("admitted")));
}

#[test]
fn what_else_the_service_asks_for_is_told() {
    let told = with("/policy", format!("{POLICY}app: bot\nrepositories: [other, app]\n"));
    assert_eq!(told["verdict"], "admitted", "{told}");
    let gives =
        json!({ "permissions": { "contents": "read" }, "repositories": ["other", "app"], "consent": ["other"], "app": "`bot`", "keys": false });
    assert_eq!(told["gives"], gives);
    let key = "jwks: {keys: [{kty: OKP, crv: Ed25519, kid: a, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}";
    assert_eq!(with("/policy", format!("{POLICY}{key}\n"))["gives"]["keys"], true);
}

#[test]
fn permissions_over_the_organisation_are_those_the_service_lets_policies_give() {
    let asked = |level: &str, permitted: &str| {
        let mut asked = question();
        asked["policy"] = json!(POLICY.replace("contents: read", &format!("members: {level}")));
        asked["service"]["org_permissions"] = json!(permitted);
        answer(&asked)["verdict"].clone()
    };
    let verdicts = [("read", "deny"), ("read", "read"), ("write", "read"), ("write", "allow")].map(|(level, permitted)| asked(level, permitted));
    assert_eq!(verdicts, [json!("invalid"), json!("admitted"), json!("invalid"), json!("admitted")]);
}

#[test]
fn a_token_that_ended_is_said_to_have() {
    // {"alg":"RS256"} and {"iss":"https://issuer.example","sub":"me","aud":"sts.example.com","exp":1799999999}
    let token =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoibWUiLCJhdWQiOiJzdHMuZXhhbXBsZS5jb20iLCJleHAiOjE3OTk5OTk5OTl9.c2ln";
    let told = with("/token", token);
    assert_eq!(
        (&told["verdict"], &told["token"]["ended"], &told["token"]["form"]),
        (&json!("admitted"), &json!("2027-01-15T07:59:59Z"), &json!("token"))
    );
    assert_eq!(told["token"]["claims"]["sub"], "me");
}

#[test]
fn every_text_is_answered() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for text in ["", "null", "{", "[]", r#"{"policy":1}"#, r#"{"unknown":""}"#, &deep] {
        let told: Value = serde_json::from_str(&super::answer(text)).unwrap();
        assert!(told["fault"].as_str().is_some_and(|fault| fault.starts_with("the question cannot be read")), "Input: {text:.40}");
    }
    for hostile in ["<script>alert(1)</script>", "\u{202e}\u{0}\u{ffff}", "{{{{{{", &"a".repeat(100_000), &deep, &": ".repeat(30_000)] {
        for pointer in ["/policy", "/token", "/scope"] {
            let verdict = with(pointer, hostile)["verdict"].clone();
            assert!(["invalid", "unfinished", "refused"].map(Value::from).contains(&verdict), "Input: {pointer} {hostile:.20}: {verdict}");
        }
    }
}

mod examples {
    use super::*;

    const DOMAIN: &str = "sts.example.com";

    fn examples() -> Vec<Value> {
        serde_json::from_str(&include_str!("../../assets/examples.json").replace("{domain}", DOMAIN)).unwrap()
    }

    fn asked(example: &Value) -> Value {
        let lines: Vec<_> = example["policy"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let mut asked = question();
        asked["policy"] = json!(lines.join("\n"));
        asked["token"] = json!(example["token"].to_string());
        asked["scope"] = example["scope"].clone();
        asked["service"]["audiences"] = json!([DOMAIN, format!("https://{DOMAIN}"), "https://github.com/{scope}"]);
        asked
    }

    #[test]
    fn every_example_is_admitted_without_an_error_and_refused_with_another_subject() {
        let examples = examples();
        assert_eq!(examples.len(), 11);
        for example in examples {
            let mut asked = asked(&example);
            let told = answer(&asked);
            assert_eq!(told["verdict"], "admitted", "{example}: {told}");
            assert_eq!(told["findings"], json!([]), "{example}");
            let mut other = example["token"].clone();
            other["sub"] = json!("somebody:else");
            asked["token"] = json!(other.to_string());
            assert_eq!(answer(&asked)["verdict"], "refused", "{example}");
        }
    }

    #[test]
    fn every_example_has_a_name_and_an_id_of_its_own() {
        for member in ["id", "name"] {
            let mut values: Vec<_> = examples().iter().map(|example| example[member].as_str().unwrap().to_owned()).collect();
            let count = values.len();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), count, "{member}");
        }
    }
}
