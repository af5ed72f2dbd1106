//! moto, which stands in for AWS.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Process, free_port, listening, program, program::root};

const INSTALL: &str = "python3 -m venv target/venv && target/venv/bin/pip install 'moto[server]==5.2.5'";
const REGION: &str = "eu-west-1";

/// What is put right about moto.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quirks {
    /// It signs digests as AWS KMS does.
    #[default]
    Mended,
    /// It signs a digest as if that were the message: a key service whose signatures fit nothing.
    Kept,
}

/// A moto of its own.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    port: u16,
    folder: tempfile::TempDir,
}

impl Moto {
    /// Starts one that signs digests as AWS KMS does.
    pub async fn start() -> Self {
        Self::start_with(Quirks::Mended).await
    }

    /// Starts one.
    pub async fn start_with(quirks: Quirks) -> Self {
        let port = free_port();
        let python = interpreter(&program("moto_server", "MOTO_SERVER", INSTALL));
        let script = root().join("crates/octo-sts-components/src/moto_mended.py");
        let mut command = Command::new(python);
        command.arg(script).arg(if quirks == Quirks::Mended { "digests" } else { "messages" }).args(["-p", &port.to_string()]);
        let process = Process::start(&mut command);
        listening(port).await;
        Self { process, port, folder: tempfile::tempdir().unwrap() }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Endpoint, region and credentials, as AWS's own tools read them.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIATEST".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }

    /// Creates a key for signatures; returns its id.
    pub async fn create_key(&self, spec: &str) -> String {
        self.key(&json!({"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"})).await
    }

    /// Creates a key whose private half is this PEM text, PKCS#8; returns its id.
    pub async fn import_key(&self, pem: &str) -> String {
        let path = self.folder.path().join("material.pem");
        std::fs::write(&path, pem).unwrap();
        self.key(&json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Description": format!("file:{}", path.display())})).await
    }

    async fn key(&self, wanted: &Value) -> String {
        self.call("kms", "TrentService.CreateKey", wanted).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    /// Gives a key another name, written as `alias/NAME`.
    pub async fn create_alias(&self, alias: &str, key: &str) {
        self.call("kms", "TrentService.CreateAlias", &json!({"AliasName": alias, "TargetKeyId": key})).await;
    }

    /// Creates a secret with this text.
    pub async fn create_secret(&self, name: &str, text: &str) {
        self.call("secretsmanager", "secretsmanager.CreateSecret", &json!({"Name": name, "SecretString": text})).await;
    }

    /// One call of AWS's API.
    async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=00\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.split(' ').nth(1) == Some("200"), "{target}: {answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Halts it: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.process.stall();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it without a word; its keys are gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// The Python that has moto, from the first line of its command.
fn interpreter(command: &Path) -> PathBuf {
    let text = std::fs::read_to_string(command).unwrap();
    text.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap().into()
}
