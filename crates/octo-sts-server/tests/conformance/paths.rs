//! Section 4: other paths.

use crate::support::{House, NOTHING};

const ABOUT: &str = r#"{"msg": "please check documentation for usage: https://github.com/octo-sts/app"}"#;

#[tokio::test]
async fn the_root_says_what_this_is() {
    let house = House::new().await;
    for target in ["/", "/?x=1"] {
        let (answer, calls) = house.ask(&format!("GET {target} HTTP/1.1"), "").await;
        assert_eq!((answer.status, answer.header("content-type"), answer.body.as_str()), (200, Some("application/json"), ABOUT), "`GET {target}`");
        assert_eq!(calls, NOTHING);
    }
    let (page, _) = house.ask("GET / HTTP/1.1\r\nAccept: text/html", "").await;
    assert!(page.status == 200 && page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
}

#[tokio::test]
async fn paths_that_are_none() {
    let house = House::new().await;
    for line in [
        "GET /health",
        "GET /livez",
        "GET /metrics",
        "GET /unknown",
        "GET /sts/exchange/",
        "GET //sts/exchange",
        "GET /sts",
        "POST /grpc.health.v1.Health/Check",
        "GET /favicon.ico",
    ] {
        let (answer, calls) = house.ask(&format!("{line} HTTP/1.1\r\nContent-Length: 0"), "").await;
        answer.refuses(line, 404, 5, "Not Found");
        assert_eq!((answer.json()["message"].as_str(), calls.as_str()), (Some("Not Found"), NOTHING), "{line}");
    }
}

#[tokio::test]
async fn methods_that_a_path_does_not_have() {
    let house = House::new().await;
    for line in ["POST /", "PUT /sts/exchange", "DELETE /sts/exchange", "OPTIONS /sts/exchange", "GET /sts/exchange_refresh_token"] {
        let (answer, calls) = house.ask(&format!("{line} HTTP/1.1\r\nContent-Length: 0"), "").await;
        answer.refuses(line, 501, 12, "Method Not Allowed");
        assert_eq!((answer.json()["message"].as_str(), calls.as_str()), (Some("Method Not Allowed"), NOTHING), "{line}");
    }
    let (head, _) = house.ask("HEAD /sts/exchange HTTP/1.1", "").await;
    assert_eq!((head.status, head.body.as_str()), (501, ""), "`HEAD /sts/exchange`");
    let (refresh, _) = house.ask("POST /sts/exchange_refresh_token HTTP/1.1\r\nContent-Length: 0", "").await;
    refresh.refuses("`POST /sts/exchange_refresh_token`", 501, 12, "octo-sts does not support refresh tokens");
}

/// Upstream has neither health over HTTP nor an answer to `HEAD /`.
#[tokio::test]
async fn health_and_head_are_answered() {
    let house = House::new().await;
    for line in ["GET /healthz", "GET /readyz", "HEAD /", "HEAD /healthz", "HEAD /readyz"] {
        let (answer, calls) = house.ask(&format!("{line} HTTP/1.1"), "").await;
        assert_eq!((answer.status, calls.as_str()), (200, NOTHING), "{line}");
        assert!(line.starts_with("GET") || answer.body.is_empty(), "{line}");
    }
}
