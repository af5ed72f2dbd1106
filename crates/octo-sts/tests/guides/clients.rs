//! Clients that others wrote, in front of the demo: OAuth libraries, and a tester that reads the service's description.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::demo::{Demo, text};

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides").join(name)
}

/// A program of the Python environment that `./test.sh components` makes.
fn python_program(demo: &Demo, name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin").join(name);
    assert!(path.is_file(), "`{}` is missing: run `./test.sh components`, which installs it", path.display());
    let mut command = demo.command("env");
    command.arg(path);
    command
}

fn assert_success(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn stock_oauth_libraries_get_use_and_end_a_token() {
    let demo = Demo::start();
    assert_success(python_program(&demo, "python").arg(beside("oauth_client.py")));
}

#[test]
fn the_service_is_as_its_description_says() {
    let demo = Demo::start();
    let script = r#"curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -er .value"#;
    let bearer = demo.prints(script, &[]);
    let mut tester = python_program(&demo, "schemathesis");
    tester.arg("--config-file").arg(beside("schemathesis.toml"));
    tester.args(["run", "--phases", "examples,coverage,fuzzing", "--max-examples", "50", "--seed", "1", "--no-color"]);
    tester.args(["-H", &format!("Authorization: Bearer {bearer}"), &format!("{}/openapi.json", demo.exported("STS_URL"))]);
    assert_success(&mut tester);
}
