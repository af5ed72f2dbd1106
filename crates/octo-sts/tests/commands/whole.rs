//! The service, GitHub and the client together: a job asks, uses its token, and the record tells of it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use octo_sts_client::sha256_hex;
use octo_sts_sandbox::{ActionsJob, Sandbox, SandboxSettings, Selection};
use rustix::process::{Pid, Signal, kill_process};

use super::support::{octo_sts, run, text};

/// A service in a process of its own, in front of a sandbox.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: String,
    pub(crate) service: Child,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same, with more variables for the service.
    pub(crate) async fn open_with(variables: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap();
        let app = sandbox.github().create_app(4242, &[("contents", "write"), ("issues", "write")]);
        let policy = format!(
            "issuer: {}\nsubject: repo:acme/app:ref:refs/heads/main\naudience: sts.test\npermissions:\n  contents: read\n",
            sandbox.issuer("gha").url()
        );
        sandbox.github().put_file("acme/app", ".github/chainguard/ci.sts.yaml", policy);
        app.install("acme", &Selection::All);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), sandbox.ca_pem()).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        fs::write(folder.path().join("app.pem"), app.private_key_pem()).unwrap();
        fs::create_dir(folder.path().join("spill")).unwrap();
        let service = serve(&sandbox, folder.path(), &address, variables);
        let mut house = Self { sandbox, folder, address, service };
        house.wait_until_ready().await;
        house
    }

    /// Kills the service as the system would when there is no memory left.
    pub(crate) fn kill(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }

    /// Starts the service again where it was killed.
    pub(crate) async fn start_again(&mut self) {
        self.service = serve(&self.sandbox, self.folder.path(), &self.address, &[]);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let log = self.folder.path().join("log");
        for _ in 0..500 {
            if std::net::TcpStream::connect(&self.address).is_ok() {
                return;
            }
            assert!(self.service.try_wait().unwrap().is_none(), "the service ended: {}", fs::read_to_string(log).unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the service does not listen: {}", fs::read_to_string(log).unwrap());
    }

    pub(crate) fn audit_file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// The client as a step of a job on this branch would run it.
    pub(crate) fn step(&self, branch: &str, arguments: &[&str]) -> Command {
        let credentials = self.sandbox.issuer("gha").start_job(ActionsJob::new("acme/app").git_ref(format!("refs/heads/{branch}")));
        let url = format!("http://{}", self.address);
        let mut command = octo_sts(&[&["exchange", "--url", &url, "--audience", "sts.test", "--identity", "ci"], arguments].concat());
        command.env("SSL_CERT_FILE", self.folder.path().join("ca.pem")).env("GITHUB_API_URL", self.sandbox.github().base_url());
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_REPOSITORY", "acme/app");
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", credentials.request_url).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", credentials.request_token);
        command
    }

    /// What the service wrote into this file of the folder; nothing where it is not there.
    pub(crate) fn written(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join(name)).unwrap_or_default()).into_owned()
    }

    /// Everything that the service wrote.
    fn everything(&self) -> String {
        let spilled = fs::read_dir(self.folder.path().join("spill")).unwrap();
        let spilled = spilled.map(|file| self.written(&format!("spill/{}", file.unwrap().file_name().to_str().unwrap())));
        [self.written("log"), self.written("audit.jsonl")].into_iter().chain(spilled).collect()
    }

    /// No run of any test may leave a token behind in what the service wrote.
    fn assert_nothing_secret(&self, written: &str) {
        for entry in self.sandbox.github().ledger() {
            assert!(!written.contains(&entry.token), "token {} is in a record", entry.number);
        }
        assert!(!written.contains("eyJ") && !written.contains("ghs_") && !written.contains("PRIVATE KEY"));
    }

    fn audit(&self, arguments: &[&str], input: &str) -> String {
        text(&run(octo_sts(&[&["audit", self.audit_file().to_str().unwrap()], arguments].concat()), input).stdout)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        if !std::thread::panicking() {
            self.assert_nothing_secret(&self.everything());
        }
    }
}

fn serve(sandbox: &Sandbox, folder: &Path, address: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = octo_sts(&["serve"]);
    command.env("SSL_CERT_FILE", folder.join("ca.pem")).env("GITHUB_BASE_URL", sandbox.github().base_url());
    command.env("GITHUB_APP_IDS", "4242").env("APP_SECRET_CERTIFICATE_FILE", folder.join("app.pem"));
    command.env("STS_DOMAIN", "sts.test").env("STS_LISTEN", address).env("METRICS_PORT", "0");
    command.env("STS_ALLOW_LOCALHOST_ISSUERS", "true").env("STS_PREFETCH_ISSUERS", "");
    command.env("EVENT_INGRESS_URI", sandbox.events().url()).env("STS_AUDIT_FILE", folder.join("audit.jsonl"));
    command.env("STS_AUDIT_DIR", folder.join("spill")).envs(variables.iter().copied());
    command.stderr(Stdio::from(fs::File::create(folder.join("log")).unwrap())).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_gets_a_token_uses_it_and_leaves_a_record() {
    let house = House::open().await;
    let output = run(house.step("main", &["--exec", "--", "sh", "-c", "printf %s \"$GH_TOKEN\""]), "");
    let token = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let entry = house.sandbox.github().ledger().into_iter().find(|entry| entry.token == token).unwrap();
    assert!(entry.revoked, "the token ends with the command");
    assert_eq!(entry.repositories, Some(vec!["acme/app".to_owned()]));

    let told = house.audit(&["--leaked"], &token);
    assert!(told.contains("granted acme/app/ci to repo:acme/app:ref:refs/heads/main") && told.contains("permissions=contents:read"), "{told}");
    assert!(house.audit(&["--verify"], "").contains(" 0 faults"));
    let arrived = |sandbox: &Sandbox| sandbox.events().received().iter().any(|event| event.data["token_sha256"] == sha256_hex(&token));
    assert!(house.sandbox.eventually(Duration::from_secs(5), arrived).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_ends_a_token_for_who_does_not_reach_github() {
    let house = House::open().await;
    let url = format!("http://{}", house.address);
    let token = text(&run(house.step("main", &[]), "").stdout).trim().to_owned();
    let revoke = |token: &str| run(octo_sts(&["revoke", "--url", &url, "--api-url", "http://127.0.0.1:1"]), token);
    for _ in 0..2 {
        let output = revoke(&token);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "a token that has ended has ended");
    }
    assert!(house.sandbox.github().ledger().iter().any(|entry| entry.token == token && entry.revoked));
    let personal = revoke("ghp_personal");
    assert_eq!(personal.status.code(), Some(1));
    assert!(text(&personal.stderr).starts_with("octo-sts: this is no installation token: end it where it was issued"), "{}", text(&personal.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_branch_is_told_why_and_is_on_record() {
    let house = House::open().await;
    let output = run(house.step("feature", &[]), "");
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "{told}");
    assert!(told.starts_with("octo-sts: token does not match trust policy"), "{told}");
    assert!(told.contains("repo:acme/app:ref:refs/heads/feature"), "{told}");
    assert!(!told.contains("refs/heads/main"), "what the policy wants is not told: {told}");
    let refused = house.audit(&["--outcome", "refused", "--repository", "acme/app"], "");
    assert!(refused.contains("to repo:acme/app:ref:refs/heads/feature of"), "{refused}");
}

/// T-130
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_leaves_a_record_of_every_token_it_gave() {
    let mut house = House::open().await;
    let tokens: Vec<String> = (0..5).map(|_| text(&run(house.step("main", &[]), "").stdout).trim().to_owned()).collect();
    house.kill();
    for token in &tokens {
        assert!(token.starts_with("ghs_") && house.audit(&["--leaked"], token).lines().count() == 1);
    }
    let recorded = fs::read_to_string(house.audit_file()).unwrap();
    for entry in house.sandbox.github().live_tokens() {
        assert!(recorded.contains(&sha256_hex(&entry.token)), "token {} is live and not on record", entry.number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_audit_file_goes_on_in_a_new_one() {
    let house = House::open().await;
    run(house.step("main", &[]), "");
    let old = house.folder.path().join("audit.jsonl.1");
    fs::rename(house.audit_file(), &old).unwrap();
    kill_process(Pid::from_child(&house.service), Signal::HUP).unwrap();
    let made = house.sandbox.eventually(Duration::from_secs(5), |_| house.audit_file().exists()).await;
    assert!(made, "{}", fs::read_to_string(house.folder.path().join("log")).unwrap());
    run(house.step("main", &[]), "");
    let files = [&old, &house.audit_file()].map(|path| path.to_str().unwrap().to_owned());
    let told = text(&run(octo_sts(&["audit", "--verify", &files[0], &files[1]]), "").stdout);
    assert!(told.contains(" 0 faults"), "{told}");
    assert!(house.audit(&["--outcome", "granted"], "").lines().count() == 1);
}

/// T-161: neither a crash nor a debugger of the same user gets at what the service holds in memory.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_service_leaves_no_core_dump() {
    let house = House::open().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", house.service.id())).unwrap();
    let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{limits}");
}

/// Nothing that a run leaves behind holds a secret (T-105).
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_or_record() {
    let house = House::open().await;
    let output = run(house.step("main", &["-v", "--exec", "--", "true"]), "");
    run(house.step("feature", &["-v"]), "");
    let written = text(&output.stderr) + &house.everything();
    assert!(written.contains("acme/app"));
    house.assert_nothing_secret(&written);
}
