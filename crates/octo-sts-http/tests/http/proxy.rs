//! The proxy of a command's environment.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use octo_sts_http::{AddressGuard, Client, ClientSettings, HttpError, Proxy, Roots};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    server::{Answer, Server, authority, get, settings},
    tls::start,
};

/// A proxy that notes what it is asked for, and refuses it or leads to `target`.
async fn proxy(target: Option<SocketAddr>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let notes = Arc::clone(&notes);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                notes.lock().unwrap().push(String::from_utf8(head).unwrap());
                let Some(target) = target else {
                    return socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                };
                socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                _ = copy_bidirectional(&mut socket, &mut TcpStream::connect(target).await.unwrap()).await;
            });
        }
    });
    (address, asked)
}

fn behind(proxy: &str, except: &str, pem: &str) -> Client {
    let settings = ClientSettings { roots: Roots::from_pem(pem).unwrap(), deadline: Duration::from_secs(3), ..settings() };
    Client::behind(settings, Some(Proxy::new(proxy, except).unwrap())).unwrap()
}

#[tokio::test]
async fn https_goes_through_the_tunnel_and_is_read_by_nobody_between() {
    let key = authority();
    let server = start(&key, &["http/1.1"]).await;
    let (address, asked) = proxy(Some(server)).await;
    let client = behind(&format!("http://me:secret@{address}"), "", &key.cert.pem());
    // The proxy knows the name; nobody looks it up here.
    assert_eq!(get(&client, "https://issuer.example/path?query").await.unwrap().body, "http/1.1");
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() == 1 && asked[0].starts_with("CONNECT issuer.example:443 HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].to_lowercase().contains("proxy-authorization: basic "), "{asked:?}");
    assert!(!asked[0].contains("path"), "{asked:?}");
}

#[tokio::test]
async fn exceptions_and_plain_http_are_reached_without_it() {
    let key = authority();
    let server = start(&key, &["http/1.1"]).await;
    let (address, asked) = proxy(None).await;
    let client = behind(&address.to_string(), "localhost", &key.cert.pem());
    assert_eq!(get(&client, &format!("https://localhost:{}/", server.port())).await.unwrap().body, "http/1.1");
    let plain = Server::start(Answer::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await;
    assert_eq!(get(&client, &plain.url()).await.unwrap().status, 204);
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_means_that_nothing_was_sent() {
    let key = authority();
    let (address, _) = proxy(None).await;
    let error = get(&behind(&address.to_string(), "", &key.cert.pem()), "https://issuer.example/").await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)) && error.never_sent(), "{error:?}");
}

/// T-034
#[tokio::test]
async fn a_client_with_a_guard_asks_no_proxy() {
    let (address, asked) = proxy(None).await;
    let settings = ClientSettings { guard: Some(AddressGuard::default()), ..settings() };
    let client = Client::behind(settings, Some(Proxy::new(&address.to_string(), "").unwrap())).unwrap();
    assert!(matches!(get(&client, "https://10.0.0.1/").await, Err(HttpError::Blocked(_))));
    get(&client, "https://issuer.invalid/").await.unwrap_err();
    assert!(asked.lock().unwrap().is_empty());
}
