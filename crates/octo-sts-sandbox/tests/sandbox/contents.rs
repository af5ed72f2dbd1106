//! Reading and writing files.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request};
use octo_sts_http::Response;
use octo_sts_sandbox::{SandboxSettings, Visibility};
use serde_json::json;

use crate::support::{POLICY, World, header, json, message, text};

async fn read(world: &World, token: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(format!("{}/repos/acme/app/contents/{path}", world.sandbox.github().base_url()));
    request = request.header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.client.send(request.body(Bytes::new()).unwrap()).await.unwrap()
}

fn content(response: &Response) -> Vec<u8> {
    let text: String = json(response)["content"].as_str().unwrap().split_whitespace().collect();
    STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn a_fork_has_the_files_and_the_default_branch_of_its_origin() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.set_default_branch("acme/app", "trunk");
    github.fork("acme/app", "forker/app");
    assert_eq!(github.file("forker/app", POLICY), github.file("acme/app", POLICY));
    assert_eq!(github.head("forker/app", "trunk"), github.head("acme/app", "trunk"));
}

/// T-090
#[tokio::test]
async fn files_come_in_every_shape() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.put_directory("acme/app", "odd/directory");
    github.put_symlink("acme/app", "odd/followed", "../.github/chainguard/ci.sts.yaml");
    github.put_symlink("acme/app", "odd/dangling", "nowhere");
    github.put_submodule("acme/app", "odd/submodule", "https://github.com/acme/sub.git");
    github.put_bytes("acme/app", "odd/binary", vec![0xff, 0xfe]);
    let token = world.token(r#"{"repositories":["app"],"permissions":{"contents":"read"}}"#).await;

    let file = read(&world, &token, POLICY, &[]).await;
    assert_eq!(
        (content(&file), json(&file)["type"].clone(), json(&file)["encoding"].clone()),
        (b"issuer: x\n".to_vec(), json!("file"), json!("base64"))
    );
    assert_eq!(content(&read(&world, &token, "odd/followed", &[]).await), b"issuer: x\n");
    let dangling = json(&read(&world, &token, "odd/dangling", &[]).await);
    assert_eq!((dangling["type"].as_str(), dangling["target"].as_str()), (Some("symlink"), Some("nowhere")));
    assert_eq!(json(&read(&world, &token, "odd/submodule", &[]).await)["submodule_git_url"], "https://github.com/acme/sub.git");
    assert_eq!(content(&read(&world, &token, "odd/binary", &[]).await), [0xff, 0xfe]);
    let listing = json(&read(&world, &token, "odd", &[]).await);
    let kinds: Vec<_> = listing.as_array().unwrap().iter().map(|entry| (entry["name"].as_str().unwrap(), entry["type"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("binary", "file"), ("dangling", "symlink"), ("directory", "dir"), ("followed", "symlink"), ("submodule", "file")]);
    let object = read(&world, &token, "odd", &[("accept", "application/vnd.github.object+json")]).await;
    assert_eq!(json(&object)["entries"].as_array().unwrap().len(), 5);
    assert_eq!(text(&read(&world, &token, POLICY, &[("accept", "application/vnd.github.raw+json")]).await), "issuer: x\n");
}

#[tokio::test]
async fn large_files_are_not_given_in_json() {
    let world = World::new().await;
    world.sandbox.github().put_bytes("acme/app", "large", vec![b'x'; 1_048_577]);
    let token = world.token("{}").await;
    assert_eq!(read(&world, &token, "large", &[]).await.status, 403);
    let object = json(&read(&world, &token, "large", &[("accept", "application/vnd.github.object+json")]).await);
    assert_eq!((object["content"].as_str(), object["encoding"].as_str(), object["size"].as_u64()), (Some(""), Some("none"), Some(1_048_577)));
    assert_eq!(read(&world, &token, "large", &[("accept", "application/vnd.github.raw+json")]).await.body.len(), 1_048_577);
}

#[tokio::test]
async fn an_unchanged_file_is_not_modified_and_costs_nothing() {
    let world = World::new().await;
    let token = world.token("{}").await;
    let first = read(&world, &token, POLICY, &[]).await;
    let (etag, left) = (header(&first, "etag").to_owned(), header(&first, "x-ratelimit-remaining").to_owned());
    assert!(etag.starts_with("W/\""), "{etag}");
    let again = read(&world, &token, POLICY, &[("if-none-match", &etag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len(), header(&again, "x-ratelimit-remaining")), (304, 0, left.as_str()));
    world.sandbox.github().put_file("acme/app", POLICY, "issuer: y\n");
    let changed = read(&world, &token, POLICY, &[("if-none-match", &etag)]).await;
    assert_eq!((changed.status.as_u16(), content(&changed)), (200, b"issuer: y\n".to_vec()));
    assert_ne!(header(&changed, "etag"), etag);
}

/// T-098
#[tokio::test]
async fn etags_can_belong_to_one_token() {
    let world = World::with(SandboxSettings { etag_per_token: true, ..SandboxSettings::default() }).await;
    let (one, two) = (world.token("{}").await, world.token("{}").await);
    let etag = header(&read(&world, &one, POLICY, &[]).await, "etag").to_owned();
    assert_eq!(read(&world, &one, POLICY, &[("if-none-match", &etag)]).await.status, 304);
    assert_eq!(read(&world, &two, POLICY, &[("if-none-match", &etag)]).await.status, 200);
}

#[tokio::test]
async fn a_token_reaches_its_repositories_and_what_is_public() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.put_file("stranger/open", "x", "1");
    github.set_visibility("stranger/open", Visibility::Public);
    github.put_file("stranger/closed", "x", "1");
    let token = world.token(r#"{"repositories":["app"],"permissions":{"contents":"write"}}"#).await;
    for (path, status) in [
        ("/repos/acme/app/contents/x", 404),
        ("/repos/acme/other", 404),
        ("/repos/stranger/open/contents/x", 200),
        ("/repos/stranger/closed/contents/x", 404),
        ("/repos/ACME/App/contents/.github/chainguard/ci.sts.yaml", 200),
        ("/repos/acme/app/contents/.github/chainguard/CI.sts.yaml", 404),
        ("/repos/acme/app/contents/.github%2Fchainguard%2Fci.sts.yaml", 200),
        ("/repos/acme/app/contents/x?ref=nowhere", 404),
    ] {
        assert_eq!(world.get(path, &token).await.status, status, "Input: {path}");
    }
    let put = world.call(Method::PUT, "/repos/stranger/open/contents/y", &token, r#"{"message":"m","content":"eA=="}"#).await;
    assert_eq!((put.status.as_u16(), message(&put).as_str()), (403, "Resource not accessible by integration"));
    assert_eq!(world.get("/repos/stranger/open", "").await.status, 200);
    assert_eq!(world.call(Method::POST, "/repos/stranger/open/issues", "", "{}").await.status, 401);
}

#[tokio::test]
async fn a_write_needs_the_permission_to_write() {
    let world = World::new().await;
    let reader = world.token(r#"{"permissions":{"contents":"read"}}"#).await;
    let writer = world.token(r#"{"permissions":{"contents":"write"}}"#).await;
    let (path, body) = ("/repos/acme/app/contents/notes.txt", r#"{"message":"note","content":"aGk="}"#);
    let refused = world.call(Method::PUT, path, &reader, body).await;
    assert_eq!((refused.status.as_u16(), message(&refused).as_str()), (403, "Resource not accessible by integration"));
    assert_eq!(header(&refused, "x-accepted-github-permissions"), "contents=write");
    assert_eq!(world.sandbox.github().file("acme/app", "notes.txt"), None);
    let created = world.call(Method::PUT, path, &writer, body).await;
    assert_eq!(created.status, 201, "{}", text(&created));
    assert_eq!(world.sandbox.github().file("acme/app", "notes.txt").as_deref(), Some("hi"));

    assert_eq!(world.call(Method::PUT, path, &writer, body).await.status, 422, "a change needs the old id");
    let wrong = r#"{"message":"note","content":"aGk=","sha":"0"}"#;
    assert_eq!(world.call(Method::PUT, path, &writer, wrong).await.status, 409);
    let sha = json(&created)["content"]["sha"].as_str().unwrap().to_owned();
    let gone = world.call(Method::DELETE, path, &writer, &json!({"message": "gone", "sha": sha}).to_string()).await;
    assert_eq!(gone.status, 200, "{}", text(&gone));
    assert_eq!(world.get(path, &writer).await.status, 404);
    let workflow = world.call(Method::PUT, "/repos/acme/app/contents/.github/workflows/x.yaml", &writer, body).await;
    assert_eq!(header(&workflow, "x-accepted-github-permissions"), "workflows=write");
}

#[tokio::test]
async fn issues_need_their_own_permission() {
    let world = World::new().await;
    let reader = world.token(r#"{"permissions":{"contents":"write","issues":"read"}}"#).await;
    let writer = world.token(r#"{"permissions":{"issues":"write"}}"#).await;
    let body = r#"{"title":"broken"}"#;
    assert_eq!(world.call(Method::POST, "/repos/acme/app/issues", &reader, body).await.status, 403);
    assert_eq!(world.call(Method::POST, "/repos/acme/app/issues", &writer, body).await.status, 201);
    assert_eq!(world.call(Method::POST, "/repos/acme/app/issues", &writer, "{}").await.status, 422);
    assert_eq!(json(&world.get("/repos/acme/app/issues", &reader).await)[0]["title"], "broken");
    assert_eq!(world.get("/repos/acme/app/contents/x", &writer).await.status, 403);
    world.sandbox.github().archive("acme/app", true);
    assert_eq!(message(&world.call(Method::POST, "/repos/acme/app/issues", &writer, body).await), "Repository was archived so is read-only.");
}
