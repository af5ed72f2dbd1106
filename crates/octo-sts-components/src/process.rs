//! Programs that run for as long as a test does.

use std::{
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{net::TcpStream, time::sleep};

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens on `port`.
pub async fn listening(port: u16) {
    for _ in 0..1_200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens on port {port} after a minute");
}

/// A running program; it ends when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program that says nothing.
    pub fn start(command: &mut Command) -> Self {
        Self::start_heard(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// Starts a program whose output goes where `command` says.
    pub fn start_heard(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }

    /// Halts it: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Process::stall`].
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal, written as `-HUP`.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
