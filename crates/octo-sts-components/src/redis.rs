//! A Redis server that comes and goes.

use std::process::Command;

use crate::{Process, free_port, listening, program};

const INSTALL: &str = "apt-get install redis-server";

/// A Redis of its own.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    options: Vec<String>,
    process: Option<Process>,
}

impl Redis {
    /// Starts it with these options; `PORT` among them stands for its port.
    pub async fn start(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut redis = Self { port: free_port(), folder: tempfile::tempdir().unwrap(), options, process: None };
        redis.up().await;
        redis
    }

    /// Starts it again, with what it kept on disk.
    pub async fn up(&mut self) {
        let mut command = Command::new(program("redis-server", "REDIS_SERVER", INSTALL));
        command.arg("--dir").arg(self.folder.path()).args(["--save", "", "--bind", "127.0.0.1"]);
        let port = self.port.to_string();
        if !self.options.iter().any(|option| option == "--tls-port") {
            command.args(["--port", &port]);
        }
        command.args(self.options.iter().map(|option| if option == "PORT" { &port } else { option }));
        self.process = Some(Process::start(&mut command));
        listening(self.port).await;
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Halts it: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.process.iter().for_each(Process::stall);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.iter().for_each(Process::resume);
    }

    /// Sends a command as the administrator, and wants `OK`.
    pub fn command(&self, words: &[&str]) {
        let cli = program("redis-cli", "REDIS_CLI", INSTALL);
        let output = Command::new(cli).args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "OK");
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as the service wants it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}
