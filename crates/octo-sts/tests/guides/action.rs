//! The action, ours and the one that workflows use today, under Node in front of the demo.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use super::demo::{Demo, REPOSITORY, text};

/// Files that a runner gives to a step.
const FILES: [&str; 4] = ["GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"];

fn ours(step: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../action/dist/{step}.js"))
}

fn upstream() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides/upstream_step.mjs")
}

/// Runs a step under Node, with empty files of a runner.
fn step(demo: &Demo, script: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = demo.command("node");
    command.arg(script).args(arguments).envs(variables.iter().copied());
    for file in FILES {
        fs::write(demo.path(file), "").unwrap();
        command.env(file, demo.path(file));
    }
    command.output().unwrap()
}

/// What a step wrote to a file of the runner: `name=value`, or a value between delimiters.
fn written(demo: &Demo, file: &str) -> BTreeMap<String, String> {
    let content = fs::read_to_string(demo.path(file)).unwrap();
    let (mut values, mut lines) = (BTreeMap::new(), content.lines());
    while let Some(line) = lines.next() {
        if let Some((name, delimiter)) = line.split_once("<<") {
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            values.insert(name.to_owned(), value.join("\n"));
        } else if let Some((name, value)) = line.split_once('=') {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
    values
}

fn assert_success(output: &Output) -> String {
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    said
}

#[test]
fn the_action_of_existing_workflows_works_unchanged() {
    let demo = Demo::start();
    let inputs = [("INPUT_SCOPE", REPOSITORY), ("INPUT_IDENTITY", "example"), ("INPUT_DOMAIN", "octo-sts.localhost")];
    let said = assert_success(&step(&demo, &upstream(), &["main"], &inputs));
    let token = written(&demo, "GITHUB_OUTPUT")["token"].clone();
    assert_eq!(written(&demo, "GITHUB_STATE")["token"], token);
    assert!(said.starts_with(&format!("::add-mask::{token}\n")), "masked before anything else: {said}");
    assert!(demo.reads(&token, REPOSITORY));
    assert_success(&step(&demo, &upstream(), &["post"], &[("STATE_token", &token)]));
    assert!(!demo.reads(&token, REPOSITORY), "the post step ends it");
}

#[test]
fn the_action_of_existing_workflows_prints_our_sentence() {
    let demo = Demo::start();
    let inputs = [("INPUT_SCOPE", REPOSITORY), ("INPUT_IDENTITY", "nobody"), ("INPUT_DOMAIN", "octo-sts.localhost")];
    let output = step(&demo, &upstream(), &["main"], &inputs);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("::error::unable to find trust policy for"), "{output:?}");
    assert!(written(&demo, "GITHUB_OUTPUT").is_empty());
}

#[test]
fn our_action_gets_a_token_and_ends_it() {
    let demo = Demo::start();
    let (service, api) = (demo.exported("STS_URL"), demo.exported("GITHUB_API"));
    let inputs = [("INPUT_IDENTITY", "example"), ("INPUT_BASE-URL", service), ("INPUT_API-URL", api)];
    let said = assert_success(&step(&demo, &ours("main"), &[], &inputs));
    let (outputs, state) = (written(&demo, "GITHUB_OUTPUT"), written(&demo, "GITHUB_STATE"));
    let token = outputs["token"].as_str();
    assert!(demo.reads(token, REPOSITORY));
    assert_eq!(outputs["repositories"], r#"["acme/app"]"#);
    assert!(outputs["permissions"].contains(r#""issues":"write""#), "{outputs:?}");
    assert!(outputs["expires-at"].ends_with('Z') && outputs["token-sha256"].len() == 64, "{outputs:?}");
    assert!(said.lines().all(|line| line.starts_with("::add-mask::") || !line.contains(token)), "shown without a mask: {said}");
    let state: Vec<_> = state.iter().map(|(name, value)| (format!("STATE_{name}"), value.as_str())).collect();
    let state: Vec<_> = state.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let said = assert_success(&step(&demo, &ours("post"), &[], &state));
    assert!(said.contains("The token is revoked"), "{said}");
    assert!(!demo.reads(token, REPOSITORY), "the post step ends it");
    let said = assert_success(&step(&demo, &ours("post"), &[], &state));
    assert!(said.contains("already ended"), "nothing left to end is no error: {said}");
}

#[test]
fn our_action_explains_a_refusal_and_leaves_nothing() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "elsewhere", "subject: repo:acme/app:ref:refs/heads/develop\npermissions:\n  contents: read\n");
    let (service, api) = (demo.exported("STS_URL"), demo.exported("GITHUB_API"));
    for (identity, sentence) in [("elsewhere", "does not match trust policy"), ("nobody", "to find trust policy")] {
        let inputs = [("INPUT_IDENTITY", identity), ("INPUT_BASE-URL", service), ("INPUT_API-URL", api)];
        let output = step(&demo, &ours("main"), &[], &inputs);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(sentence) && said.contains("sub: repo:acme/app:ref:refs/heads/main"), "{said}");
        assert!(written(&demo, "GITHUB_OUTPUT").is_empty() && written(&demo, "GITHUB_STATE").is_empty(), "{identity}");
        assert!(fs::read_to_string(demo.path("GITHUB_STEP_SUMMARY")).unwrap().contains(sentence), "{identity}");
    }
}
