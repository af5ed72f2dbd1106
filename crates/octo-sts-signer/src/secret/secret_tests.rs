//! Secrets in files and in Vault, and what the errors say.

use std::{collections::HashMap, error::Error as _, io::Write as _};

use octo_sts_http::Roots;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

fn secrets(variables: &[(&str, &str)]) -> Secrets {
    let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    let variables: HashMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Secrets::new(Outside::new(Roots::from_pem(&authority).unwrap(), &|name| variables.get(name).cloned()).unwrap())
}

fn written(text: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    file
}

async fn of_file(text: &[u8]) -> Result<String, SecretError> {
    let file = written(text);
    let value = secrets(&[]).value(format!("file:{}", file.path().display()).into()).await?;
    Ok(value.expose_secret().to_owned())
}

/// A server that answers every request with `status` and `body`, and tells what it was asked.
async fn server(status: u16, body: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut seen = Vec::new();
            while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
                if socket.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            drop(told.send(String::from_utf8(seen).unwrap()));
            let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            drop(socket.write_all(answer.as_bytes()).await);
        }
    });
    (address, heard)
}

fn chain(error: &SecretError) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_value_that_is_no_reference_is_the_secret() {
    let value = secrets(&[]).value("hunter2\n".into()).await.unwrap();
    assert_eq!(value.expose_secret(), "hunter2\n");
}

#[tokio::test]
async fn a_file_is_read_without_the_line_break_that_editors_add() {
    assert_eq!(of_file(b"hunter2\r\n").await.unwrap(), "hunter2");
    assert_eq!(of_file(b" two words \n\n").await.unwrap(), " two words ");
}

/// T-105
#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_without_its_text() {
    for (text, expected) in
        [(&b"\n"[..], "is empty"), (b"secret\xff", "the file is not text"), (&vec![b'x'; 65_537], "the file is longer than 64 KiB")]
    {
        let refused = chain(&of_file(text).await.unwrap_err());
        assert!(refused.starts_with("cannot be resolved: file `/") && refused.contains(expected), "{refused}");
        assert!(!refused.contains("secret\\xff"), "{refused}");
    }
    let missing = secrets(&[]).value("file:/nowhere/redis".into()).await.unwrap_err();
    assert_eq!(
        chain(&missing),
        "cannot be resolved: file `/nowhere/redis` did not give the secret: not found: the file must be there and readable for the user this runs as: No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn a_broken_reference_says_how_one_is_written() {
    let refused = secrets(&[]).value("vault://secret/path".into()).await.unwrap_err();
    assert_eq!(chain(&refused), "cannot be resolved: this is no reference to a secret: write `vault://MOUNT/PATH#FIELD`");
}

#[tokio::test]
async fn a_field_is_fetched_from_vault() {
    let (address, mut asked) = server(200, r#"{"data":{"data":{"webhook":"hunter2\n","n":1},"metadata":{}}}"#).await;
    let secrets = secrets(&[("VAULT_ADDR", &address), ("VAULT_TOKEN", "hvs.1"), ("VAULT_NAMESPACE", "team")]);
    let value = secrets.value("vault://secret/octo/sts#webhook".into()).await.unwrap();
    assert_eq!(value.expose_secret(), "hunter2");
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with("GET /v1/team/secret/data/octo/sts HTTP/1.1\r\n") && request.contains("x-vault-token: hvs.1\r\n"), "{request}");
    for field in ["other", "n"] {
        let refused = secrets.value(format!("vault://secret/octo/sts#{field}").into()).await.unwrap_err();
        assert!(chain(&refused).contains("the secret has no such field, or it is not text"), "{refused:?}");
    }
}

#[tokio::test]
async fn the_token_of_vaults_agent_is_read_from_its_file() {
    let (address, mut asked) = server(200, r#"{"data":{"data":{"webhook":"hunter2"}}}"#).await;
    let sink = written(b"hvs.agent\n");
    let secrets = secrets(&[("VAULT_ADDR", &address), ("VAULT_TOKEN_FILE", sink.path().to_str().unwrap())]);
    secrets.value("vault://secret/octo#webhook".into()).await.unwrap();
    assert!(asked.recv().await.unwrap().contains("x-vault-token: hvs.agent\r\n"));
}

#[tokio::test]
async fn what_vault_refuses_says_what_to_check() {
    for (status, body, expected) in [
        (403, r#"{"errors":["permission denied"]}"#, "access denied: the policy of the Vault token must allow `read` on MOUNT/data/PATH"),
        (404, r#"{"errors":[]}"#, "not found: check mount and path"),
        (200, r#"{"data":{"webhook":"v1"}}"#, "cannot be used: check mount and path: the mount must be a key-value store of version 2"),
        (200, "<html>", "unexpected answer: the answer is not JSON"),
        (307, "", "unexpected answer: is this the right address?"),
        (503, "sealed", "not reachable: the service has trouble of its own"),
    ] {
        let (address, _asked) = server(status, body).await;
        let refused = secrets(&[("VAULT_ADDR", &address), ("VAULT_TOKEN", "t")]).value("vault://secret/octo#webhook".into()).await.unwrap_err();
        assert!(chain(&refused).contains(expected), "{}", chain(&refused));
    }
    for (variables, expected) in
        [(&[][..], "set `VAULT_ADDR`"), (&[("VAULT_ADDR", "http://127.0.0.1:1")][..], "set `VAULT_TOKEN` or `VAULT_TOKEN_FILE`")]
    {
        let refused = secrets(variables).value("vault://secret/octo#webhook".into()).await.unwrap_err();
        assert!(chain(&refused).contains(expected), "{}", chain(&refused));
    }
}

#[test]
fn a_field_of_a_json_secret_is_text() {
    assert_eq!(json_field(r#"{"webhook":"hunter2"}"#, "webhook").unwrap().expose_secret(), "hunter2");
    for secret in ["hunter2", "[]", "{}", r#"{"webhook":1}"#, r#"{"webhook":null}"#] {
        assert!(json_field(secret, "webhook").is_err(), "Input: {secret}");
    }
}

#[cfg(not(feature = "aws"))]
#[tokio::test]
async fn a_store_that_is_not_built_in_names_its_feature() {
    let refused = secrets(&[]).value("aws-sm://webhook".into()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "refers to AWS secret `webhook`, which this build has no client for: build with `--features aws` or `--features full`, or take the container image, which has all"
    );
    assert!(refused.source().is_none());
}
