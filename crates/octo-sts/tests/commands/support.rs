//! A small server that plays the service and GitHub, and the binary run against it.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

/// The token that the service gives.
pub(crate) const TOKEN: &str = "ghs_sekret0123456789";

/// The service and GitHub's API on one address.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Gives a token to the identity `ci` and refuses every other.
    pub(crate) fn start() -> Self {
        Self::with_tokens_until("2026-01-02T03:04:05Z")
    }

    /// The same, with tokens that end at this time.
    pub(crate) fn with_tokens_until(expiry: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap(), &notes, expiry)));
        Self { url, seen }
    }

    /// The request lines and bearers so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, notes: &Mutex<Vec<String>>, expiry: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let bearer = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or_default();
    notes.lock().unwrap().push(format!("{line} {bearer}"));
    let given = format!(
        r#"{{"token":"{TOKEN}","refreshToken":"","expiry":"{expiry}","expires_in":3600,"permissions":{{"contents":"read"}},"repositories":["acme/app"]}}"#
    );
    let refused = r#"{"code":7,"message":"token does not match trust policy","details":[{"reason":"mismatch","metadata":{"sub":"me"}}]}"#;
    let (status, body) = match () {
        () if line.starts_with("DELETE /installation/token") => ("204 No Content", ""),
        () if line.contains("identity=ci") => ("200 OK", given.as_str()),
        () => ("403 Forbidden", refused),
    };
    let answer = format!("HTTP/1.1 {status}\r\nx-request-id: r-1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).unwrap();
}

/// The binary with an empty environment but for the path.
pub(crate) fn octo_sts(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_octo-sts"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Runs the binary with this standard input.
pub(crate) fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
