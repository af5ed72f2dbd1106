//! What an HTTP/2 server turns away without looking at it is sent again, and nothing else is.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use h2::Reason;
use octo_sts_http::{Client, ClientSettings, HttpError, Protocol, Response, Roots};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::server::{authority, get, settings};

/// Resets the first streams, and answers those after them.
struct Turning {
    reason: Reason,
    count: usize,
    seen: AtomicUsize,
}

impl Turning {
    async fn serve(&self, acceptor: TlsAcceptor, socket: TcpStream) {
        let stream = acceptor.accept(socket).await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            if self.seen.fetch_add(1, Ordering::SeqCst) < self.count {
                respond.send_reset(self.reason);
            } else {
                drop(respond.send_response(http::Response::new(()), true));
            }
        }
    }
}

async fn asked(reason: Reason, count: usize) -> (Result<Response, HttpError>, usize) {
    let key = authority();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(vec![key.cert.der().clone()], private).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let turning = Arc::new(Turning { reason, count, seen: AtomicUsize::new(0) });
    let server = Arc::clone(&turning);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (server, acceptor) = (Arc::clone(&server), acceptor.clone());
            tokio::spawn(async move { server.serve(acceptor, socket).await });
        }
    });
    let roots = Roots::from_pem(&key.cert.pem()).unwrap();
    let client = Client::new(ClientSettings { roots, protocol: Protocol::Http2, deadline: Duration::from_secs(5), ..settings() }).unwrap();
    let answer = get(&client, &format!("https://localhost:{}/", address.port())).await;
    (answer, turning.seen.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_refused_stream_is_asked_for_again_twice_at_the_most() {
    for (refused, answered, requests) in [(1, true, 2), (2, true, 3), (3, false, 3)] {
        let (answer, seen) = asked(Reason::REFUSED_STREAM, refused).await;
        assert_eq!((answer.is_ok(), seen), (answered, requests), "Input: {refused}: {answer:?}");
    }
}

/// T-120: whether the server did what was asked is not known, so it is not asked again.
#[tokio::test]
async fn a_stream_that_broke_is_not_asked_for_again() {
    let (answer, seen) = asked(Reason::INTERNAL_ERROR, 1).await;
    assert!(matches!(answer, Err(HttpError::Broken(_))), "{answer:?}");
    assert_eq!(seen, 1);
}
