//! The port with TLS, and a certificate that is replaced while it serves.

use std::{fs, path::Path};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::{config::TlsFiles, listener::tls};

/// Writes a new certificate for `localhost`, and returns it.
fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect(stage: &Stage, trusted: &CertificateDer<'static>, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stage.connect().await).await
}

#[tokio::test]
async fn tls_speaks_both_versions_and_takes_up_a_new_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_certificate(folder.path());
    let certificate = tls::Certificate::open(TlsFiles { certificates: folder.path().join("cert.pem"), key: folder.path().join("key.pem") }).unwrap();
    let stage = Stage::build(true, Some(tls::acceptor(Arc::clone(&certificate)).unwrap())).await;

    let mut stream = connect(&stage, &first, &["http/1.1"]).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: sts\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");

    let stream = connect(&stage, &first, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
        .handshake::<_, http_body_util::Empty<bytes::Bytes>>(io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::get("https://localhost/sts/exchange?scope=a&identity=ci").header("authorization", "x").body(http_body_util::Empty::new());
    assert_eq!(sender.send_request(request.unwrap()).await.unwrap().status(), 200);
    stage.until("delivered", |stage| stage.fates() == [Some(true)]).await;

    let second = write_certificate(folder.path());
    certificate.reload();
    assert!(connect(&stage, &first, &[]).await.is_err());
    connect(&stage, &second, &[]).await.unwrap();

    fs::write(folder.path().join("key.pem"), "nonsense").unwrap();
    certificate.reload();
    connect(&stage, &second, &[]).await.unwrap();
    assert_eq!(stage.raw(b"GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n").await.matches("HTTP/1.1").count(), 0);
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_certificate(one.path());
    write_certificate(other.path());
    let load = |certificates: &Path, key: &Path| {
        tls::load(&TlsFiles { certificates: certificates.to_owned(), key: key.to_owned() }).map(drop).map_err(|error| error.to_string())
    };
    let (cert, key) = (one.path().join("cert.pem"), other.path().join("key.pem"));
    assert!(load(&cert, &key).unwrap_err().starts_with("the key is not the certificate's"));
    assert!(load(&key, &key).unwrap_err().contains("holds no certificate"));
    assert!(load(&cert, &cert).unwrap_err().contains("holds no private key"));
    assert!(load(&cert, &one.path().join("key.pem")).is_ok());
}
