//! What each route answers.

use super::*;

const BEARER: &str = "\r\nAuthorization: Bearer a.b.c";

#[tokio::test]
async fn a_token_is_answered_with_upstreams_keys_first_and_ours_behind_them() {
    let stage = Stage::open().await;
    let answer = stage.get("/sts/exchange?scope=acme/app&identity=ci", BEARER).await;
    assert_eq!(answer.status, 200);
    let expires_in = answer.json()["expires_in"].as_i64().unwrap();
    let expected = format!(
        r#"{{"token":"{TOKEN}","refreshToken":"","expiry":"2099-01-01T00:00:00Z","access_token":"{TOKEN}","token_type":"Bearer","expires_in":{expires_in},"permissions":{{"contents":"read"}},"repositories":["acme/app"],"repository_selection":"selected"}}"#
    );
    assert_eq!(answer.body, expected);
    assert!(expires_in > 1_000_000_000);
    assert_eq!(stage.fake.seen.lock().unwrap()[0], "acme/app [] ci Bearer a.b.c");
}

/// T-054
#[tokio::test]
async fn no_answer_is_cached_and_each_has_an_id() {
    let stage = Stage::open().await;
    for (target, headers) in [("/sts/exchange?scope=a&identity=ci", BEARER), ("/sts/exchange?identity=absent", ""), ("/sts/exchange?scope=%zz", "")] {
        let answer = stage.get(target, headers).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
            ("vary", "Authorization"),
            ("x-content-type-options", "nosniff"),
            ("content-type", "application/json"),
            ("grpc-metadata-content-type", "application/grpc"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{target}: {name}");
        }
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
        assert!(answer.headers.iter().all(|(name, _)| name.starts_with(char::is_uppercase)), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn a_refusal_says_code_message_and_details() {
    let stage = Stage::open().await;
    let answer = stage.get("/sts/exchange?scope=acme/app&identity=absent", BEARER).await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.starts_with(r#"{"code":5,"message":"unable to find trust policy for \"absent\": "#), "{}", answer.body);
    let detail = &answer.json()["details"][0];
    assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!((&detail["reason"], &detail["domain"]), (&"POLICY_NOT_FOUND".into(), &"sts.example.com".into()));
    assert_eq!(detail["metadata"]["stage"], "policy");
    assert_eq!(detail["metadata"]["request_id"].as_str(), answer.header("x-request-id"));
}

#[tokio::test]
async fn a_challenge_names_the_scheme_and_a_refused_token_its_fault() {
    let stage = Stage::open().await;
    let none = stage.get("/sts/exchange?scope=acme/app&identity=ci", "").await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
    let forged = stage.get("/sts/exchange?scope=acme/app&identity=forged", BEARER).await;
    let challenge = forged.header("www-authenticate").unwrap();
    assert!(challenge.starts_with(r#"Bearer error="invalid_token", error_description="unable to verify bearer token: "#), "{challenge}");
}

#[tokio::test]
async fn every_path_and_method_answers_as_the_contract_says() {
    let stage = Stage::open().await;
    let not_found = r#"{"code":5,"message":"Not Found","details":[]}"#;
    let not_allowed = r#"{"code":12,"message":"Method Not Allowed","details":[]}"#;
    let no_refresh = r#"{"code":12,"message":"octo-sts does not support refresh tokens","details":[]}"#;
    let about = r#"{"msg": "please check documentation for usage: https://github.com/octo-sts/app"}"#;
    for (method, target, status, body) in [
        ("GET", "/", 200, about),
        ("GET", "/?x=1", 200, about),
        ("GET", "http://elsewhere.example/", 200, about),
        ("HEAD", "/", 200, ""),
        ("POST", "/", 501, not_allowed),
        ("GET", "/healthz", 200, r#"{"status":"alive"}"#),
        ("HEAD", "/healthz", 200, ""),
        ("HEAD", "/readyz", 503, ""),
        ("GET", "/unknown", 404, not_found),
        ("GET", "/metrics", 404, not_found),
        ("GET", "/sts/exchange/", 404, not_found),
        ("GET", "//sts/exchange", 404, not_found),
        ("GET", "/sts", 404, not_found),
        ("PUT", "/sts/exchange", 501, not_allowed),
        ("DELETE", "/sts/exchange", 501, not_allowed),
        ("HEAD", "/sts/exchange", 501, ""),
        ("OPTIONS", "/sts/exchange", 501, not_allowed),
        ("GET", "/sts/exchange_refresh_token", 501, not_allowed),
        ("POST", "/sts/exchange_refresh_token", 501, no_refresh),
        ("POST", "/grpc.health.v1.Health/Check", 404, not_found),
    ] {
        let answer = stage.request(&format!("{method} {target} HTTP/1.1"), "").await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "Input: {method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "Input: {method} {target}");
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let stage = Stage::open().await;
    let answer = stage.get("/readyz", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, r#"{"ready":false,"reasons":["starting"]}"#));
    stage.readiness.set(Vec::new());
    let answer = stage.get("/readyz", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ready":true,"reasons":[]}"#));
}

/// T-050
#[tokio::test]
async fn only_one_authorization_header_counts_and_no_other_name_for_it() {
    let stage = Stage::open().await;
    for (headers, seen) in [
        ("", "none"),
        ("\r\nAuthorization: Bearer x\r\nauthorization: Bearer y", "several"),
        ("\r\nAUTHORIZATION: bearer  x", "bearer  x"),
        ("\r\nGrpc-Metadata-Authorization: Bearer x", "none"),
        ("\r\nGrpc-Metadata-Bin: x\r\nX-Forwarded-Authorization: Bearer x", "none"),
    ] {
        stage.get("/sts/exchange?scope=a&identity=b", headers).await;
        assert_eq!(*stage.fake.seen.lock().unwrap().last().unwrap(), format!("a [] b {seen}"), "Input: {headers:?}");
    }
}

#[tokio::test]
async fn a_post_is_read_from_form_json_and_query() {
    let stage = Stage::open().await;
    for (query, content_type, body) in [
        ("?scope=a&identity=b", "text/plain", ""),
        ("", "application/x-www-form-urlencoded", "scope=a&identity=b"),
        ("", "application/json", r#"{"scope":"a","identity":"b"}"#),
        ("?identity=b", "application/json", r#"{"scope":"a"}"#),
    ] {
        let head = format!("POST /sts/exchange{query} HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {}{BEARER}", body.len());
        assert_eq!(stage.request(&head, body).await.status, 200, "Input: {query} {body}");
        assert_eq!(*stage.fake.seen.lock().unwrap().last().unwrap(), "a [] b Bearer a.b.c");
    }
}

/// T-132
#[tokio::test]
async fn a_panic_ends_its_request_and_nothing_else() {
    let stage = Stage::open().await;
    let answer = stage.get("/sts/exchange?scope=a&identity=panic", BEARER).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (500, Some(13)));
    assert!(answer.header("x-request-id").is_some() && !answer.body.contains("stand-in"));
    assert_eq!(stage.get("/sts/exchange?scope=a&identity=ci", BEARER).await.status, 200);
    stage.until("no exchange is counted", |stage| format!("{:?}", stage.exchanges).contains("count: 0")).await;
}
