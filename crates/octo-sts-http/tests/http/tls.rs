//! TLS: whom a client trusts, what it negotiates, and how it fails.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use octo_sts_http::{Client, ClientSettings, HttpError, Protocol, Roots};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::server::{Answer, Server, authority, client, get, settings};

/// Answers over HTTP/1.1 with the protocol that was negotiated.
pub(crate) async fn start(key: &rcgen::CertifiedKey<rcgen::KeyPair>, alpn: &[&str]) -> SocketAddr {
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let spoken = String::from_utf8_lossy(stream.get_ref().1.alpn_protocol().unwrap_or_default()).into_owned();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{spoken}", spoken.len());
                drop(stream.write_all(answer.as_bytes()).await);
                drop(stream.shutdown().await);
            });
        }
    });
    address
}

fn trusting(pem: &str, protocol: Protocol) -> Client {
    Client::new(ClientSettings { roots: Roots::from_pem(pem).unwrap(), protocol, deadline: Duration::from_secs(3), ..settings() }).unwrap()
}

#[tokio::test]
async fn a_trusted_server_is_spoken_to_in_the_protocol_of_the_client() {
    let key = authority();
    let address = start(&key, &["h2", "http/1.1"]).await;
    let url = format!("https://localhost:{}/", address.port());
    let response = get(&trusting(&key.cert.pem(), Protocol::Http1), &url).await.unwrap();
    assert_eq!(response.body, "http/1.1");
    // The server negotiates h2 and does not speak it: that the client fails shows that it offered h2.
    let error = get(&trusting(&key.cert.pem(), Protocol::Http2), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_) | HttpError::Connect(_)), "{error:?}");
    let older = start(&key, &["http/1.1"]).await;
    let response = get(&trusting(&key.cert.pem(), Protocol::Http2), &format!("https://localhost:{}/", older.port())).await.unwrap();
    assert_eq!(response.body, "http/1.1");
}

/// T-038
#[tokio::test]
async fn a_stranger_and_a_wrong_name_are_refused_before_anything_is_sent() {
    let (key, other) = (authority(), authority());
    let address = start(&key, &[]).await;
    let stranger = get(&trusting(&other.cert.pem(), Protocol::Http1), &format!("https://localhost:{}/", address.port())).await.unwrap_err();
    let misnamed = get(&trusting(&key.cert.pem(), Protocol::Http1), &format!("https://127.0.0.1:{}/", address.port())).await.unwrap_err();
    for error in [stranger, misnamed] {
        assert!(matches!(error, HttpError::Connect(_)) && error.never_sent(), "{error:?}");
    }
}

/// T-040: the socket opens, and the handshake never answers.
#[tokio::test]
async fn a_half_open_server_ends_at_the_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let error = get(&client(), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::ConnectTimeout { after } if after == Duration::from_millis(300)), "{error:?}");
    assert!(error.never_sent());
}

#[tokio::test]
async fn a_plain_http_server_behind_https_was_never_asked() {
    let server = Server::start(Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let error = get(&client(), &format!("https://{}/", server.address)).await.unwrap_err();
    assert!(error.never_sent(), "{error:?}");
}
