#![expect(clippy::disallowed_methods, reason = "the tests stand in for the policy")]

use bytes::Bytes;
use http::HeaderMap;
use octo_sts_types::{Grant, GrantedRepositories, RepositoryName};

use super::*;
use crate::order::Targets;

const OPAQUE: &str = "ghs_16C7e42F292c6912E7710c838347Ae178B4a";
/// The stateless form: `ghs_APPID_JWT`, here with a `-` in its base64url.
const STATELESS: &str = "ghs_4242_eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiI3In0.c2ln-bmF0dXJl_aXM";
const GOOD: &str = r#"{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"2026-11-25T03:00:00Z","permissions":{"contents":"read","metadata":"read"},"repository_selection":"selected","repositories":[{"id":5000,"node_id":"x","name":"app","full_name":"Acme/App","owner":{"login":"Acme","id":1},"private":true}]}"#;

fn now() -> Timestamp {
    "2026-11-25T02:00:00Z".parse().unwrap()
}

fn response(status: u16, headers: HeaderMap, body: &str) -> Response {
    Response { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn order(targets: Targets<'_>) -> Order {
    let repositories = if matches!(targets, Targets::Every) {
        GrantedRepositories::Every
    } else {
        GrantedRepositories::Named(["app", "lib"].map(|name| name.parse().unwrap()).to_vec())
    };
    let permissions = Permissions::new([("contents".parse().unwrap(), Level::Write), ("issues".parse().unwrap(), Level::Read)]).unwrap();
    Order::for_grant(&Grant::from_match(permissions, repositories), targets).unwrap()
}

fn one() -> Order {
    order(Targets::Ids(&[RepositoryId(5000)]))
}

fn checked(order: &Order, status: u16, body: &str) -> Result<InstallationToken, Box<Refused>> {
    let by = MintedBy { app: AppId(4242), installation: InstallationId(1001), clock_ahead: 0 };
    check(order, by, &response(status, HeaderMap::new(), body), now())
}

/// The text of the refusal, and the token that is to be revoked.
fn refused(order: &Order, status: u16, body: &str) -> (String, Option<String>) {
    let refused = *checked(order, status, body).expect_err(body);
    (refused.error.to_string(), refused.token.map(|token| token.expose().to_owned()))
}

#[test]
fn what_was_asked_for_is_accepted() {
    let names: [RepositoryName; 1] = ["APP".parse().unwrap()];
    for order in [one(), order(Targets::Names(&names))] {
        let token = checked(&order, 201, GOOD).unwrap();
        assert_eq!((token.expose(), token.expires_at().to_string().as_str()), (OPAQUE, "2026-11-25T03:00:00Z"));
        assert_eq!(token.permissions().to_string(), "contents: read, metadata: read");
        assert_eq!(token.repositories(), [MintedRepository { id: RepositoryId(5000), full_name: "Acme/App".into() }]);
        assert!(!token.reaches_every_repository());
    }
    let stateless = GOOD.replace(OPAQUE, STATELESS);
    assert_eq!(checked(&one(), 201, &stateless).unwrap().expose(), STATELESS);
}

#[test]
fn a_token_for_everything_needs_an_order_for_everything() {
    let every = order(Targets::Every);
    for body in [GOOD.replace("selected", "all"), GOOD.to_owned(), GOOD.replace(r#","repositories":[{"id":5000,"#, r#","x":[{"id":5000,"#)] {
        assert!(checked(&every, 201, &body).unwrap().reaches_every_repository(), "Input: {body}");
    }
}

/// T-084
#[test]
fn a_wider_token_is_refused_and_revoked() {
    let (two, second) = (r#"},{"id":5001,"full_name":"Acme/lib"}]"#, RepositoryId(5001));
    for (order, from, to, what) in [
        (one(), "\"read\",", "\"admin\",", "`contents: admin` was not asked for"),
        (one(), "\"contents\"", "\"issues\":\"write\",\"contents\"", "`issues: write` was not asked for"),
        (one(), "\"metadata\":\"read\"", "\"metadata\":\"write\"", "`metadata: write` was not asked for"),
        (one(), "\"metadata\"", "\"administration\"", "`administration: read` was not asked for"),
        (one(), "\"metadata\"", "\"brand_new\"", "`brand_new: read` was not asked for"),
        (one(), "\"contents\":\"read\"", "\"contents\":\"read\",\"contents\":\"admin\"", "`contents: admin` was not asked for"),
        (one(), "{\"contents\":\"read\",\"metadata\":\"read\"}", "{}", "the reply does not say what the token may do"),
        (one(), "{\"contents\":\"read\",\"metadata\":\"read\"}", "null", "the reply does not say what the token may do"),
        (one(), "\"permissions\"", "\"permission\"", "the reply does not say what the token may do"),
        (one(), "selected", "all", "the token is not limited to selected repositories"),
        (one(), "selected", "some", "the token is not limited to selected repositories"),
        (one(), "\"repository_selection\"", "\"x\"", "the token is not limited to selected repositories"),
        (one(), "5000", "5001", "the token does not reach exactly the repositories asked for"),
        (one(), "}]", two, "the token does not reach exactly the repositories asked for"),
        (one(), "\"repositories\"", "\"x\"", "the token does not reach exactly the repositories asked for"),
        (order(Targets::Ids(&[RepositoryId(5000), second])), "x", "x", "the token does not reach exactly the repositories asked for"),
        (order(Targets::Names(&["lib".parse().unwrap()])), "x", "x", "the token does not reach exactly the repositories asked for"),
        (one(), "T03:00:00Z", "T03:05:01Z", "the token lives for more than an hour"),
        (one(), "2026-11-25T03", "2099-11-25T03", "the token lives for more than an hour"),
    ] {
        assert!(from == to || GOOD.contains(from), "Input: {from}");
        let (error, token) = refused(&order, 201, &GOOD.replacen(from, to, 1));
        assert_eq!((error, token.as_deref()), (format!("wider than the grant: {what}"), Some(OPAQUE)), "Input: {to}");
    }
}

/// T-084
#[test]
fn an_odd_reply_is_refused_and_its_token_revoked() {
    for (status, from, to) in [
        (200, "x", "x"),
        (202, "x", "x"),
        (201, "T03:00:00Z", "T02:00:00Z"),
        (201, "2026-11-25T03:00:00Z", "in an hour"),
        (201, "\"expires_at\"", "\"expires\""),
        (201, "5000", "\"5000\""),
        (201, "{\"contents\":\"read\",\"metadata\":\"read\"}", "[]"),
        (201, "\"full_name\"", "\"name_in_full\""),
    ] {
        let (error, token) = refused(&one(), status, &GOOD.replacen(from, to, 1));
        assert!(error.starts_with("unexpected answer 20"), "Input: {to} gave {error}");
        assert_eq!(token.as_deref(), Some(OPAQUE), "Input: {to}");
    }
}

/// T-084
#[test]
fn a_reply_without_a_token_leaves_nothing_to_revoke() {
    let long = format!("ghs_{}", "a".repeat(5000));
    for bad in ["", "short", "ghs_16C7e42F292c6912E7710c838347Ae178B4\\n", "ghs_16C7e42F292c69 12E7710c838347Ae178B4a", &long] {
        let (error, token) = refused(&one(), 201, &GOOD.replace(OPAQUE, bad));
        assert!(error.starts_with("unexpected answer 201: ") && !error.contains("ghs_"), "Input: {bad} gave {error}");
        assert_eq!(token, None, "Input: {bad}");
    }
    for body in ["", "null", "[]", "<html>", "{\"token\":", &GOOD.replace("\"token\"", "\"tokens\"")] {
        assert_eq!(refused(&one(), 201, body).1, None, "Input: {body}");
    }
}

/// T-128
#[test]
fn the_expiry_is_judged_by_the_clock_that_set_it() {
    let by = MintedBy { app: AppId(4242), installation: InstallationId(1001), clock_ahead: 0 };
    let date: HeaderMap = [(http::header::DATE, "Wed, 25 Nov 2026 02:00:00 GMT".parse().unwrap())].into_iter().collect();
    let two_hours_behind = now() - jiff::SignedDuration::from_hours(2);
    assert!(check(&one(), by, &response(201, date, GOOD), two_hours_behind).is_ok());
    assert!(check(&one(), by, &response(201, HeaderMap::new(), GOOD), two_hours_behind).is_err());
    let learned = MintedBy { clock_ahead: 7200, ..by };
    assert!(check(&one(), learned, &response(201, HeaderMap::new(), GOOD), two_hours_behind).is_ok());
}
