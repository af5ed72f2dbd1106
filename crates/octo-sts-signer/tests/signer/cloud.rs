//! A fake cloud over TLS that signs with a real key.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use octo_sts_components::program;
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_signer::{ServiceError, TokenSource};
use secrecy::SecretString;
use serde_json::Value;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::keys::KEY;

/// Always the same bearer.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) &'static str);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self) -> Result<SecretString, ServiceError> {
        Ok(self.0.into())
    }
}

/// What the fake cloud was asked, and what it answers.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) text: String,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

type Answer = Arc<dyn Fn(Asked) -> (u16, String) + Send + Sync>;

/// Serves `answer` over TLS on `localhost`; gives the address and the authority to trust.
pub(crate) async fn fake_cloud(answer: impl Fn(Asked) -> (u16, String) + Send + Sync + 'static) -> (SocketAddr, String) {
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
pub(crate) fn client(authority: &str) -> Client {
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
pub(crate) fn sign_digest(digest: &[u8]) -> Vec<u8> {
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
pub(crate) fn public_key() -> (String, Vec<u8>) {
    use aws_lc_rs::{encoding::AsDer as _, rsa::KeyPair, signature::KeyPair as _};
    let pair = KeyPair::from_pkcs8(pem::parse(KEY).unwrap().contents()).unwrap();
    let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let text = STANDARD.encode(&der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    (format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")), der)
}
