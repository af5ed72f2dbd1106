//! `octo-sts setup`: the command, the browser and GitHub, each with its part.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStdout, Stdio},
};

use octo_sts_sandbox::{Sandbox, SandboxSettings, Selection};
use serde_json::Value;

use super::support::{octo_sts, run, text};

/// A running `setup`, and the address of its page.
struct Setup {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Setup {
    fn start(sandbox: &Sandbox, folder: &Path, arguments: &[&str]) -> Self {
        fs::write(folder.join("ca.pem"), sandbox.ca_pem()).unwrap();
        let pages = sandbox.github().base_url().trim_end_matches("/api/v3").to_owned();
        let out = folder.join("sts");
        let fixed = ["setup", "--domain", "sts.example.com", "--github", &pages, "--out", out.to_str().unwrap()];
        let mut command = octo_sts(&[&fixed, arguments].concat());
        command.env("SSL_CERT_FILE", folder.join("ca.pem")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { child, out, address }
    }

    /// What a browser gets.
    fn get(&self, path: &str) -> String {
        self.get_as(&self.address, path)
    }

    fn get_as(&self, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The form's address, its state and its manifest.
    fn form(&self) -> (String, String, Value) {
        let page = self.get("/");
        let attribute = |before: &str| page.split(before).nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"").replace("&amp;", "&");
        let action = attribute("action=\"");
        let state = action.split("state=").nth(1).unwrap().to_owned();
        (action, state, serde_json::from_str(&attribute("name=\"manifest\" value=\"")).unwrap())
    }

    fn ended(mut self) -> (Option<i32>, String) {
        let mut told = String::new();
        self.out.read_to_string(&mut told).unwrap();
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), told + &text(&output.stderr))
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_registered_and_the_doctor_finds_it_well() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    let setup = Setup::start(&sandbox, folder.path(), &["--org", "acme", "--permission", "issues=write"]);
    let (action, state, manifest) = setup.form();
    assert!(action.contains("/organizations/acme/settings/apps/new?state="), "{action}");
    let shown = serde_json::to_string_pretty(&manifest).unwrap().replace(&setup.address, "ADDRESS");
    insta::assert_snapshot!("manifest", shown);

    let (app, code) = sandbox.github().register_from(&manifest);
    assert!(setup.get(&format!("/registered?code={code}&state={state}")).starts_with("HTTP/1.1 200 "));
    let (exit, told) = setup.ended();
    assert_eq!(exit, Some(0), "{told}");
    assert!(told.contains("/installations/new") && !told.contains("PRIVATE KEY"), "{told}");

    let files = folder.path().join("sts");
    assert_eq!(fs::read_to_string(files.join("app.pem")).unwrap(), app.private_key_pem());
    for name in ["app.pem", "webhook-secret", "octo-sts.env"] {
        assert_eq!(fs::metadata(files.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    sandbox.github().put_file("acme/.github", "README.md", "policies of the organisation");
    app.install("acme", &Selection::All);
    let doctor = format!("set -a; . '{}'; set +a; exec {} doctor --owner acme", files.join("octo-sts.env").display(), env!("CARGO_BIN_EXE_octo-sts"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &doctor]).env("SSL_CERT_FILE", folder.path().join("ca.pem")).env("STS_PREFETCH_ISSUERS", "");
    let doctor = run(shell, "");
    assert_eq!(doctor.status.code(), Some(0), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
    assert!(text(&doctor.stdout).contains("its deliveries go to https://sts.example.com/webhook"), "{}", text(&doctor.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_takes_nothing_but_githubs_answer_to_its_form() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    let mut setup = Setup::start(&sandbox, folder.path(), &[]);
    let (action, state, _) = setup.form();
    assert!(action.contains("/settings/apps/new?state=") && !action.contains("/organizations/"), "{action}");
    for (host, path, status) in [
        (setup.address.as_str(), "/registered?code=abc&state=other", "400"),
        (&setup.address, &format!("/registered?code=..%2Fapp&state={state}"), "400"),
        (&setup.address, "/etc/passwd", "404"),
        ("rebound.example.com", "/", "421"),
        ("rebound.example.com", &format!("/registered?code=abc&state={state}"), "421"),
    ] {
        assert!(setup.get_as(host, path).starts_with(&format!("HTTP/1.1 {status} ")), "Input: {host} {path}");
    }
    setup.child.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_github_does_not_know_leaves_nothing_behind() {
    let (sandbox, folder) = (sandbox().await, tempfile::tempdir().unwrap());
    let setup = Setup::start(&sandbox, folder.path(), &[]);
    let (_, state, _) = setup.form();
    setup.get(&format!("/registered?code=unheard-of&state={state}"));
    let (exit, told) = setup.ended();
    assert_eq!(exit, Some(3), "{told}");
    assert!(told.contains("GitHub does not know the code"), "{told}");
    assert_eq!(fs::read_dir(folder.path().join("sts")).unwrap().count(), 0);
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.pem"), "precious").unwrap();
    let output = run(octo_sts(&["setup", "--domain", "sts.example.com", "--out", folder.path().to_str().unwrap()]), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("app.pem` exists"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("app.pem")).unwrap(), "precious");
}

#[test]
fn a_manifest_is_printed_for_those_who_register_by_hand() {
    let output = run(octo_sts(&["setup", "--domain", "sts.example.com", "--print-manifest"]), "");
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["default_permissions"]["contents"], "read");
}

#[test]
fn wrong_arguments_end_with_two_and_say_what_to_write() {
    for (arguments, told) in [
        (&["--domain", "https://sts.example.com"][..], "is not a host name"),
        (&["--domain", "sts.example.com", "--permission", "issue=write"], "policy schema"),
        (&["--domain", "sts.example.com", "--github", "http://github.com"], "write an https URL"),
        (&["--domain", "sts.example.com", "--name", "a name that is longer than GitHub will take"], "34"),
        (&[], "--domain"),
    ] {
        let output = run(octo_sts(&[&["setup", "--print-manifest"], arguments].concat()), "");
        assert_eq!(output.status.code(), Some(2), "Input: {arguments:?}");
        assert!(text(&output.stderr).contains(told), "Input: {arguments:?}: {}", text(&output.stderr));
    }
}
