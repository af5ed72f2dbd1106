//! One exchange, told step by step.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use http::{Method, StatusCode};
use octo_sts_client::{Reply, ServiceAddress, StsClient, StsError, Wanted, revoke};
use octo_sts_sandbox::ActionsJob;
use octo_sts_types::SystemClock;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    aloud,
    scene::{DOMAIN, Scene},
    web::{Answer, Web, now, since},
};

/// The repository of the story.
const REPOSITORY: &str = "acme/app";
/// Its policy.
const IDENTITY: &str = "deploy";
const POLICY: &str = ".github/chainguard/deploy.sts.yaml";

/// Tells the story; an error when a step does not end as it must.
pub(crate) async fn tell() -> Result<()> {
    aloud("Octo STS: a fake GitHub, a fake issuer and the real service, in this process. Nothing leaves this machine.");
    let scene = Scene::set([0, 0, 0]).await?;
    let web = Web::new(scene.sandbox.ca_pem())?;
    prepare(&scene);
    let reply = grant(&scene, &web).await?;
    use_token(&scene, &web, &reply).await?;
    end_token(&scene, &web, &reply).await?;
    refuse(&scene, &web).await?;
    accounts(&scene)?;
    scene.end().await;
    aloud("\nTo play with it yourself: octo-sts demo --serve");
    Ok(())
}

fn step(number: u8, title: &str) {
    aloud(&format!("\n{number}. {title}"));
}

fn say(text: &str) {
    text.lines().for_each(|line| aloud(&format!("   {line}")));
}

fn took(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

fn prepare(scene: &Scene) {
    step(1, &format!("A trust policy lies in the repository {REPOSITORY}, at {POLICY}:"));
    let policy = format!(
        "issuer: {}\nsubject: repo:{REPOSITORY}:ref:refs/heads/main\n\npermissions:\n  contents: read\n  issues: write\n",
        scene.issuer.url()
    );
    scene.sandbox.github().put_file(REPOSITORY, "README.md", "# The app\n");
    scene.sandbox.github().put_file(REPOSITORY, POLICY, policy.as_str());
    scene.install("acme");
    say(&policy);
}

/// A token for a job on this branch, exchanged with the real client.
async fn exchange(scene: &Scene, web: &Web, git_ref: &str) -> Result<Result<Reply, StsError>> {
    let job = scene.issuer.start_job(ActionsJob::new(REPOSITORY).git_ref(git_ref));
    say(&format!("GET {}&audience={DOMAIN}", job.request_url));
    let token = web.oidc_token(&job, DOMAIN).await?;
    say(&claims(&token)?);
    let client = StsClient::new(web.http.clone(), ServiceAddress::parse(&scene.service_url())?, Duration::from_secs(10), Arc::new(SystemClock));
    say("");
    say(&format!("GET /sts/exchange?scope={REPOSITORY}&identity={IDENTITY}\nAuthorization: Bearer <the OIDC token>"));
    let started = now();
    let outcome = client.exchange(&token, Wanted { scope: REPOSITORY, identity: IDENTITY }).await;
    let status = match &outcome {
        Ok(_) => StatusCode::OK,
        Err(StsError::Refused(refusal)) => refusal.status,
        Err(_) => return Ok(outcome),
    };
    say(&format!("→ {status} in {}", took(since(started))));
    Ok(outcome)
}

/// What a token says, as far as a policy can ask.
fn claims(token: &SecretString) -> Result<String> {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use secrecy::ExposeSecret as _;
    let payload = token.expose_secret().split('.').nth(1).context("not a token")?;
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload)?)?;
    let mut text = "→ an OIDC token that says\n".to_owned();
    for name in ["iss", "sub", "aud"] {
        let _ = writeln!(text, "    {name}: {}", claims[name].as_str().unwrap_or_default());
    }
    Ok(text)
}

async fn grant(scene: &Scene, web: &Web) -> Result<Reply> {
    step(2, "A workflow on the main branch asks its issuer for an OIDC token, and exchanges it:");
    let reply = exchange(scene, web, "refs/heads/main").await?.context("the exchange was refused")?;
    let shown = json!({
        "token": "ghs_… (a secret)",
        "expiry": reply.expires_at,
        "permissions": reply.permissions,
        "repositories": reply.repositories,
    });
    say(&serde_json::to_string_pretty(&shown)?);
    Ok(reply)
}

async fn use_token(scene: &Scene, web: &Web, reply: &Reply) -> Result<()> {
    step(3, "The token reads a file, and opens an issue:");
    let api = scene.sandbox.github().base_url();
    let read = web.call(Method::GET, &format!("{api}/repos/{REPOSITORY}/contents/README.md"), &reply.token, None).await?;
    show(&read, "GET /repos/acme/app/contents/README.md", StatusCode::OK)?;
    let issue = web.call(Method::POST, &format!("{api}/repos/{REPOSITORY}/issues"), &reply.token, Some(json!({"title": "Hello"}))).await?;
    show(&issue, "POST /repos/acme/app/issues", StatusCode::CREATED)?;
    step(4, "The policy does not let it write files, so it cannot:");
    let change = json!({"message": "Mine now", "content": "b3du"});
    let write = web.call(Method::PUT, &format!("{api}/repos/{REPOSITORY}/contents/OWNED"), &reply.token, Some(change)).await?;
    show(&write, "PUT /repos/acme/app/contents/OWNED", StatusCode::FORBIDDEN)
}

async fn end_token(scene: &Scene, web: &Web, reply: &Reply) -> Result<()> {
    step(5, "The workflow is done and ends the token before its hour is over:");
    let api = scene.sandbox.github().base_url();
    let started = now();
    revoke(&web.http, &ServiceAddress::parse(&api)?, &reply.token).await?;
    say(&format!("DELETE /installation/token\n→ 204 No Content in {}", took(since(started))));
    let again = web.call(Method::GET, &format!("{api}/repos/{REPOSITORY}/contents/README.md"), &reply.token, None).await?;
    show(&again, "GET /repos/acme/app/contents/README.md", StatusCode::UNAUTHORIZED)
}

async fn refuse(scene: &Scene, web: &Web) -> Result<()> {
    step(6, "The same workflow on another branch is not who the policy names:");
    let outcome = exchange(scene, web, "refs/heads/mine").await?;
    let Err(StsError::Refused(refusal)) = outcome else { bail!("the wrong branch was not refused: {outcome:?}") };
    say(&format!("{}\nrequest id: {}", refusal.message, refusal.request_id.as_deref().unwrap_or("none")));
    say("");
    say("The caller hears which stage refused, and nothing of the policy. The whole reason is in the operator's audit file:");
    let record = std::fs::read_to_string(&scene.audit_file)?;
    let last: Value = serde_json::from_str(record.lines().last().context("there is no record")?)?;
    let reason = find(&last, "error").and_then(Value::as_str).context("the record has no reason")?;
    say(reason);
    Ok(())
}

/// A member of this name, at whatever depth.
fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| members.values().find_map(|member| find(member, name)))
}

/// Every token there ever was must be accounted for.
fn accounts(scene: &Scene) -> Result<()> {
    step(7, "GitHub's ledger of tokens:");
    for entry in scene.sandbox.github().ledger() {
        let permissions: Vec<_> = entry.permissions.iter().map(|(name, level)| format!("{name}: {level}")).collect();
        let whose = if entry.requested_repositories.is_some() { "the service's own, to read policies" } else { "the workflow's" };
        let state = if entry.revoked { "revoked" } else { "alive" };
        say(&format!("{whose}: {} on {} ({state})", permissions.join(", "), entry.repositories.unwrap_or_default().join(", ")));
    }
    ensure!(
        scene.sandbox.github().ledger().iter().all(|entry| entry.revoked || entry.requested_repositories.is_some()),
        "a token is unaccounted for"
    );
    Ok(())
}

fn show(answer: &Answer, call: &str, expected: StatusCode) -> Result<()> {
    say(call);
    let message = answer.body["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
    say(&format!("→ {} in {}{message}", answer.status, took(answer.took)));
    ensure!(answer.status == expected, "`{call}` answered {} instead of {expected}", answer.status);
    Ok(())
}
