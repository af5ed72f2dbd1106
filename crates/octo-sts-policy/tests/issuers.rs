//! Realistic tokens of issuers in the wild, a policy that admits each, and near misses that it refuses.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use octo_sts_policy::{MatchContext, ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_types::{ClaimSet, Scope};
use serde_json::{Value, json};

/// Checks that the policy admits the token, and no longer once any of these members is changed (null: is left out).
fn check(policy: &str, token: &Value, near_misses: &[(&str, Value)]) {
    let parsed = TrustPolicy::parse(policy, PolicyKind::Repository, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{policy}"));
    assert_eq!(parsed.warnings, [], "{policy}");
    let scope: Scope = "acme/app".parse().unwrap();
    let audiences = ["octo-sts.dev".to_owned(), "https://octo-sts.dev".to_owned(), "https://github.com/{scope}".to_owned()];
    let context = MatchContext { scope: &scope, default_audiences: &audiences };
    let verdict = |token: &Value| {
        let claims = ClaimSet::from_members(token.as_object().unwrap().clone()).unwrap();
        parsed.value.admits(&claims, &context)
    };
    assert_eq!(verdict(token), Ok(()));
    for (pointer, value) in near_misses {
        let mut other = token.clone();
        match (pointer.rsplit_once('/').unwrap(), value) {
            ((parent, name), Value::Null) => {
                drop(other.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&name.replace("~1", "/")).unwrap());
            }
            _ => *other.pointer_mut(pointer).unwrap() = value.clone(),
        }
        assert!(verdict(&other).is_err(), "Input: {pointer} = {value}");
    }
}

#[test]
fn github_actions() {
    check(
        "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme@9919/app@1296269:environment:Production EU\nclaim_pattern:\n  job_workflow_ref: acme/ci/\\.github/workflows/deploy\\.yml@refs/heads/main\n  ref_protected: 'true'\n  repository_owner_id: '9919'\npermissions:\n  deployments: write\n",
        &json!({
            "iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme@9919/app@1296269:environment:Production EU",
            "aud": "https://github.com/acme/app", "ref": "refs/heads/main", "ref_protected": "true", "ref_type": "branch", "sha": "ffac537e6cbbf934b08745a378932722df287a53",
            "repository": "acme/app", "repository_id": "1296269", "repository_owner": "acme", "repository_owner_id": "9919", "actor": "octocat", "event_name": "push",
            "environment": "Production EU", "job_workflow_ref": "acme/ci/.github/workflows/deploy.yml@refs/heads/main", "runner_environment": "github-hosted",
            "jti": "1f5b6c1c", "iat": 1_790_000_000, "nbf": 1_789_999_700, "exp": 1_790_000_300,
        }),
        &[
            ("/sub", json!("repo:acme@9919/app@1296269:environment:Production")),
            ("/sub", json!("repo:acme/app:environment:Production EU")),
            ("/aud", json!("https://github.com/acme")),
            ("/ref_protected", json!("false")),
            ("/repository_owner_id", json!("99199")),
            ("/job_workflow_ref", json!("acme/ci/xgithub/workflows/deploy.yml@refs/heads/main")),
            ("/job_workflow_ref", json!(null)),
            ("/iss", json!("https://token.actions.githubusercontent.com/acme")),
        ],
    );
}

#[test]
fn gitlab() {
    check(
        "issuer: https://gitlab.com\nsubject_pattern: project_path:acme/app:ref_type:(branch|tag):ref:(main|v\\d+)\nclaim_pattern:\n  namespace_id: '12885807'\n  groups_direct: acme/releasers\npermissions:\n  packages: write\n",
        &json!({
            "iss": "https://gitlab.com", "sub": "project_path:acme/app:ref_type:tag:ref:v12", "aud": ["https://octo-sts.dev"], "namespace_id": "12885807", "namespace_path": "acme",
            "project_id": "17", "project_path": "acme/app", "pipeline_source": "push", "ref": "v12", "ref_type": "tag", "ref_protected": "true",
            "groups_direct": ["acme/all", "acme/releasers"], "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
        }),
        &[
            ("/sub", json!("project_path:acme/app:ref_type:tag:ref:v12-rc")),
            ("/sub", json!("project_path:acme/app2:ref_type:tag:ref:v12")),
            ("/namespace_id", json!("12885808")),
            ("/groups_direct", json!(["acme/all"])),
            ("/groups_direct", json!([["acme/releasers"]])),
            ("/groups_direct", json!(null)),
        ],
    );
}

#[test]
fn circleci() {
    check(
        "issuer: https://oidc.circleci.com/org/3d4f2a\nsubject_pattern: org/3d4f2a/project/9b1/user/.*\naudience: 3d4f2a\nclaim_pattern:\n  oidc.circleci.com/project-id: '9b1'\n  oidc.circleci.com/context-ids: c-prod\n  oidc.circleci.com/ssh-rerun: 'false'\npermissions:\n  checks: write\n",
        &json!({
            "iss": "https://oidc.circleci.com/org/3d4f2a", "sub": "org/3d4f2a/project/9b1/user/77", "aud": "3d4f2a", "oidc.circleci.com/project-id": "9b1",
            "oidc.circleci.com/context-ids": ["c-all", "c-prod"], "oidc.circleci.com/ssh-rerun": false, "oidc.circleci.com/vcs-ref": "refs/heads/main",
        }),
        &[
            ("/oidc.circleci.com~1ssh-rerun", json!(true)),
            ("/oidc.circleci.com~1context-ids", json!(["c-all"])),
            ("/oidc.circleci.com~1project-id", json!("9b")),
            ("/aud", json!("octo-sts.dev")),
        ],
    );
}

#[test]
fn buildkite() {
    check(
        "issuer: https://agent.buildkite.com\nsubject_pattern: 'organization:acme:pipeline:deploy:ref:refs/heads/main:commit:[0-9a-f]{40}:step:.*'\nclaim_pattern:\n  organization_id: o-1\n  build_number: '[0-9]+'\npermissions:\n  statuses: write\n",
        &json!({
            "iss": "https://agent.buildkite.com", "sub": "organization:acme:pipeline:deploy:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:", "aud": "octo-sts.dev",
            "organization_slug": "acme", "organization_id": "o-1", "pipeline_slug": "deploy", "build_number": 4711, "build_branch": "main", "step_key": null, "job_id": "0184990a",
        }),
        &[
            ("/sub", json!("organization:acme2:pipeline:deploy:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:")),
            ("/organization_id", json!("o-11")),
            ("/build_number", json!(1.5)),
            ("/build_number", json!(null)),
        ],
    );
}

#[test]
fn bitbucket_pipelines() {
    let workspace = "ari:cloud:bitbucket::workspace/c9fd1e4e";
    check(
        &format!(
            "issuer: https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc\nsubject_pattern: '\\{{a1b2\\}}:\\{{[0-9a-f]+\\}}'\naudience: {workspace}\nclaim_pattern:\n  workspaceUuid: '\\{{c9fd1e4e\\}}'\n  branchName: main\npermissions:\n  contents: read\n"
        ),
        &json!({
            "iss": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "sub": "{a1b2}:{c3d4}", "aud": workspace, "repositoryUuid": "{a1b2}",
            "workspaceUuid": "{c9fd1e4e}", "pipelineUuid": "{e5}", "stepUuid": "{c3d4}", "branchName": "main",
        }),
        &[("/sub", json!("a1b2:c3d4")), ("/sub", json!("{a1b3}:{c3d4}")), ("/branchName", json!("main2")), ("/workspaceUuid", json!("c9fd1e4e"))],
    );
}

#[test]
fn hcp_terraform() {
    check(
        "issuer: https://app.terraform.io\nsubject: organization:acme:project:Default Project:workspace:prod:run_phase:apply\naudience: octo\nclaim_pattern: {terraform_run_phase: apply}\npermissions:\n  administration: read\n",
        &json!({
            "iss": "https://app.terraform.io", "sub": "organization:acme:project:Default Project:workspace:prod:run_phase:apply", "aud": "octo", "terraform_run_phase": "apply",
            "terraform_workspace_id": "ws-1", "terraform_organization_id": "org-1", "terraform_full_workspace": "organization:acme:project:Default Project:workspace:prod",
        }),
        &[
            ("/sub", json!("organization:acme:project:Default Project:workspace:prod:run_phase:plan")),
            ("/sub", json!("organization:acme:project:DefaultProject:workspace:prod:run_phase:apply")),
            ("/terraform_run_phase", json!("plan")),
        ],
    );
}

#[test]
fn azure_devops() {
    check(
        "issuer: https://vstoken.dev.azure.com/7d0e\nsubject: p://acme/My Project/deploy\naudience: api://AzureADTokenExchange\nclaim_pattern: {rpo_ref: refs/heads/main, org_id: 7d0e}\npermissions:\n  contents: read\n",
        &json!({
            "iss": "https://vstoken.dev.azure.com/7d0e", "sub": "p://acme/My Project/deploy", "aud": "api://AzureADTokenExchange", "org_id": "7d0e", "prj_id": "p-1", "def_id": "12",
            "rpo_id": "r-1", "rpo_uri": "https://dev.azure.com/acme/_git/app", "rpo_ver": "9f31", "rpo_ref": "refs/heads/main", "run_id": "88",
        }),
        &[("/sub", json!("p://acme/My Project/deploy2")), ("/aud", json!("api://azureadtokenexchange")), ("/rpo_ref", json!("refs/heads/main2"))],
    );
}

#[test]
fn entra_id_with_a_slash_at_the_end() {
    check(
        "issuer: https://sts.windows.net/72f988bf/\nsubject: 5b0e\naudience: api://octo\nclaim_pattern: {roles: deployer, tid: 72f988bf}\npermissions:\n  contents: read\n",
        &json!({"iss": "https://sts.windows.net/72f988bf/", "sub": "5b0e", "aud": "api://octo", "tid": "72f988bf", "appid": "a-1", "roles": ["reader", "deployer"]}),
        &[("/iss", json!("https://sts.windows.net/72f988bf")), ("/roles", json!([])), ("/roles", json!("deployers"))],
    );
}

#[test]
fn google() {
    check(
        "issuer: https://accounts.google.com\nsubject: '114137862374120563412'\nclaim_pattern:\n  email: ci@acme\\.iam\\.gserviceaccount\\.com\n  email_verified: 'true'\n  google/compute_engine/project_id: acme-prod\npermissions:\n  contents: read\n",
        &json!({
            "iss": "https://accounts.google.com", "sub": "114137862374120563412", "aud": "octo-sts.dev", "azp": "114137862374120563412", "email": "ci@acme.iam.gserviceaccount.com",
            "email_verified": true, "google": {"compute_engine": {"project_id": "acme-prod", "project_number": 739_419_398_126_u64, "zone": "us-west1-a"}},
        }),
        &[
            ("/email_verified", json!(false)),
            ("/email", json!("ci@acmexiam.gserviceaccount.com")),
            ("/google/compute_engine/project_id", json!("acme")),
            ("/google", json!(null)),
            ("/sub", json!("11413786237412056341")),
        ],
    );
}

#[test]
fn kubernetes() {
    for (namespace, account) in
        [("kubernetes.io/namespace", "kubernetes.io/serviceaccount/name"), ("/kubernetes.io/namespace", "/kubernetes.io/serviceaccount/name")]
    {
        check(
            &format!(
                "issuer: https://oidc.eks.us-east-1.amazonaws.com/id/4A2F\nsubject: system:serviceaccount:ci:bot\nclaim_pattern:\n  {namespace}: ci\n  {account}: bot\npermissions:\n  contents: read\n"
            ),
            &json!({
                "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/4A2F", "sub": "system:serviceaccount:ci:bot", "aud": ["octo-sts.dev"],
                "kubernetes.io": {"namespace": "ci", "node": {"name": "n1", "uid": "u1"}, "pod": {"name": "p", "uid": "u2"}, "serviceaccount": {"name": "bot", "uid": "u3"}, "warnafter": 1_790_000_000},
            }),
            &[
                ("/kubernetes.io/namespace", json!("ci2")),
                ("/kubernetes.io/namespace", json!({"ci": "ci"})),
                ("/kubernetes.io/serviceaccount/name", json!("bots")),
                ("/kubernetes.io/serviceaccount", json!("bot")),
                ("/kubernetes.io", json!(null)),
                ("/iss", json!("https://oidc.eks.us-east-1.amazonaws.com/id/4a2f")),
            ],
        );
    }
}

#[test]
fn aws_outbound_federation() {
    check(
        "issuer: https://0f1e.tokens.sts.global.api.aws\nsubject: arn:aws:iam::111122223333:role/ci\nclaim_pattern:\n  /https:~1~1sts.amazonaws.com~1/aws_account: '111122223333'\n  /https:~1~1sts.amazonaws.com~1/ou_path: ou-1\npermissions:\n  contents: read\n",
        &json!({
            "iss": "https://0f1e.tokens.sts.global.api.aws", "sub": "arn:aws:iam::111122223333:role/ci", "aud": "octo-sts.dev",
            "https://sts.amazonaws.com/": {"aws_account": "111122223333", "org_id": "o-1", "ou_path": ["r-1", "ou-1"], "principal_id": "arn:aws:iam::111122223333:role/ci", "source_region": "eu-west-1"},
        }),
        &[
            ("/https:~1~1sts.amazonaws.com~1/aws_account", json!("111122223334")),
            ("/https:~1~1sts.amazonaws.com~1/ou_path", json!(["r-1"])),
            ("/https:~1~1sts.amazonaws.com~1", json!(null)),
            ("/sub", json!("arn:aws:iam::111122223333:role/ci2")),
        ],
    );
}
