//! Token exchange, revocation and metadata as OAuth clients see them.

use super::*;

const FORM: &str = "\r\nContent-Type: application/x-www-form-urlencoded";
const KINDS: &str =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token";

impl Stage {
    async fn post(&self, target: &str, headers: &str, body: &str) -> Answer {
        self.request(&format!("POST {target} HTTP/1.1{headers}\r\nContent-Length: {}", body.len()), body).await
    }

    /// A token exchange with these parameters beside those that never change.
    async fn token(&self, more: &str) -> Answer {
        self.post("/oauth/token", FORM, &format!("{KINDS}&{more}")).await
    }

    fn last_seen(&self) -> String {
        self.fake.seen.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_token_is_answered_as_rfc_8693_has_it() {
    let stage = Stage::open().await;
    let answer = stage.token("subject_token=a.b.c&scope=acme/app+identity:ci").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let expires_in = answer.json()["expires_in"].as_i64().unwrap();
    assert_eq!(
        answer.body,
        format!(
            r#"{{"access_token":"{TOKEN}","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":{expires_in},"scope":"acme/app identity:ci","permissions":{{"contents":"read"}},"repositories":["acme/app"],"repository_selection":"selected"}}"#
        )
    );
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    assert_eq!(stage.last_seen(), "acme/app [] ci Bearer a.b.c");
    stage.until("the token counts as delivered", |stage| stage.fates() == [Some(true)]).await;
}

#[tokio::test]
async fn resource_and_identity_are_told_back_as_scope() {
    let stage = Stage::open().await;
    let answer = stage.token("subject_token=a.b.c&resource=https%3A%2F%2Fgithub.com%2Facme%2Fapp&identity=ci&client_id=me").await;
    assert_eq!(answer.json()["scope"], "acme/app identity:ci");
    let basic = format!("{FORM}\r\nAuthorization: Basic bWU6");
    let answer = stage.post("/oauth/token?identity=ci", &basic, &format!("{KINDS}&subject_token=a.b.c&resource=acme/app")).await;
    assert_eq!((answer.status, stage.last_seen().as_str()), (200, "acme/app [] ci Bearer a.b.c"));
}

#[tokio::test]
async fn refusals_are_those_of_rfc_6749() {
    let stage = Stage::open().await;
    for (more, status, error, begin) in [
        ("subject_token=a.b.c&resource=acme/app&identity=absent", 400, "invalid_target", "unable to find trust policy for 'absent': "),
        ("subject_token=a.b.c&resource=acme/app&identity=forged", 400, "invalid_request", "unable to verify bearer token: "),
        ("subject_token=a.b.c&resource=https://gitlab.com/a/b&identity=ci", 400, "invalid_target", "`https://gitlab.com/a/b` is no repository"),
        ("resource=acme/app&identity=ci", 400, "invalid_request", "subject_token is missing"),
        ("subject_token=%zz", 400, "invalid_request", "invalid URL escape '%zz'"),
    ] {
        let answer = stage.token(more).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (status, Some(error)), "Input: {more}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(begin), "{description}");
        assert!(description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description}");
        assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(stage.token("subject_token=a.b.c&resource=acme/app&identity=absent").await.json()["reason"], "POLICY_NOT_FOUND");
}

/// T-050, T-051
#[tokio::test]
async fn a_request_in_another_form_is_refused_before_any_work() {
    let stage = Stage::open().await;
    let body = format!("{KINDS}&subject_token=a.b.c&resource=acme/app&identity=ci");
    let long = format!("{body}&x={}", "a".repeat(21 << 10));
    for (target, headers, body, status) in [
        ("/oauth/token", "\r\nContent-Type: application/json".to_owned(), "{}", 415),
        ("/oauth/token", String::new(), &*body, 415),
        ("/oauth/token", format!("{FORM}\r\nAuthorization: Bearer a.b.c"), &body, 400),
        ("/oauth/token?subject_token=a.b.c", FORM.to_owned(), &body, 400),
        ("/oauth/token", FORM.to_owned(), &long, 413),
    ] {
        let answer = stage.post(target, &headers, body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some("invalid_request")), "Input: {target} {headers}");
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_subject_token_of_16_kib_fits() {
    let stage = Stage::open().await;
    let answer = stage.token(&format!("subject_token={}&resource=acme/app&identity=ci", "a".repeat(16 << 10))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn nothing_is_exchanged_while_draining_and_tokens_still_end() {
    let stage = Stage::open().await;
    stage.phase.send_replace(Phase::Draining);
    let answer = stage.token("subject_token=a.b.c&resource=acme/app&identity=ci").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(stage.post("/sts/revoke", FORM, "token=ghs_x").await.status, 200);
}

#[tokio::test]
async fn a_token_is_ended_wherever_it_is_sent() {
    let stage = Stage::open().await;
    for (headers, body) in [
        ("\r\nAuthorization: Bearer ghs_x".to_owned(), ""),
        ("\r\nAuthorization: token ghs_x".to_owned(), ""),
        (FORM.to_owned(), "token=ghs_x&token_type_hint=access_token"),
        (format!("{FORM}\r\nAuthorization: Basic bWU6"), "token=ghs_x"),
        (format!("{FORM}\r\nAuthorization: Bearer ghs_x"), "token=ghs_x"),
        ("\r\nContent-Type: application/json".to_owned(), r#"{"token":"ghs_x"}"#),
    ] {
        let answer = stage.post("/sts/revoke", &headers, body).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("cache-control")), (200, "{}", Some("no-store")), "Input: {headers} {body}");
        assert_eq!(stage.fake.seen.lock().unwrap().pop().unwrap(), "end ghs_x", "Input: {headers} {body}");
    }
    assert_eq!(stage.post("/sts/revoke", FORM, "token=ghs_unknown").await.status, 200);
}

/// T-105
#[tokio::test]
async fn a_token_that_was_not_ended_is_not_told_to_be_and_never_repeated() {
    let stage = Stage::open().await;
    for (target, headers, body, status, error) in [
        ("/sts/revoke", "", "", 400, "invalid_request"),
        ("/sts/revoke", FORM, "token=", 400, "invalid_request"),
        ("/sts/revoke", FORM, "token=ghs_a&token=ghs_b", 400, "invalid_request"),
        ("/sts/revoke", "\r\nAuthorization: Bearer ghs_a\r\nAuthorization: Bearer ghs_a", "", 400, "invalid_request"),
        ("/sts/revoke?token=ghs_a", "", "", 400, "invalid_request"),
        ("/sts/revoke", FORM, "token=ghp_a", 400, "unsupported_token_type"),
        ("/sts/revoke", FORM, "token=ghs_odd", 400, "unsupported_token_type"),
        ("/sts/revoke", FORM, "token=ghs_flood", 429, "temporarily_unavailable"),
        ("/sts/revoke", FORM, "token=ghs_down", 503, "temporarily_unavailable"),
    ] {
        let answer = stage.post(target, headers, body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "Input: {target} {headers} {body}");
        assert!(!answer.body.contains("ghs_") && !answer.body.contains("secret words"), "{}", answer.body);
        let waits = answer.header("retry-after");
        assert_eq!(waits, [(429, "2"), (503, "1")].iter().find(|(code, _)| *code == status).map(|(_, wait)| *wait), "Input: {body}");
    }
}

#[tokio::test]
async fn metadata_names_the_endpoints_at_the_services_name() {
    let stage = Stage::open().await;
    let answer = stage.get("/.well-known/oauth-authorization-server", "").await;
    let document = answer.json();
    assert_eq!(document["issuer"], "https://sts.example.com");
    assert_eq!(document["token_endpoint"], "https://sts.example.com/oauth/token");
    assert_eq!(document["revocation_endpoint"], "https://sts.example.com/sts/revoke");
    assert_eq!(document["response_types_supported"], serde_json::json!([]));
    assert_eq!(stage.request("HEAD /.well-known/oauth-authorization-server HTTP/1.1", "").await.status, 200);
    assert_eq!(stage.get("/oauth/token", "").await.status, 501);
    assert_eq!(stage.get("/sts/revoke", "").await.status, 501);
}
