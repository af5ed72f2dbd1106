//! `octo-sts probe`, as a person, a scheduler and Prometheus see it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use octo_sts_sandbox::{ActionsJob, Sandbox, SandboxSettings, Selection};
use octo_sts_server::{
    Config, Running,
    config::{AppConfig, AppsSource, KeySource, OwnerApps},
    start,
};
use rustix::process::{Pid, Signal, kill_process};

use super::support::{octo_sts, run, text};

const POLICY: &str = ".github/chainguard/prober.sts.yaml";

/// The real service on a fake GitHub, with a repository for the prober.
struct Probed {
    sandbox: Sandbox,
    service: Running,
    folder: tempfile::TempDir,
}

impl Probed {
    async fn start() -> Self {
        let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap();
        let app = sandbox.github().create_app(4242, &[("contents", "write"), ("issues", "write")]);
        let key = KeySource::PemText { text: app.private_key_pem().into(), origin: "a test".to_owned() };
        let apps = vec![OwnerApps { owner: None, apps: vec![AppConfig { id: app.id(), name: None, key }] }];
        let mut config = Config::new("sts.test", AppsSource::Fixed(apps));
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.github_base_url = sandbox.github().base_url().parse().unwrap();
        config.extra_roots = Some(sandbox.ca_pem().to_owned());
        config.issuers.allow_localhost = true;
        config.issuers.prefetch = Vec::new();
        let probed = Self { service: start(config).await.unwrap(), folder: tempfile::tempdir().unwrap(), sandbox };
        probed.grant("read");
        app.install("acme", &Selection::All);
        fs::write(probed.folder.path().join("ca.pem"), probed.sandbox.ca_pem()).unwrap();
        probed
    }

    /// The prober's policy, with this level for issues.
    fn grant(&self, issues: &str) {
        let url = self.sandbox.issuer("gha").url();
        let policy = format!("issuer: {url}\nsubject: repo:acme/prober:ref:refs/heads/main\npermissions:\n  contents: read\n  issues: {issues}\n");
        self.sandbox.github().put_file("acme/prober", POLICY, policy);
    }

    fn probe(&self, arguments: &[&str]) -> Command {
        let credentials = self.sandbox.issuer("gha").start_job(ActionsJob::new("acme/prober"));
        let mut command = octo_sts(&[&["probe"], arguments].concat());
        command.env("STS_DOMAIN", "sts.test").env("PROBER_URL", format!("http://{}", self.service.address()));
        command.env("PROBER_SCOPE", "acme/prober").env("PROBER_IDENTITY", "prober");
        command.env("SSL_CERT_FILE", self.folder.path().join("ca.pem")).env("GITHUB_BASE_URL", self.sandbox.github().base_url());
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", credentials.request_url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", credentials.request_token);
        command
    }
}

/// A prober of a service that is not there.
fn of_nobody(arguments: &[&str]) -> Command {
    let mut command = octo_sts(&[&["probe"], arguments].concat());
    command.env("PROBER_URL", "http://127.0.0.1:1").env("PROBER_IDENTITY", "prober").env("PROBER_TOKEN", "a.e30.c");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_finds_all_well_ends_with_nought() {
    let probed = Probed::start().await;
    let output = run(probed.probe(&["--once"]), "");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert_eq!(text(&output.stdout).lines().filter(|line| line.contains(": passed (")).count(), 6);
}

/// T-162
#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_finds_a_fault_names_the_probe_on_standard_error() {
    let probed = Probed::start().await;
    probed.grant("write");
    let output = run(probed.probe(&["--once"]), "");
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with("octo-sts: exchange: FAILED at write: the forbidden write: GitHub must answer 403, and answered 201"), "{told}");
}

/// T-162
#[test]
fn a_dead_service_fails_every_probe_that_runs() {
    let output = run(of_nobody(&["--once"]), "");
    assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(1), 5));
}

#[test]
fn a_configuration_that_cannot_be_ends_with_two() {
    for (command, name) in [
        (octo_sts(&["probe", "--once"]), "STS_DOMAIN"),
        (octo_sts(&["probe", "--once", "--domain", "sts.test"]), "PROBER_IDENTITY"),
        (of_nobody(&["--once", "--probes", "nonsense"]), "PROBER_PROBES"),
        (of_nobody(&["--every", "1s"]), "--every"),
        (of_nobody(&[]), "AUTHORIZATION"),
    ] {
        let output = run(command, "");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with(&format!("octo-sts: {name}")), "{}", text(&output.stderr));
    }
}

/// A prober that stays; it is killed with the test.
struct Staying(Child);

impl Staying {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The answer to a GET, head and body; waits until somebody listens.
fn get(port: u16, path: &str, authorization: &str) -> String {
    let mut stream =
        (0..500).find_map(|_| TcpStream::connect(("127.0.0.1", port)).map_err(|_| std::thread::sleep(Duration::from_millis(20))).ok()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: prober\r\nauthorization: {authorization}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_endpoint_runs_a_round_for_those_who_may_and_ends_on_sigterm() {
    let (port, metrics) = (free_port(), free_port());
    let mut command = of_nobody(&[]);
    command.env("PORT", port.to_string()).env("METRICS_PORT", metrics.to_string()).env("AUTHORIZATION", "Bearer sekret");
    let prober = Staying::start(command);
    assert!(get(port, "/", "Bearer wrong").starts_with("HTTP/1.1 401 "));
    let answer = get(port, "/", "Bearer sekret");
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains(r#""probe":"exchange""#), "{answer}");
    assert!(get(metrics, "/metrics", "").contains(r#"octo_sts_probe_success{probe="exchange"} 0"#));
    assert_eq!(prober.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_at_a_pace_leave_metrics() {
    let probed = Probed::start().await;
    let metrics = free_port();
    let mut command = probed.probe(&["--every", "5s"]);
    command.env("METRICS_PORT", metrics.to_string());
    let staying = Staying::start(command);
    let passed = |page: &str| page.contains(r#"octo_sts_probe_success{probe="exchange"} 1"#);
    let found = (0..250).any(|_| {
        passed(&get(metrics, "/metrics", "")) || {
            std::thread::sleep(Duration::from_millis(20));
            false
        }
    });
    assert!(found, "{}", get(metrics, "/metrics", ""));
    assert_eq!(staying.end(), Some(0));
}
