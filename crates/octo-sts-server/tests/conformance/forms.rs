//! Section 3: forms of the request.

use crate::support::{Answer, CI, House};

const QUERY: &str = "?scope=acme/app&identity=ci";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const FIELDS: &str = r#"{"scope":"acme/app","identity":"ci"}"#;
const NO_SCOPE: &str = "scope must be provided";

/// A house that is warm, so that a success is a mint beside a conditional read.
async fn warm() -> House {
    let house = House::new().await;
    house.exchange(CI, &house.token()).await.0.grants("warm");
    house
}

async fn ask(house: &House, method: &str, query: &str, content_type: &str, body: &str) -> Answer {
    let kind = if content_type.is_empty() { String::new() } else { format!("\r\nContent-Type: {content_type}") };
    let head = format!("{method} /sts/exchange{query} HTTP/1.1\r\nAuthorization: Bearer {}{kind}\r\nContent-Length: {}", house.token(), body.len());
    house.ask(&head, body).await.0
}

/// Upstream reads no JSON body; here it is one more form of the same fields.
#[tokio::test]
async fn forms_that_are_granted() {
    let house = warm().await;
    for (situation, method, query, content_type, body) in [
        ("POST JSON `{scope, identity}`", "POST", "", JSON, FIELDS),
        ("POST JSON `{scopes, identity}`", "POST", "", JSON, r#"{"scopes":["acme/app"],"identity":"ci"}"#),
        ("POST JSON with an unknown member", "POST", "", JSON, r#"{"scope":"acme/app","identity":"ci","nonsense":1}"#),
        ("POST `{}` with the parameters in the query", "POST", QUERY, JSON, "{}"),
        ("POST empty body with the parameters in the query", "POST", QUERY, "", ""),
        ("POST form body", "POST", "", FORM, "scope=acme%2Fapp&identity=ci"),
        ("GET with an unknown query parameter", "GET", "?scope=acme/app&identity=ci&nonsense=1", "", ""),
        ("GET `?aud=x` as well", "GET", "?scope=acme/app&identity=ci&aud=x", "", ""),
        ("GET `?cap=x&identity=ci` as well", "GET", "?scope=acme/app&cap=x&identity=ci", "", ""),
    ] {
        ask(&house, method, query, content_type, body).await.grants(situation);
    }
}

/// Upstream lets the query win silently over a body of JSON, which it does not read.
#[tokio::test]
async fn forms_that_are_refused() {
    let house = warm().await;
    for (situation, method, query, content_type, body, begins) in [
        ("POST JSON without Content-Type", "POST", "", "", FIELDS, NO_SCOPE),
        ("POST JSON, `Content-Type: text/plain`", "POST", "", "text/plain", FIELDS, NO_SCOPE),
        ("POST JSON, scope of a wrong type", "POST", "", JSON, r#"{"scope":1,"identity":"ci"}"#, ""),
        ("POST broken JSON", "POST", "", JSON, r#"{"scope":"#, ""),
        ("POST body and a conflicting query", "POST", "?identity=none", JSON, FIELDS, "too many values for field \"identity\": "),
        ("POST empty body, no query", "POST", "", "", "", NO_SCOPE),
        ("GET with a JSON body", "GET", "", JSON, FIELDS, NO_SCOPE),
        ("GET with a bad percent escape", "GET", "?scope=acme/app&identity=%zz", "", "", "invalid URL escape \"%zz\""),
    ] {
        ask(&house, method, query, content_type, body).await.refuses(situation, 400, 3, begins);
    }
    let answer = ask(&house, "POST", "", "multipart/form-data; boundary=x", "--x--").await;
    assert_eq!(answer.status, 415, "POST multipart: {}", answer.body);
}

#[tokio::test]
async fn every_accept_gets_json() {
    let house = warm().await;
    for accept in
        ["application/json", "*/*", "text/plain", "application/xml", "application/octet-stream", "application/grpc", "nonsense", "text/html"]
    {
        let head = format!("GET /sts/exchange?{CI} HTTP/1.1\r\nAuthorization: Bearer {}\r\nAccept: {accept}", house.token());
        house.ask(&head, "").await.0.grants(accept);
    }
}
