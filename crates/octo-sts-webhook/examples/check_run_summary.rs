//! Prints the summary of a check run that has something of everything: the picture in `docs/` shows it.

#[path = "../tests/webhook/support.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "shared with the tests")]
mod support;

use octo_sts_sandbox::Change;
use support::{CI, GOOD, World};

const RELEASE: &str = ".github/chainguard/release.sts.yaml";
const CASES: &str = ".github/chainguard/ci.sts.test.yaml";
const CASE: &str = "cases:\n  - claims: {iss: https://token.actions.githubusercontent.com, sub: 'repo:acme/app:pull_request', aud: octo-sts.test}\n    expect: refuse\n";

#[tokio::main]
async fn main() {
    let world = World::new().await;
    world.github().put_file("acme/app", RELEASE, GOOD.replace("main", "release"));
    let base = world.github().put_file("acme/app", CI, GOOD);
    world.github().create_branch("acme/app", "topic", "main");
    let wrong = "issuer: https://token.actions.githubusercontent.com\nsubject_patern: repo:acme/.*\npermissions:\n  pull-requests: writ\n";
    let changes = [
        Change::Put(CI.into(), GOOD.replace("contents: read", "contents: write\n  issues: write")),
        Change::Put(CASES.into(), CASE.into()),
        Change::Put(".github/chainguard/renovate.sts.yaml".into(), wrong.into()),
        Change::Remove(RELEASE.into()),
    ];
    let head = world.github().commit("acme/app", "topic", "change", &changes);
    let number = world.github().open_pull("acme/app", "main", "acme/app", "topic");
    world.deliver("pull_request", &world.pull_request("acme/app", number, &base, &head)).await;
    println!("{}", world.summary());
}
