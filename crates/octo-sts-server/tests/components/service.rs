//! `octo-sts serve` in a process of its own, configured by nothing but environment variables.

use std::{
    fs::{self, File},
    process::{Command, Stdio, exit},
    sync::Arc,
    time::Duration,
};

use clap::{Args as _, FromArgMatches as _};
use octo_sts_components::{Process, free_port};
use octo_sts_server::{Config, ServeArgs, serve, start_with, telemetry};

use crate::{
    caller::{get, until},
    clock::MovedByFile,
    house::{DOMAIN, House},
};

/// The variable that names the file which moves a service's time; without it, time is the machine's.
pub(crate) const CLOCK: &str = "TEST_CLOCK";

/// A service in a process of its own.
pub(crate) struct Service {
    process: Process,
    folder: tempfile::TempDir,
    port: u16,
    metrics_port: u16,
}

impl Service {
    /// Starts a service with these variables, beside those that every service of `house` has; it is ready.
    pub(crate) async fn start(house: &House, variables: &[(&str, &str)]) -> Self {
        let service = Self::launch(house, variables);
        until("the service is ready", async || service.is_ready().await).await;
        service
    }

    /// Starts a service that may not become ready.
    pub(crate) fn launch(house: &House, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, metrics_port) = (free_port(), free_port());
        let authority = folder.path().join("ca.pem");
        fs::write(&authority, house.sandbox.ca_pem()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["service::as_the_environment_says", "--exact", "--ignored", "--nocapture"])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LLVM_PROFILE_FILE"))
            .env("STS_DOMAIN", DOMAIN)
            .env("STS_LISTEN", format!("127.0.0.1:{port}"))
            .env("METRICS_PORT", metrics_port.to_string())
            .env("GITHUB_BASE_URL", house.sandbox.github().base_url())
            .env("SSL_CERT_FILE", authority)
            .env("STS_ALLOW_LOCALHOST_ISSUERS", "true")
            .env("STS_PREFETCH_ISSUERS", "")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap());
        Self { process: Process::start_heard(&mut command), folder, port, metrics_port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        get(self.port, "/readyz").await.is_ok_and(|answer| answer.status == 200)
    }

    /// The sum of a metric over its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let page = get(self.metrics_port, "/metrics").await.unwrap().body;
        let of_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        page.lines().filter(of_it).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until it ended by itself, which it must with an error; returns what it said.
    pub(crate) async fn refuses(mut self) -> String {
        for _ in 0..2_000 {
            if let Some(status) = self.process.ended() {
                assert!(!status.success(), "{}", self.log());
                return self.log();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the service does not end: {}", self.log());
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }
}

/// What `octo-sts serve` does, save that a file can move its time.
async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let Some(clock) = std::env::var_os(CLOCK) else { return Ok(serve(config).await?) };
    let running = start_with(config, Arc::new(MovedByFile(clock.into()))).await?;
    running.wait_ready().await?;
    std::future::pending().await
}

#[test]
#[ignore = "no test: it is the service, which the tests start in a process of its own"]
fn as_the_environment_says() {
    let matches = ServeArgs::augment_args(clap::Command::new("serve")).get_matches_from(["serve"]);
    let args = ServeArgs::from_arg_matches(&matches).unwrap();
    telemetry::install(None).unwrap();
    let served = Config::from_args(&args, &|name| std::env::var(name).ok())
        .map_err(Into::into)
        .and_then(|config| tokio::runtime::Runtime::new()?.block_on(run(config)));
    if let Err(error) = served {
        eprintln!("{error}");
        exit(1);
    }
}
