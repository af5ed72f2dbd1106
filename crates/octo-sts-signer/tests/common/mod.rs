//! Parts the tests of this crate share: keys, a fake cloud over TLS, and programs that must be there.

#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

use std::{error::Error, net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_signer::{ServiceError, TokenSource};
use secrecy::SecretString;
use serde_json::Value;
use tokio_rustls::{TlsAcceptor, rustls};

/// An RSA private key of 2048 bits, PKCS#8.
pub const KEY: &str = include_str!("../keys/pkcs8.pem");

/// The program `name`, from the variable `variable`, the folder `target/venv/bin` or the path.
pub fn program(name: &str, variable: &str, install: &str) -> PathBuf {
    let in_venv = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin").join(name);
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| in_venv.is_file().then_some(in_venv)).or_else(on_path);
    found.unwrap_or_else(|| panic!("`{name}` is missing: install it with `{install}`, or say where it is in `{variable}`"))
}

/// Runs one test of this file again, in a process with other variables, and wants it to pass.
pub async fn again(test: &str, variables: &[(&str, &str)]) {
    let output = run(test, variables).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// What one test of this file says in a process with other variables.
pub async fn output(test: &str, variables: &[(&str, &str)]) -> String {
    let output = run(test, variables).await;
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn run(test: &str, variables: &[(&str, &str)]) -> std::process::Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).envs(variables.iter().copied());
    command.output().await.unwrap()
}

/// An error with its causes, as the log has it.
pub fn chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

/// Always the same bearer.
#[derive(Debug)]
pub struct Fixed(pub &'static str);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self) -> Result<SecretString, ServiceError> {
        Ok(self.0.into())
    }
}

/// What the fake cloud was asked, and what it answers.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub authorization: String,
    pub text: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

type Answer = Arc<dyn Fn(Asked) -> (u16, String) + Send + Sync>;

/// Serves `answer` over TLS on `localhost`; gives the address and the authority to trust.
pub async fn fake_cloud(answer: impl Fn(Asked) -> (u16, String) + Send + Sync + 'static) -> (SocketAddr, String) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let authority = key.cert.pem();
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private.into()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer: Answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let Ok(socket) = acceptor.accept(socket).await else { return };
                let service = service_fn(move |request| respond(request, answer.clone()));
                drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
            });
        }
    });
    (address, authority)
}

async fn respond(request: Request<Incoming>, answer: Answer) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let text = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let (status, body) = answer(Asked { method: parts.method.to_string(), path, authorization, text });
    Ok(Response::builder().status(status).body(Full::from(body)).unwrap())
}

/// A client that trusts `authority` alone.
pub fn client(authority: &str) -> Client {
    let second = std::time::Duration::from_secs(1);
    Client::new(ClientSettings {
        user_agent: "test".into(),
        roots: Roots::from_pem(authority).unwrap(),
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: second,
        deadline: second * 2,
        max_body: 65_536,
    })
    .unwrap()
}

/// The RSASSA-PKCS1-v1_5 signature over a SHA-256 digest, made with modular arithmetic that OpenSSL does for us.
pub fn sign_digest(digest: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (key, input) = (folder.path().join("key.pem"), folder.path().join("digest"));
    std::fs::write(&key, KEY).unwrap();
    std::fs::write(&input, digest).unwrap();
    let openssl = program("openssl", "OPENSSL", "apt-get install openssl");
    let mut command = std::process::Command::new(openssl);
    command.args(["pkeyutl", "-sign", "-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_padding_mode:pkcs1", "-inkey"]).arg(key).arg("-in").arg(input);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The public half of [`KEY`], PEM and DER.
pub fn public_key() -> (String, Vec<u8>) {
    use aws_lc_rs::{encoding::AsDer as _, rsa::KeyPair, signature::KeyPair as _};
    let pair = KeyPair::from_pkcs8(pem::parse(KEY).unwrap().contents()).unwrap();
    let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let text = STANDARD.encode(&der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    (format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")), der)
}
