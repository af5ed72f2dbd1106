//! Programs that must be there, and Redis servers that come and go.

#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use octo_sts_store::Key;
use tokio::{net::TcpStream, time::sleep};

/// The program `name`, from the variable `variable` or the path.
pub fn program(name: &str, variable: &str, install: &str) -> PathBuf {
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(on_path);
    found.unwrap_or_else(|| panic!("`{name}` is missing: install it with `{install}`, or say where it is in `{variable}`"))
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens on `port`.
pub async fn listening(port: u16) {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens on port {port} after 30 s");
}

/// Ends a program with the test.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Redis of its own.
pub struct Redis {
    pub port: u16,
    folder: tempfile::TempDir,
    options: Vec<String>,
    process: Option<Running>,
}

impl Redis {
    pub async fn start(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut redis = Self { port: free_port(), folder: tempfile::tempdir().unwrap(), options, process: None };
        redis.up().await;
        redis
    }

    /// Starts it again, with what it kept on disk.
    pub async fn up(&mut self) {
        let server = program("redis-server", "REDIS_SERVER", "apt-get install redis-server");
        let mut command = Command::new(server);
        command.arg("--dir").arg(self.folder.path()).args(["--save", "", "--bind", "127.0.0.1"]);
        let port = self.port.to_string();
        if !self.options.iter().any(|option| option == "--tls-port") {
            command.args(["--port", &port]);
        }
        command.args(self.options.iter().map(|option| if option == "PORT" { &port } else { option }));
        self.process = Some(Running::start(&mut command));
        listening(self.port).await;
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn stall(&self) {
        self.process.as_ref().unwrap().signal("-STOP");
    }

    pub fn resume(&self) {
        self.process.as_ref().unwrap().signal("-CONT");
    }

    /// Sends a command as the administrator.
    pub fn command(&self, words: &[&str]) {
        let cli = program("redis-cli", "REDIS_CLI", "apt-get install redis-server");
        let output = Command::new(cli).args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "OK");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

pub fn key(number: u64) -> Key {
    Key::of("test", &[&number.to_be_bytes()])
}
