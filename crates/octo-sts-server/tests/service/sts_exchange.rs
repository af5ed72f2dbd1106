//! `/sts/exchange` and `SecurityTokenService/Exchange`, from an OIDC token to a token that GitHub honours.

use std::time::Duration;

use crate::house::{DOMAIN, House, POLICY, exchange, get, request, until};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::Method;
use http_body_util::{BodyExt as _, Full};
use octo_sts_sandbox::{ActionsJob, Fault, SandboxSettings};
use octo_sts_server::pb::{ExchangeRequest, RawToken};
use prost::Message as _;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

#[tokio::test]
async fn a_workflow_gets_a_token_that_github_honours() {
    let house = House::build().await;
    let service = house.serve().await;
    let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.starts_with(r#"{"token":"ghs_"#) && answer.body.contains(r#","refreshToken":"","expiry":"2"#), "{}", answer.body);
    let reply = answer.json();
    assert_eq!(
        (&reply["token_type"], &reply["repositories"], &reply["repository_selection"]),
        (&"Bearer".into(), &json!(["acme/app"]), &"selected".into())
    );
    assert_eq!(reply["permissions"]["contents"], "read");
    assert!((3_500..=3_600).contains(&reply["expires_in"].as_i64().unwrap()));
    let ledger = house.sandbox.github().ledger();
    let entry = ledger.iter().find(|entry| entry.token == answer.token()).unwrap();
    assert!(!entry.revoked && entry.permissions.contains_key("contents"));
}

#[tokio::test]
async fn a_warm_exchange_costs_one_mint_and_one_conditional_read() {
    let house = House::build().await;
    let service = house.serve().await;
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    house.sandbox.clear_calls();
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    let calls: Vec<_> = house.sandbox.calls().iter().map(octo_sts_sandbox::Call::line).collect();
    assert_eq!(calls.len(), 2, "{calls:#?}");
}

#[tokio::test]
async fn every_form_of_the_request_means_the_same() {
    let house = House::build().await;
    let service = house.serve().await;
    let bearer = house.token();
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    for (method, query, content_type, body) in [
        ("GET", "?scope=acme%2Fapp&scopes=acme%2Fapp&identity=ci", "", ""),
        ("POST", "?scope=acme/app&identity=ci", "", ""),
        ("POST", "", form, "scopes=acme%2Fapp&identity=ci"),
        ("POST", "", json, r#"{"scope":"ACME/App","identity":"ci"}"#),
    ] {
        let head = format!(
            "{method} /sts/exchange{query} HTTP/1.1\r\nAuthorization: {bearer}\r\nContent-Type: {content_type}\r\nContent-Length: {}",
            body.len()
        );
        let answer = request(service.address(), &head, body).await;
        assert_eq!(answer.status, 200, "{method} {query} {body}: {}", answer.body);
    }
}

/// What a caller reads when something is wrong: code, status, and how the message begins.
#[tokio::test]
async fn each_refusal_has_the_code_that_clients_know() {
    let house = House::build().await;
    let github = house.sandbox.github();
    for (name, text) in
        [("broken", "issuer: ["), ("uncompilable", "issuer: https://a.example\nsubject: x\nsubject_pattern: x\npermissions: {contents: read}\n")]
    {
        github.put_file("acme/app", &format!(".github/chainguard/{name}.sts.yaml"), text);
    }
    github.put_file("acme/app", ".github/chainguard/workflows.sts.yaml", house.policy("workflows: write"));
    let service = house.serve().await;
    let good = house.token();
    let other = house.issuer.token(&house.issuer.actions_claims(&ActionsJob::new("acme/app").git_ref("refs/heads/feature"), Some(DOMAIN)));
    let mut forged = good.clone();
    forged.truncate(forged.len() - 8);
    for (query, bearer, status, code, begins) in [
        ("scope=acme/app&identity=ci", "nonsense", 400, 3, "invalid bearer token"),
        ("scope=acme/app&identity=ci", &format!("{forged}AAAAAAAA"), 401, 16, "unable to verify bearer token"),
        ("identity=ci", &good, 400, 3, "scope must be provided"),
        ("scope=acme/app", &good, 400, 3, "identity must be provided"),
        ("scopes=a/b&scopes=c/d&identity=ci", &good, 400, 3, "multiple scopes not supported"),
        ("scope=acme/../x&identity=ci", &good, 400, 3, "invalid scope"),
        ("scope=acme/app&identity=../x", &good, 400, 3, "invalid identity"),
        ("scope=nobody/app&identity=ci", &good, 404, 5, "no installation found for \"nobody\""),
        ("scope=acme/app&identity=none", &good, 404, 5, "unable to find trust policy for \"none\""),
        ("scope=acme/app&identity=broken", &good, 404, 5, "unable to parse trust policy found for \"broken\""),
        ("scope=acme/app&identity=uncompilable", &good, 404, 5, "unable to compile trust policy found for \"uncompilable\""),
        ("scope=acme/app&identity=ci", &other, 403, 7, "token does not match trust policy"),
        ("scope=acme/app&identity=workflows", &good, 403, 7, "token exchange failure (StatusUnprocessableEntity)"),
    ] {
        let answer = exchange(service.address(), query, bearer).await;
        let reply = answer.json();
        let message = reply["message"].as_str().unwrap();
        assert_eq!((answer.status, reply["code"].as_i64()), (status, Some(code)), "{query}: {message}");
        assert!(message.starts_with(begins), "{query}: {message}");
        assert!(!message.contains("refs/heads/main") && (bearer == good || !answer.body.contains("refs/heads/main")), "policy text: {message}");
        assert_eq!(reply["details"][0]["metadata"]["request_id"].as_str(), answer.header("x-request-id"));
    }
    let none = get(service.address(), "/sts/exchange?scope=acme/app&identity=ci").await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
}

#[tokio::test]
async fn grpc_gives_the_same_token_with_its_expiry() {
    let house = House::build().await;
    let service = house.serve().await;
    let stream = TcpStream::connect(service.address()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    #[expect(deprecated, reason = "as clients send it")]
    let message = ExchangeRequest { scope: "acme/app".into(), identity: "ci".into(), ..ExchangeRequest::default() }.encode_to_vec();
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(&message);
    let request = http::Request::post("http://sts/chainguard.platform.oidc.SecurityTokenService/Exchange")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", house.token()))
        .body(Full::new(framed.freeze()))
        .unwrap();
    let collected = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    let body: Bytes = collected.to_bytes();
    let token = RawToken::decode(body.slice(5..)).unwrap();
    assert!(token.token.starts_with("ghs_") && token.expiry.is_some());
    assert!(house.sandbox.github().ledger().iter().any(|entry| entry.token == token.token && !entry.revoked));
}

/// T-130
#[tokio::test]
async fn a_caller_who_hangs_up_leaves_no_token_behind() {
    let house = House::build().await;
    let service = house.serve().await;
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    let before = house.sandbox.github().ledger().len();
    house.sandbox.github().fault(Fault::on(Method::POST, "access_tokens").executed().delay(Duration::from_millis(150)));
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let head = format!("GET /sts/exchange?scope=acme/app&identity=ci HTTP/1.1\r\nHost: {DOMAIN}\r\nAuthorization: {}\r\n\r\n", house.token());
    stream.write_all(head.as_bytes()).await.unwrap();
    until("the token is minted", || {
        house.sandbox.github().ledger().len() > before || house.sandbox.calls().iter().any(|call| call.line().contains("access_tokens"))
    })
    .await;
    drop(stream);
    until("the token is revoked", || house.sandbox.github().ledger()[before..].iter().any(|entry| entry.revoked)).await;
    assert!(house.sandbox.github().ledger()[before..].iter().all(|entry| entry.revoked));
}

/// T-134
#[tokio::test]
async fn github_enterprise_server_is_spoken_to_over_tls_and_below_its_path() {
    let house = House::with(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await;
    let service = house.serve().await;
    let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let calls = house.sandbox.github().calls();
    assert!(calls.iter().all(|call| call.line().contains("/api/v3/")), "{calls:#?}");
}

#[tokio::test]
async fn a_policy_edit_counts_for_the_next_request() {
    let house = House::build().await;
    let service = house.serve().await;
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    house.sandbox.github().put_file("acme/app", POLICY, house.policy("contents: read").replace("heads/main", "heads/release"));
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 403);
}

/// T-121
#[tokio::test]
async fn a_limit_is_handed_on_with_its_time() {
    let house = House::build().await;
    let service = house.serve().await;
    house.sandbox.github().fault(Fault::on(Method::POST, "access_tokens").secondary_limit(403, Some(Duration::from_secs(17))));
    let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (429, Some(8)), "{}", answer.body);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((15..=17).contains(&wait), "{wait}");
}
