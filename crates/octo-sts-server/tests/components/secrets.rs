//! Secrets that a variable names instead of holding them.

use octo_sts_components::{Moto, Redis};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use crate::{
    caller::{deliver, exchange, until},
    house::{House, SECRET, borrowed},
    service::Service,
};

/// The token that opens the Vault.
const VAULT_TOKEN: &str = "hvs.test";

/// A Vault that holds one secret, in its key-value store of version 2; gives its address.
async fn vault(path: &'static str, data: serde_json::Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = json!({"data": {"data": data, "metadata": {"version": 1}}}).to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut head, mut line) = (String::new(), String::new());
            while stream.read_line(&mut line).await.is_ok_and(|length| length > 2) {
                head += &std::mem::take(&mut line);
            }
            let opens = head.to_ascii_lowercase().contains(&format!("x-vault-token: {VAULT_TOKEN}"));
            let status = if !opens {
                "403 Forbidden"
            } else if head.starts_with(&format!("GET /v1/{path} ")) {
                "200 OK"
            } else {
                "404 Not Found"
            };
            let body = if status == "200 OK" { body.as_str() } else { "{\"errors\":[]}" };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    format!("http://{address}")
}

/// T-105
#[tokio::test]
async fn key_webhook_secret_and_address_of_redis_are_fetched_from_where_they_are() {
    let (house, moto, redis) = (House::with_apps(1).await, Moto::start().await, Redis::start(&["--requirepass", "hunter2"]).await);
    let vault = vault("secret/data/octo/sts", json!({"key": house.apps[0].private_key_pem(), "webhook": SECRET})).await;
    let redis_url = format!("redis://:hunter2@127.0.0.1:{}", redis.port());
    moto.create_secret("octo-sts/redis", &json!({"url": redis_url}).to_string()).await;
    let token = house.file("vault-token", &format!("{VAULT_TOKEN}\n"));
    let key = house.file("app.pem", &house.apps[0].private_key_pem());
    let (key_by_file, url) = (format!("file:{}", key.display()), house.file("redis-url", &format!("{redis_url}\n")));
    let secret = house.file("webhook", &format!("{SECRET}\n"));
    for mut variables in [
        vec![
            ("APP_SECRET_CERTIFICATE_ENV_VAR", "vault://secret/octo/sts#key"),
            ("GITHUB_WEBHOOK_SECRET", "vault://secret/octo/sts#webhook"),
            ("STS_REDIS_URL", "aws-sm://octo-sts/redis#url"),
        ],
        vec![
            ("APP_SECRET_CERTIFICATE_ENV_VAR", key_by_file.as_str()),
            ("GITHUB_WEBHOOK_SECRET_FILE", secret.to_str().unwrap()),
            ("STS_REDIS_URL_FILE", url.to_str().unwrap()),
        ],
    ] {
        let outside = moto.variables();
        variables.extend(borrowed(&outside));
        variables.extend([("VAULT_ADDR", vault.as_str()), ("VAULT_TOKEN_FILE", token.to_str().unwrap())]);
        variables.extend([("GITHUB_APP_IDS", "4242"), ("STS_REPLAY", "once"), ("RUST_LOG", "trace")]);
        let service = Service::start(&house, &variables).await;
        exchange(service.port(), "ci", &house.token("x")).await.token();
        assert!(deliver(service.port(), "ping", &json!({"zen": "Mind your words."}), SECRET).await.status < 300);
        until("news are heard", async || service.log().contains("news of pushes are heard")).await;
        for hidden in [SECRET, "hunter2", VAULT_TOKEN, "PRIVATE KEY"] {
            assert!(!service.log().contains(hidden), "{hidden} is in the log");
        }
    }
}

/// T-133
#[tokio::test]
async fn a_secret_that_cannot_be_fetched_ends_the_start_and_names_the_variable_and_the_place() {
    let house = House::with_apps(1).await;
    let vault = vault("secret/data/octo/sts", json!({"webhook": SECRET, "short": "hunter2"})).await;
    let key = house.file("app.pem", &house.apps[0].private_key_pem());
    let start = [("GITHUB_APP_IDS", "4242"), ("APP_SECRET_CERTIFICATE_FILE", key.to_str().unwrap()), ("VAULT_ADDR", vault.as_str())];
    for (token, secret, says) in [
        (VAULT_TOKEN, "vault://secret/octo/sts#other", "Vault secret `secret/octo/sts#other` did not give the secret: not found"),
        (VAULT_TOKEN, "vault://secret/octo/none#webhook", "not found: check mount and path"),
        (VAULT_TOKEN, "vault://secret/octo/sts#short", "GITHUB_WEBHOOK_SECRET: "),
        ("hvs.other", "vault://secret/octo/sts#webhook", "the policy of the Vault token must allow `read` on MOUNT/data/PATH"),
    ] {
        let variables = [("GITHUB_WEBHOOK_SECRET", secret), ("VAULT_TOKEN", token)];
        let said = Service::launch(&house, &[&start[..], &variables].concat()).refuses().await;
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.contains(says)
                && last.starts_with("GITHUB_WEBHOOK_SECRET: ")
                && last.matches("GITHUB_WEBHOOK_SECRET").count() == 1
                && !said.contains("hunter2"),
            "{secret}: {said}"
        );
    }
}
