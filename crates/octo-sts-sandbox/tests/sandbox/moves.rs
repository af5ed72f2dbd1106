//! Renames, transfers, and strangers under old names.

use octo_sts_sandbox::{OwnerKind, Visibility};

use crate::support::{POLICY, World, header, json, text};

/// T-095
#[tokio::test]
async fn a_renamed_repository_redirects_until_the_name_is_taken() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let token = world.token("{}").await;
    github.rename_repository("acme/app", "service");
    let moved = world.get("/repos/acme/app/contents/.github/chainguard/ci.sts.yaml?ref=main", &token).await;
    assert_eq!(moved.status, 301, "{}", text(&moved));
    let location = header(&moved, "location").to_owned();
    let path = location.strip_prefix(&github.base_url()).unwrap();
    assert!(path.starts_with("/repositories/") && path.ends_with("/contents/.github/chainguard/ci.sts.yaml?ref=main"), "{path}");
    assert_eq!(world.get(path, &token).await.status, 200);
    assert_eq!(world.get("/repos/acme/app/installation", &world.app.jwt()).await.status, 301);
    assert_eq!(world.mint(r#"{"repositories":["app"]}"#).await.status, 422);
    assert_eq!(json(&world.get("/repos/acme/service", &token).await)["full_name"], "acme/service");

    github.create_repository("acme/app");
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 200);
}

/// T-094
#[tokio::test]
async fn a_stranger_may_take_an_organisations_old_name() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let token = world.token(r#"{"repositories":["app"],"permissions":{"contents":"read"}}"#).await;
    github.rename_owner("acme", "acme2");
    assert_eq!(world.get("/orgs/acme/installation", &world.app.jwt()).await.status, 404);
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 301);
    assert_eq!(json(&world.get("/repos/acme2/app", &token).await)["owner"]["login"], "acme2");

    github.create_owner("acme", OwnerKind::Organization);
    github.put_file("acme/app", POLICY, "issuer: stranger\n");
    github.set_visibility("acme/app", Visibility::Public);
    let read = world.get(&format!("/repos/acme/app/contents/{POLICY}"), &token).await;
    assert_eq!(read.status, 200, "the old owner's token reads the stranger's public repository");
    let minted = json(&world.mint(r#"{"repositories":["app"]}"#).await);
    assert_eq!(minted["repositories"][0]["full_name"], "acme2/app");
}

#[tokio::test]
async fn a_transferred_repository_leaves_the_installation() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let token = world.token("{}").await;
    github.create_owner("buyer", OwnerKind::User);
    github.transfer("acme/app", "buyer");
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 404, "a redirect would tell that it exists");
    assert_eq!(world.get("/repos/buyer/app", &token).await.status, 404);
    github.delete_repository("acme/other");
    assert_eq!(world.get("/repos/acme/other", &token).await.status, 404);
}

#[tokio::test]
async fn the_default_branch_can_change_its_name() {
    let world = World::new().await;
    let token = world.token("{}").await;
    world.sandbox.github().set_default_branch("acme/app", "trunk");
    world.sandbox.github().set_default_branch("acme/other", "trunk");
    let path = format!("/repos/acme/app/contents/{POLICY}");
    assert_eq!(world.get(&path, &token).await.status, 200);
    assert_eq!(world.get(&format!("{path}?ref=main"), &token).await.status, 404);
    assert_eq!(json(&world.get("/repos/acme/other", &token).await)["default_branch"], "trunk");
}

#[tokio::test]
async fn a_deleted_account_takes_everything_along() {
    let world = World::new().await;
    let token = world.token("{}").await;
    world.sandbox.github().delete_owner("ACME");
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 401);
    assert_eq!(world.get("/app/installations/1001", &world.app.jwt()).await.status, 404);
    world.sandbox.github().create_repository("acme/app");
    assert_eq!(world.get("/repos/acme/app/installation", &world.app.jwt()).await.status, 404);
    assert_eq!(world.app.install_everywhere(), 1);
    assert_eq!(world.get("/repos/acme/app/installation", &world.app.jwt()).await.status, 200);
}
