//! Section 6: upstream's defects, tried on this service.

use crate::support::{CI, House};
use octo_sts_sandbox::{OwnerKind, Visibility};
use serde_json::json;

/// G1. Upstream's process ends.
///
/// T-091
#[tokio::test]
async fn a_directory_at_the_policys_path_is_an_error_and_the_service_lives() {
    let house = House::new().await;
    house.sandbox.github().put_file("acme/app", ".github/chainguard/dir.sts.yaml/inside.txt", "x");
    let (answer, _) = house.exchange("scope=acme/app&identity=dir", &house.token()).await;
    answer.refuses("`identity=dir`, where `dir.sts.yaml` is a directory", 404, 5, "unable to read trust policy found for \"dir\"");
    house.exchange(CI, &house.token()).await.0.grants("The next request, `identity=ci`");
}

/// G3. Upstream admits `repo:acme/axxx` and `xxx-repo:acme/b`.
///
/// T-070
#[tokio::test]
async fn an_alternation_stays_inside_the_anchors() {
    let house = House::new().await;
    let issuer = house.issuer.url();
    house.file("acme/app", "either", &format!("issuer: {issuer}\nsubject_pattern: 'repo:acme/a|repo:acme/b'\npermissions: {{contents: read}}\n"));
    for (subject, admitted) in
        [("repo:acme/a", true), ("repo:acme/b", true), ("repo:acme/axxx", false), ("xxx-repo:acme/b", false), ("repo:acme/c", false)]
    {
        let (answer, _) = house.exchange("scope=acme/app&identity=either", &house.token_of(&json!({"sub": subject}))).await;
        if admitted {
            answer.grants(subject);
        } else {
            answer.refuses(subject, 403, 7, "token does not match trust policy");
        }
    }
}

/// G4. Upstream sends `permissions: {}`, which GitHub takes for all of them, and no repositories, which are all of them.
///
/// T-081, T-082
#[tokio::test]
async fn empty_permissions_and_repositories_are_invalid() {
    let house = House::new().await;
    for (repository, identity, rest) in [
        ("acme/app", "none", ""),
        ("acme/app", "braces", "permissions: {}"),
        ("acme/app", "null", "permissions:"),
        ("acme/.github", "all", "permissions: {contents: read}\nrepositories: []"),
        ("acme/.github", "nullrepos", "permissions: {contents: read}\nrepositories:"),
    ] {
        house.policy(repository, identity, rest);
        let scope = if repository == "acme/app" { "acme/app" } else { "acme" };
        let (answer, calls) = house.exchange(&format!("scope={scope}&identity={identity}"), &house.token()).await;
        let code = answer.json()["code"].as_i64();
        assert_eq!((answer.status, code), (404, Some(5)), "scope `{scope}`, policy `{identity}`: {}", answer.body);
        assert!(calls.ends_with("contents"), "{identity}: {calls}");
    }
    let asked = house.sandbox.github().ledger();
    assert!(asked.iter().all(|entry| entry.requested_permissions.as_ref().is_some_and(|some| !some.is_empty())), "{asked:#?}");
}

/// G7. Upstream gives the stranger, who took the old name, a token of the renamed owner.
///
/// T-094
#[tokio::test]
async fn a_renamed_owners_old_name_gives_nothing_of_his() {
    let house = House::new().await;
    let (answer, _) = house.exchange(CI, &house.token()).await;
    answer.grants("warm");
    let mut handed_out = vec![answer.token()];
    let github = house.sandbox.github();
    github.rename_owner("acme", "acme2");
    github.create_owner("acme", OwnerKind::Organization);
    github.create_repository("acme/app");
    github.set_visibility("acme/app", Visibility::Public);
    house.policy("acme/app", "evil", "permissions: {contents: write}");
    house.policy("acme/app", "ci", "permissions: {contents: write}");
    for (situation, identity) in [("`scope=acme/app&identity=evil`", "evil"), ("Old identity under the old name, `scope=acme/app&identity=ci`", "ci")]
    {
        let (answer, _) = house.exchange(&format!("scope=acme/app&identity={identity}"), &house.token()).await;
        answer.refuses(situation, 404, 5, "");
    }
    let (answer, _) = house.exchange("scope=acme2/app&identity=ci", &house.token()).await;
    answer.grants("New name, `scope=acme2/app&identity=ci`");
    assert_eq!(house.grant(&answer), (r#"{"contents":"read"}"#.to_owned(), "acme2/app".to_owned()));
    handed_out.push(answer.token());
    house.close(&handed_out).await;
}

/// Permissions over the organisation in a repository's policy: upstream grants what the policy asks.
///
/// T-080
#[tokio::test]
async fn a_repositorys_policy_gives_no_power_over_its_organisation() {
    let house = House::new().await;
    house.policy("acme/app", "write", "permissions: {members: write}");
    let (answer, _) = house.exchange("scope=acme/app&identity=write", &house.token()).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (404, Some(5)), "{}", answer.body);
    house.policy("acme/app", "read", "permissions: {members: read}");
    house.exchange("scope=acme/app&identity=read", &house.token()).await.0.grants("`members: read`, as the guide to Renovate has it");
}
