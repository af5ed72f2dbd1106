//! Those who ask the service.

use std::{io, time::Duration};

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    house::DOMAIN,
    wire::{self, Answer},
};

/// Asks; an error where nobody listens.
pub(crate) async fn get(port: u16, target: &str) -> io::Result<Answer> {
    drop(TcpStream::connect(("127.0.0.1", port)).await?);
    Ok(wire::request(([127, 0, 0, 1], port).into(), DOMAIN, &format!("GET {target} HTTP/1.1"), "").await)
}

/// One exchange in `acme/app`.
pub(crate) async fn exchange(port: u16, identity: &str, token: &str) -> Answer {
    let head = format!("GET /sts/exchange?scope=acme/app&identity={identity} HTTP/1.1\r\nAuthorization: Bearer {token}");
    let answer = wire::request(([127, 0, 0, 1], port).into(), DOMAIN, &head, "").await;
    assert!(answer.header("x-request-id").is_some() && answer.header("cache-control") == Some("no-store"), "{answer:?}");
    answer
}

/// One delivery of GitHub, signed with `secret`.
pub(crate) async fn deliver(port: u16, event: &str, payload: &Value, secret: &str) -> Answer {
    let body = payload.to_string();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let signature = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let head = format!(
        "POST /webhook HTTP/1.1\r\nX-GitHub-Event: {event}\r\nContent-Type: application/json\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {}",
        body.len()
    );
    wire::request(([127, 0, 0, 1], port).into(), DOMAIN, &head, &body).await
}

impl Answer {
    /// The token that was given.
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["token"].as_str().unwrap().to_owned()
    }

    /// Why there is none: the status, and the stable word.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["details"][0]["reason"].as_str().unwrap_or_default().to_owned())
    }
}

/// Waits until a condition holds, half a minute at the most.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if condition().await {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}
