//! The promises of the answers to frequent questions: Terraform, organisations, audiences.

use serde_json::{Value, json};

use super::demo::{Branch, Demo, REPOSITORY};

const MAIN: &str = "subject: repo:acme/app:ref:refs/heads/main\n";

#[test]
fn terraform_gets_an_object_of_one_text_from_one_line() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "terraform", &format!("{MAIN}permissions:\n  administration: write\n  contents: read\n"));
    let script = r#"
        OIDC=$(curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
          "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -r .value)
        ANSWER=$(curl -s -H "Authorization: Bearer $OIDC" "$STS_URL/sts/exchange?scope=acme/app&identity=terraform")
        echo $ANSWER | jq '{token: .access_token}'"#;
    let said: Value = serde_json::from_str(&demo.prints(script, &[])).unwrap();
    let token = said["token"].as_str().unwrap();
    assert_eq!(said, json!({"token": token}));
    assert!(demo.reads(token, REPOSITORY));
}

#[test]
fn terraform_gets_the_same_from_the_program() {
    let demo = Demo::start();
    let script = r#"printf '{"url":"%s","scope":"acme/app","identity":"example"}' "$STS_URL" | octo-sts exchange --format terraform"#;
    let said: Value = serde_json::from_str(&demo.prints(script, &[])).unwrap();
    assert!(said.as_object().unwrap().values().all(Value::is_string), "{said}");
    assert!(demo.reads(said["token"].as_str().unwrap(), REPOSITORY));
}

#[test]
fn an_organisation_names_its_repositories_with_or_without_its_own_name() {
    let demo = Demo::start();
    for repository in ["acme/repo-one", "acme/repo-two", "acme/repo-three"] {
        demo.policy(repository, "unused", &format!("{MAIN}permissions:\n  contents: read\n"));
    }
    demo.policy("acme/.github", "automation", &format!("{MAIN}permissions:\n  contents: read\nrepositories:\n  - acme/repo-one\n  - repo-two\n"));
    for scope in ["acme", "acme/.github"] {
        let reply = demo.exchange(Branch::Main, scope, "automation");
        let token = reply.token();
        assert!(demo.reads(token, "acme/repo-one") && demo.reads(token, "acme/repo-two"), "{scope}");
        assert!(!demo.reads(token, "acme/repo-three"), "{scope}: not listed");
        assert_eq!(demo.exchange(Branch::Feature, scope, "automation").status, 403, "{scope}");
    }
}

#[test]
fn the_names_a_client_may_guess_are_audiences_of_the_demo() {
    let demo = Demo::start();
    let script = r#"TOKEN=$(octo-sts exchange --url "$STS_URL" --scope acme/app --identity example); echo "$TOKEN""#;
    assert!(demo.prints(script, &[]).starts_with("ghs_"));
    let other = r#"octo-sts exchange --url "$STS_URL" --audience elsewhere.example --scope acme/app --identity example"#;
    let output = demo.shell(other, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
