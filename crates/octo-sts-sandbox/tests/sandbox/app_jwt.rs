//! What the fake GitHub thinks of App JWTs.

use crate::support::{World, json, message};
use serde_json::{Value, json};

#[tokio::test]
async fn app_jwts_are_judged_as_github_judges_them() {
    let world = World::new().await;
    let now = world.app.now().as_second();
    let exp = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
    let iat = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    let with = |member: &str, value: Value| {
        let mut claims = json!({"iss": "4242", "iat": now - 60, "exp": now + 540});
        claims[member] = value;
        world.app.jwt_with(&claims)
    };
    for (jwt, status, wanted) in [
        (with("iss", json!(4242)), 200, ""),
        (with("iss", json!("Iv23li00000000004242")), 200, ""),
        (with("exp", json!(now + 595)), 200, ""),
        (with("exp", json!(now + 700)), 401, "'Expiration time' claim ('exp') is too far in the future"),
        (with("exp", json!(now - 1)), 401, exp),
        (with("exp", json!("soon")), 401, exp),
        (with("exp", Value::Null), 401, exp),
        (with("iat", json!(now + 60)), 401, iat),
        (with("iat", Value::Null), 401, iat),
        (with("iss", json!("9")), 404, "Integration not found"),
        (with("iss", Value::Null), 401, "'Issuer' claim ('iss') must be an Integer"),
        ("a.b.c".to_owned(), 401, "A JSON web token could not be decoded"),
        (format!("{}x", world.app.jwt()), 401, "A JSON web token could not be decoded"),
        (String::new(), 401, "A JSON web token could not be decoded"),
    ] {
        let reply = world.get("/app", &jwt).await;
        assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (status, wanted), "Input: {jwt}");
    }
}

/// T-127
#[tokio::test]
async fn keys_of_an_app_come_and_go() {
    let world = World::new().await;
    let (old, second) = (world.app.jwt(), world.app.add_key());
    let new = second.jwt();
    assert_eq!(world.get("/app", &old).await.status, 200);
    assert_eq!(world.get("/app", &new).await.status, 200);
    world.app.remove_key();
    let refused = world.get("/app", &old).await;
    assert_eq!((refused.status.as_u16(), message(&refused).as_str()), (401, "A JSON web token could not be decoded"));
    assert_eq!(world.get("/app", &new).await.status, 200);
    second.remove_key();
    assert_eq!(message(&world.get("/app", &new).await), "Integration must generate a public key");
}

#[tokio::test]
async fn credentials_of_one_kind_do_not_serve_for_the_other() {
    let world = World::new().await;
    let token = world.token("{}").await;
    assert_eq!(world.get("/app", &token).await.status, 401);
    assert_eq!(message(&world.get("/repos/acme/app", &world.app.jwt()).await), "Bad credentials");
    assert_eq!(message(&world.get("/repos/acme/app", "ghs_nonsense").await), "Bad credentials");
    assert_eq!(world.get("/repos/acme/app", "").await.status, 404);
}

#[tokio::test]
async fn installations_are_found_by_owner_and_repository_in_any_case() {
    let world = World::new().await;
    let jwt = world.app.jwt();
    for path in ["/orgs/ACME/installation", "/repos/Acme/APP/installation", "/app/installations/1001"] {
        assert_eq!(json(&world.get(path, &jwt).await)["id"], 1001, "Input: {path}");
    }
    for path in ["/users/acme/installation", "/orgs/nobody/installation", "/repos/acme/nope/installation", "/app/installations/9"] {
        assert_eq!(world.get(path, &jwt).await.status, 404, "Input: {path}");
    }
}

#[tokio::test]
async fn installations_are_listed_in_pages() {
    let world = World::new().await;
    for number in 0..34 {
        let owner = format!("owner-{number}");
        world.sandbox.github().create_owner(&owner, octo_sts_sandbox::OwnerKind::User);
        world.app.install(&owner, &octo_sts_sandbox::Selection::All);
    }
    let first = world.get("/app/installations", &world.app.jwt()).await;
    assert_eq!(json(&first).as_array().unwrap().len(), 30);
    assert!(crate::support::header(&first, "link").contains("page=2>; rel=\"next\""));
    assert_eq!(json(&world.get("/app/installations?page=2", &world.app.jwt()).await).as_array().unwrap().len(), 5);
    assert_eq!(json(&world.get("/app", &world.app.jwt()).await)["installations_count"], 35);
    assert_eq!(world.get("/users/OWNER-1/installation", &world.app.jwt()).await.status, 200);
}
