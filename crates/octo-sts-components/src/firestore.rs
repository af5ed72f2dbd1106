//! The Firestore emulator from npm.
//!
//! It does not look at a condition on a document's version.

use std::{path::PathBuf, process::Command};

use crate::{Process, free_port, listening, program, program::root};

const INSTALL: &str = "npm install --prefix target/npm @firestore-emulator/server@0.3.15";
const SCRIPT: &str = "const {FirestoreServer} = require('@firestore-emulator/server'); new FirestoreServer().start(Number(process.argv[1]))";

/// An emulator of its own.
#[derive(Debug)]
pub struct FirestoreEmulator {
    process: Process,
    port: u16,
}

impl FirestoreEmulator {
    /// Starts it.
    pub async fn start() -> Self {
        let node = program("node", "NODE", "your system's package of Node.js 20 or newer");
        let modules = std::env::var_os("NODE_PATH").map_or_else(|| root().join("target/npm/node_modules"), PathBuf::from);
        assert!(modules.join("@firestore-emulator/server").is_dir(), "the Firestore emulator is missing: install it with `{INSTALL}`");
        let port = free_port();
        let process = Process::start(Command::new(node).args(["-e", SCRIPT, &port.to_string()]).env("NODE_PATH", modules));
        listening(port).await;
        Self { process, port }
    }

    /// Where it listens, as `FIRESTORE_EMULATOR_HOST` has it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Halts it: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.process.stall();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
