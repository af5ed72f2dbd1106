//! `octo-sts doctor`, in front of an installation that is well, and of ones that are not.

use std::{
    fs,
    process::{Command, Output},
    time::Duration,
};

use http::StatusCode;
use octo_sts_sandbox::{ActionsJob, FakeApp, Fault, Sandbox, SandboxSettings, Selection};
use octo_sts_types::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::support::{octo_sts, run, text};

const POWERS: [(&str, &str); 4] = [("checks", "write"), ("contents", "read"), ("issues", "write"), ("pull_requests", "read")];

/// An operator's machine, before `serve` is started.
struct Machine {
    sandbox: Sandbox,
    app: FakeApp,
    folder: tempfile::TempDir,
}

impl Machine {
    async fn new() -> Self {
        Self::with(&POWERS).await
    }

    async fn with(permissions: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap();
        let app = sandbox.github().create_app(4242, permissions);
        sandbox.github().put_file("acme/.github", "README.md", "policies of the organisation");
        app.install("acme", &Selection::All);
        app.deliver_to("https://sts.test/webhook", true);
        app.delivered("push", StatusCode::OK);
        // An issuer has keys once it has made a token.
        sandbox.issuer("gha").start_job(ActionsJob::new("acme/app"));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), sandbox.ca_pem()).unwrap();
        fs::write(folder.path().join("app.pem"), app.private_key_pem()).unwrap();
        Self { sandbox, app, folder }
    }

    fn doctor(&self, arguments: &[&str]) -> Command {
        let mut command = octo_sts(&[&["doctor"], arguments].concat());
        command.env("SSL_CERT_FILE", self.folder.path().join("ca.pem")).env("GITHUB_BASE_URL", self.sandbox.github().base_url());
        command.env("GITHUB_APP_IDS", "4242").env("APP_SECRET_CERTIFICATE_FILE", self.folder.path().join("app.pem"));
        command.env("STS_DOMAIN", "sts.test").env("STS_ALLOW_LOCALHOST_ISSUERS", "true");
        command.env("STS_PREFETCH_ISSUERS", self.sandbox.issuer("gha").url()).env("GITHUB_WEBHOOK_SECRET", "0123456789abcdef0123456789abcdef");
        command.env("EVENT_INGRESS_URI", self.sandbox.events().url());
        command
    }

    fn told(&self, arguments: &[&str]) -> Told {
        Told::by(&run(self.doctor(arguments), ""))
    }
}

struct Told {
    code: Option<i32>,
    text: String,
}

impl Told {
    fn by(output: &Output) -> Self {
        Self { code: output.status.code(), text: text(&output.stdout) + &text(&output.stderr) }
    }

    fn says(&self, code: i32, line: &str) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        assert!(self.text.lines().any(|told| told.starts_with(line)), "{line}\n{}", self.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_is_told_and_nothing_is_changed() {
    let machine = Machine::new().await;
    let told = machine.told(&["--owner", "acme"]);
    for line in [
        "ok       configuration: sts.test, with GitHub at https://",
        "ok       App 4242: its key signs, and GitHub knows it as \"octo-sts-4242\", https://",
        "ok       App 4242: policies can grant up to checks: write, contents: read, issues: write, pull_requests: read",
        "ok       App 4242: its deliveries go to https://sts.test/webhook",
        "ok       App 4242: its latest 1 deliveries arrived",
        "ok       App 4242 on acme: installed, and sees all repositories",
        "ok       clock: in step with GitHub's",
        "ok       issuer ",
        "ok       EVENT_INGRESS_URI: answers",
        // Nobody serves here, and the name leads nowhere.
        "warning  service: https://sts.test is not reached from here: ",
        "0 failed, 1 to look at.",
    ] {
        told.says(0, line);
    }
    assert!(machine.sandbox.github().ledger().is_empty(), "no token is minted");
    assert!(machine.sandbox.events().received().is_empty(), "no event is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_lacks_is_named() {
    let machine = Machine::with(&[("contents", "read"), ("checks", "read")]).await;
    let told = machine.told(&[]);
    told.says(1, "FAILED   App 4242: it lacks `checks: write`: policies in pull requests cannot be checked");
    told.says(1, "FAILED   App 4242: it lacks `pull_requests: read`: policies in pull requests cannot be checked");
    told.says(1, "         on the App's settings page, under Permissions & events, set checks to write");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_app_is_no_key() {
    let machine = Machine::new().await;
    let other = machine.sandbox.github().create_app(7, &POWERS);
    fs::write(machine.folder.path().join("app.pem"), other.private_key_pem()).unwrap();
    machine.told(&[]).says(1, "FAILED   App 4242: GitHub refuses its key (");
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_that_do_not_serve_are_told() {
    let machine = Machine::new().await;
    machine.sandbox.github().put_file("empty/app", "README.md", "not installed here");
    machine.sandbox.github().put_file("resting/app", "README.md", "installed, and suspended");
    let suspended = machine.app.install("resting", &Selection::All);
    machine.sandbox.github().suspend(suspended, true);
    let told = machine.told(&["--owner", "empty", "--owner", "resting", "--owner", "nobody-at-all"]);
    told.says(1, "FAILED   App 4242 on empty: it is not installed there");
    told.says(1, "FAILED   App 4242 on resting: the installation is suspended");
    told.says(1, "FAILED   App 4242 on nobody-at-all: it is not installed there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_leads_elsewhere_is_told() {
    let machine = Machine::new().await;
    machine.app.deliver_to("https://old.example.com/hook", false);
    machine.app.delivered("push", StatusCode::BAD_GATEWAY);
    machine.app.subscribe(&["push"]);
    let told = machine.told(&[]);
    told.says(0, "warning  App 4242: its deliveries go to \"https://old.example.com/hook\"");
    told.says(0, "warning  App 4242: GitHub does not check the certificate of that address");
    told.says(0, "warning  App 4242: it does not subscribe to check_run, check_suite, pull_request");
    told.says(0, "warning  App 4242: 1 of its latest 1 deliveries failed; the last of them, `push` at ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_reach_is_told_within_the_time_of_one_call() {
    let machine = Machine::new().await;
    machine.sandbox.github().fault(Fault::on_any("").hang());
    let clock = SystemClock;
    let began = clock.monotonic();
    let mut command = machine.doctor(&["--service", "http://127.0.0.1:1", "--owner", "acme"]);
    command.env("STS_PREFETCH_ISSUERS", "http://127.0.0.1:1").env("EVENT_INGRESS_URI", "https://127.0.0.1:1/events");
    let told = Told::by(&run(command, ""));
    let took = clock.monotonic().duration_since(began);
    assert!(took < Duration::from_secs(18), "{took:?}");
    told.says(1, "FAILED   App 4242: GitHub was not asked about it: ");
    told.says(1, "FAILED   App 4242 on acme: GitHub does not say: ");
    told.says(1, "FAILED   clock: GitHub is not reached: ");
    told.says(1, "FAILED   issuer http://127.0.0.1:1: its keys cannot be fetched: ");
    told.says(1, "FAILED   EVENT_INGRESS_URI: does not answer: ");
    told.says(1, "warning  service: http://127.0.0.1:1 is not reached from here: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_json() {
    let machine = Machine::new().await;
    let output = run(machine.doctor(&["--format", "json"]), "");
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &findings[0];
    assert_eq!((&first["about"], &first["verdict"], first.get("hint")), (&json!("configuration"), &json!("ok"), None));
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["verdict"] == "warning" && finding["hint"].is_string()));
}

#[test]
fn a_wrong_configuration_ends_with_two() {
    let told = Told::by(&run(octo_sts(&["doctor"]), ""));
    told.says(2, "octo-sts: ");
    assert!(told.text.contains("STS_DOMAIN"), "{}", told.text);
}
