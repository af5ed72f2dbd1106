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

/// The command line of GitHub, as it comes. It speaks HTTPS alone, but to the one host that its authors develop against; the proxy is where that is.
#[test]
fn the_command_line_of_github_works_with_the_token_and_not_after_it_ended() {
    let demo = Demo::start();
    let gh = r"GH_HOST=github.localhost HTTP_PROXY=$GITHUB_API gh";
    let script = format!(
        r#"octo-sts exchange --url "$STS_URL" --api-url "$GITHUB_API" --scope acme/app --identity example --exec -- sh -c '
            echo "$GH_TOKEN" >token
            {gh} api repos/acme/app --jq .full_name
            {gh} api repos/acme/app/contents/.github/chainguard/example.sts.yaml --jq .name
            {gh} api --method POST repos/acme/app/issues -f title=Hello --jq .title
            {gh} api --silent --method PUT repos/acme/app/contents/NOTE -f message=x -f content=eA== || echo forbidden
        ' 2>/dev/null
        GH_TOKEN=$(cat token) {gh} api repos/acme/app --silent 2>/dev/null || echo ended"#
    );
    assert!(demo.command("gh").arg("--version").output().unwrap().status.success());
    assert_eq!(demo.prints(&script, &[]).lines().collect::<Vec<_>>(), ["acme/app", "example.sts.yaml", "Hello", "forbidden", "ended"]);
}

/// The page for clients of OAuth, whose example names github.com.
#[test]
fn oauth_takes_the_repositorys_address_of_the_guides_and_of_the_demo() {
    let demo = Demo::start();
    for resource in ["https://github.com/acme/app", "$GITHUB_API/acme/app", "acme/app"] {
        let script = format!(
            r#"OIDC_TOKEN=$(curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
                "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -er .value)
            curl -sSf "$STS_URL/oauth/token" -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
                -d subject_token_type=urn:ietf:params:oauth:token-type:id_token --data-urlencode "subject_token=$OIDC_TOKEN" \
                -d "resource={resource}" -d identity=example | jq -er .access_token"#
        );
        let token = demo.prints(&script, &[]);
        assert!(demo.reads(&token, "acme/app"), "Input: {resource}");
    }
}
