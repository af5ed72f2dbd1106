//! Everything a service writes while everything happens to it, with the log at its loudest: no secret is in any of it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use http::Method;
use octo_sts_client::sha256_hex;
use octo_sts_sandbox::{ActionsJob, Fault};
use serde_json::json;

use super::whole::House;

const WEBHOOK_SECRET: &str = "5ekret-of-the-webhook-0123456789";
/// What a person may send by mistake.
const PERSONAL: &str = "ghp_5ekretPersonal0123456789abcdefghij";

/// A request, and all of its answer.
fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}\r\nhost: sts.test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Exchanges of every outcome; the answers that hold no token.
fn exchanges(house: &House, good: &str, other: &str) -> Vec<String> {
    let form = "content-type: application/x-www-form-urlencoded";
    let kinds = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:id_token";
    let get = |query: &str, bearer: &str| ask(&house.address, &format!("GET /sts/exchange?{query} HTTP/1.1\r\nauthorization: Bearer {bearer}"), "");
    let granted = get("scope=acme/app&identity=ci", good);
    let token = granted.split_once("\"token\":\"").unwrap().1.split('"').next().unwrap().to_owned();
    let oauth =
        ask(&house.address, &format!("POST /oauth/token HTTP/1.1\r\n{form}"), &format!("{kinds}&subject_token={good}&scope=acme/app+identity:ci"));
    assert!(oauth.starts_with("HTTP/1.1 200"), "{oauth}");
    let mut answers = vec![
        get("scope=acme/app&identity=ci", other),
        get("scope=acme/app&identity=absent", good),
        get("scope=stranger/app&identity=ci", good),
        get("scope=%0a%1b[31m&identity=ci", good),
        get(&format!("scope=acme/app&identity=ci&token={good}"), &good[..good.len() - 8]),
        get("scope=acme/app&identity=ci", PERSONAL),
        get("scope=acme/app&identity=ci", &token),
        get("scope=acme/app&identity=ci", &format!("{good}, Basic {PERSONAL}")),
        ask(&house.address, &format!("GET /nowhere?access_token={good} HTTP/1.1\r\nauthorization: token {PERSONAL}"), ""),
        ask(&house.address, &format!("POST /oauth/token?subject_token={good} HTTP/1.1\r\n{form}"), kinds),
        ask(&house.address, &format!("POST /oauth/token HTTP/1.1\r\n{form}"), &format!("{kinds}&subject_token={other}&scope=acme/app+identity:ci")),
        ask(
            &house.address,
            &format!("POST /sts/exchange HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer {good}"),
            &format!("{{\"scope\":\"{PERSONAL}\""),
        ),
        ask(&house.address, &format!("POST /webhook HTTP/1.1\r\nx-github-event: push\r\nx-hub-signature-256: sha256={WEBHOOK_SECRET}"), "{}"),
    ];
    for (needle, status) in [("mint", 500), ("mint", 422), ("contents", 502), ("repository_installation", 503)] {
        house.sandbox.github().fault(Fault::on_any(needle).times(1).respond(status, &json!({"message": "Validation Failed"})));
        answers.push(get(&format!("scope=acme/app&identity=ci-{needle}-{status}"), good));
    }
    house.sandbox.github().fault(Fault::on(Method::DELETE, "installation/token").times(1).respond(500, &json!({})));
    for ended in [token.as_str(), &token, PERSONAL] {
        answers.push(ask(&house.address, &format!("POST /sts/revoke HTTP/1.1\r\nauthorization: Bearer {ended}"), ""));
    }
    answers
}

/// T-105
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_is_written_whatever_happens() {
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = metrics.port().to_string();
    let variables = [("RUST_LOG", "trace"), ("GITHUB_WEBHOOK_SECRET", WEBHOOK_SECRET), ("METRICS_PORT", port.as_str())];
    let house = House::open_with(&variables).await;
    let issuer = house.sandbox.issuer("gha");
    let bearer =
        |branch: &str| issuer.token(&issuer.actions_claims(&ActionsJob::new("acme/app").git_ref(format!("refs/heads/{branch}")), Some("sts.test")));
    let (good, other) = (bearer("main"), bearer("other"));
    let answers = exchanges(&house, &good, &other);
    let page = ask(&metrics.to_string(), "GET /metrics HTTP/1.1", "");
    let arrived = house.sandbox.eventually(Duration::from_secs(20), |sandbox| sandbox.events().received().len() >= 10).await;
    assert!(arrived, "{} events", house.sandbox.events().received().len());
    let events = format!("{:?}", house.sandbox.events().received());

    let key = fs::read_to_string(house.folder.path().join("app.pem")).unwrap();
    let mut secrets: Vec<String> = key.lines().filter(|line| line.len() > 40).map(str::to_owned).collect();
    secrets.extend([WEBHOOK_SECRET, PERSONAL].map(str::to_owned));
    secrets.extend([&good, &other].map(|token| token.rsplit('.').next().unwrap()[..40].to_owned()));
    secrets.extend(house.sandbox.github().ledger().iter().map(|entry| entry.token.rsplit('.').next().unwrap().to_owned()));
    let outputs = [
        ("log", house.written("log")),
        ("audit file", house.written("audit.jsonl")),
        ("metrics", page),
        ("events", events),
        ("answers", answers.concat()),
    ];
    for (name, output) in &outputs {
        assert!(output.len() > 500, "{name}: {output}");
        for secret in &secrets {
            assert!(!output.contains(secret.as_str()), "{name} holds {}…, a secret of {}", &secret[..8], &sha256_hex(secret)[..8]);
        }
        assert!(!output.contains("PRIVATE KEY"), "{name}");
    }
    assert!(outputs[0].1.matches("\"outcome\":").count() >= 10, "{}", outputs[0].1);
}
