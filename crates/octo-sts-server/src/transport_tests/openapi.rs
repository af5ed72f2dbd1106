//! What `/openapi.json` says is what the routes answer.

use serde_json::{Value, json};

use super::*;

/// Whether an answer is what the description has for that operation and status.
fn check(document: &Value, operation: &str, method: &str, answer: &Answer) {
    let described = &document["paths"][operation][method]["responses"][answer.status.to_string()];
    let schema = &described["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {operation} {}: not described", answer.status);
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    if let Err(error) = jsonschema::validator_for(&schema).unwrap().validate(&answer.json()) {
        panic!("{method} {operation} {}: {error}: {}", answer.status, answer.body);
    }
    for header in described["headers"].as_object().unwrap().keys().filter(|name| *name != "Retry-After") {
        assert!(answer.header(header).is_some(), "{method} {operation} {}: {header}", answer.status);
    }
}

#[tokio::test]
async fn answers_are_as_described() {
    let stage = Stage::open().await;
    let document = stage.get("/openapi.json", "").await.json();
    let form = "\r\nContent-Type: application/x-www-form-urlencoded";
    let kinds = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt";
    let token = |more: &str| format!("{kinds}&subject_token=a.b.c&resource=acme/app&identity={more}");
    let bearer = "\r\nAuthorization: Bearer a.b.c";
    let mut seen = Vec::new();
    for (method, target, headers, body) in [
        ("get", "/", "", String::new()),
        ("get", "/healthz", "", String::new()),
        ("get", "/readyz", "", String::new()),
        ("get", "/openapi.json", "", String::new()),
        ("get", "/.well-known/oauth-authorization-server", "", String::new()),
        ("get", "/sts/exchange?scope=acme/app&identity=ci", bearer, String::new()),
        ("get", "/sts/exchange?scope=acme/app&identity=ci", "", String::new()),
        ("get", "/sts/exchange?scope=acme/app&identity=absent", bearer, String::new()),
        ("post", "/sts/exchange?scope=acme/app&identity=ci", bearer, String::new()),
        ("post", "/sts/exchange?scope=%zz", bearer, String::new()),
        ("post", "/sts/exchange", "\r\nContent-Type: multipart/form-data", String::new()),
        ("post", "/sts/exchange_refresh_token", "", String::new()),
        ("post", "/sts/revoke", form, "token=ghs_x".to_owned()),
        ("post", "/sts/revoke", form, String::new()),
        ("post", "/sts/revoke", form, "token=ghs_flood".to_owned()),
        ("post", "/sts/revoke", form, "token=ghs_down".to_owned()),
        ("post", "/oauth/token", form, token("ci")),
        ("post", "/oauth/token", form, token("absent")),
        ("post", "/oauth/token", form, "a".repeat(21 << 10)),
        ("post", "/oauth/token", "", String::new()),
    ] {
        let head = format!("{} {target} HTTP/1.1{headers}\r\nContent-Length: {}", method.to_uppercase(), body.len());
        let answer = stage.request(&head, &body).await;
        let path = target.split('?').next().unwrap();
        check(&document, path, method, &answer);
        seen.push(path);
    }
    assert!(document["paths"].as_object().unwrap().keys().all(|path| seen.contains(&path.as_str())));
}
