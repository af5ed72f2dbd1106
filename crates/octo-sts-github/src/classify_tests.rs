use super::*;

/// An answer, and what it must mean in one line.
fn meaning(presented: Presented, status: u16, headers: &[(&'static str, &str)], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
    let now = "2026-11-25T02:00:00Z".parse().unwrap();
    match refusal(presented, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), now) {
        None => "done".into(),
        Some(GitHubError::RateLimited { kind, retry_after }) => format!("{kind} {:?}", retry_after.map(|wait| wait.as_secs())),
        Some(GitHubError::Unavailable { outage, retry_after }) => format!("{outage} {:?}", retry_after.map(|wait| wait.as_secs())),
        Some(error) => error.to_string(),
    }
}

fn to_token(status: u16, headers: &[(&'static str, &str)], body: &str) -> String {
    meaning(Presented::Token, status, headers, body)
}

const PRIMARY: &str = r#"{"message":"API rate limit exceeded for installation ID 1001.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}"#;
const SECONDARY: &str = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}"#;
const NOT_ACCESSIBLE: &str = r#"{"message":"Resource not accessible by integration","status":"403"}"#;
const RESET_IN_A_MINUTE: (&str, &str) = ("x-ratelimit-reset", "1795572060");
const NOTHING_LEFT: (&str, &str) = ("x-ratelimit-remaining", "0");
const SOME_LEFT: (&str, &str) = ("x-ratelimit-remaining", "4000");

#[test]
fn what_was_done_is_done() {
    for status in [200, 201, 204, 304] {
        assert_eq!(to_token(status, &[], ""), "done", "Input: {status}");
    }
}

/// T-095
#[test]
fn a_redirect_means_moved_wherever_it_points() {
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(to_token(status, &[("location", "https://evil.example/")], ""), "it has moved: use its new name", "Input: {status}");
    }
}

#[test]
fn a_401_blames_what_was_presented() {
    let body = r#"{"message":"A JSON web token could not be decoded"}"#;
    assert_eq!(meaning(Presented::AppJwt, 401, &[], body), "GitHub refuses the App's key: A JSON web token could not be decoded");
    assert_eq!(to_token(401, &[], r#"{"message":"Bad credentials"}"#), "GitHub refuses the installation token");
}

/// T-121
#[test]
fn the_primary_limit_is_known_by_what_remains() {
    for status in [403, 429] {
        assert_eq!(to_token(status, &[NOTHING_LEFT, RESET_IN_A_MINUTE], PRIMARY), "primary Some(60)", "Input: {status}");
        assert_eq!(to_token(status, &[NOTHING_LEFT, RESET_IN_A_MINUTE], ""), "primary Some(60)", "Input: {status}");
        assert_eq!(to_token(status, &[NOTHING_LEFT], PRIMARY), "primary None", "Input: {status}");
        assert_eq!(to_token(status, &[SOME_LEFT], PRIMARY), "primary None", "Input: {status}");
        assert_eq!(to_token(status, &[NOTHING_LEFT, ("retry-after", "7"), RESET_IN_A_MINUTE], PRIMARY), "primary Some(7)", "Input: {status}");
    }
}

#[test]
fn a_reset_is_counted_from_the_clock_that_set_it() {
    let date = ("date", "Wed, 25 Nov 2026 02:00:30 GMT");
    assert_eq!(to_token(403, &[NOTHING_LEFT, RESET_IN_A_MINUTE, date], PRIMARY), "primary Some(30)");
}

/// T-122
#[test]
fn the_secondary_limit_is_known_by_header_text_or_link() {
    let link = r#"{"message":"Slow down","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits#secondary-rate-limits"}"#;
    let old_link = r#"{"message":"Slow down","documentation_url":"https://developer.github.com/v3/#abuse-rate-limits"}"#;
    let old_text = r#"{"message":"You have triggered an abuse detection mechanism."}"#;
    for status in [403, 429] {
        for body in [SECONDARY, link, old_link, old_text] {
            assert_eq!(to_token(status, &[SOME_LEFT], body), "secondary None", "Input: {status} {body}");
            assert_eq!(to_token(status, &[SOME_LEFT, ("retry-after", "90")], body), "secondary Some(90)", "Input: {status} {body}");
            assert_eq!(to_token(status, &[NOTHING_LEFT, RESET_IN_A_MINUTE], body), "secondary Some(60)", "Input: {status} {body}");
        }
        assert_eq!(to_token(status, &[("retry-after", "5")], "<html>"), "secondary Some(5)", "Input: {status}");
    }
    assert_eq!(to_token(429, &[], ""), "secondary None");
}

/// T-097, T-125
#[test]
fn a_permission_error_is_no_limit() {
    let saml = r#"{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."}"#;
    let addresses = r#"{"message":"Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."}"#;
    for body in [NOT_ACCESSIBLE, saml, addresses] {
        for headers in [&[][..], &[SOME_LEFT], &[NOTHING_LEFT, RESET_IN_A_MINUTE]] {
            let meaning = to_token(403, headers, body);
            assert!(meaning.starts_with("GitHub forbids it: "), "Input: {body} {headers:?} gave {meaning}");
        }
    }
    assert_eq!(to_token(403, &[SOME_LEFT], "<html>Forbidden</html>"), "GitHub forbids it: ");
    assert_eq!(to_token(451, &[], r#"{"message":"Repository access blocked"}"#), "GitHub forbids it: Repository access blocked");
}

/// T-123
#[test]
fn a_suspension_is_told_apart() {
    let body = r#"{"message":"This installation has been suspended"}"#;
    assert_eq!(meaning(Presented::AppJwt, 403, &[SOME_LEFT], body), "the installation is suspended");
    assert_eq!(meaning(Presented::AppJwt, 403, &[NOTHING_LEFT], body), "the installation is suspended");
}

/// T-108
#[test]
fn a_422_with_the_marks_of_a_limit_is_one() {
    let spammed = r#"{"message":"Validation failed, or the endpoint has been spammed."}"#;
    assert_eq!(to_token(422, &[("retry-after", "60")], spammed), "secondary Some(60)");
    assert_eq!(to_token(422, &[NOTHING_LEFT, RESET_IN_A_MINUTE], spammed), "primary Some(60)");
    assert_eq!(to_token(422, &[SOME_LEFT], spammed), "GitHub refuses it: Validation failed, or the endpoint has been spammed.");
}

/// T-087
#[test]
fn a_422_keeps_its_reason() {
    for message in [
        "The permissions requested are not granted to this installation.",
        "There is at least one repository that does not exist or is not accessible to the parent installation.",
    ] {
        assert_eq!(to_token(422, &[], &format!(r#"{{"message":"{message}"}}"#)), format!("GitHub refuses it: {message}"));
    }
    let detailed = r#"{"message":"Validation Failed","errors":[{"resource":"X","code":"custom","message":"no such field"},"and this",{"code":"x"}]}"#;
    assert_eq!(to_token(422, &[], detailed), "GitHub refuses it: Validation Failed: no such field; and this");
}

/// T-104
#[test]
fn a_reason_is_cut_and_printable() {
    let long = format!(r#"{{"message":"a\nb\u001b[31m{}"}}"#, "x".repeat(2000));
    let meaning = to_token(422, &[], &long);
    assert!(meaning.starts_with("GitHub refuses it: a\\u{a}b\\u{1b}[31mxxx") && meaning.len() < 300, "{meaning}");
}

/// T-120
#[test]
fn an_outage_is_one_whatever_the_body() {
    for (status, body) in [(500, ""), (502, "<html>"), (503, "{"), (504, r#"{"message":null}"#), (408, "")] {
        assert_eq!(to_token(status, &[], body), format!("it answered {status} None"));
    }
    assert_eq!(to_token(503, &[("retry-after", "10")], ""), "it answered 503 Some(10)");
}

#[test]
fn the_rest_is_unexpected() {
    for status in [400, 405, 406, 409, 410, 415, 418] {
        let meaning = to_token(status, &[], r#"{"message":"no"}"#);
        assert_eq!(meaning, format!("unexpected answer {status}: no"));
    }
    assert_eq!(to_token(404, &[NOTHING_LEFT], ""), "GitHub knows no such thing, or the App may not see it");
}
