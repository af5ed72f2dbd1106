//! Sources that are commands: what they print on standard output is the token.
//!
//! The token endpoint of a CI system or cloud is behind these commands; no token is ever among their arguments.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
    time::timeout,
};

use super::{LONGEST, SourceError, Surroundings, local};

/// Longest run of a command.
const LONGEST_RUN: Duration = Duration::from_mins(1);

pub(super) async fn shell(line: &str) -> Result<String, SourceError> {
    run("sh", &["-c", line]).await
}

/// CircleCI's own variables carry the organisation's audience; where the command is missing they are what there is.
pub(super) async fn circleci(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let claims = serde_json::json!({ "aud": audience }).to_string();
    match run("circleci", &["run", "oidc", "get", "--claims", &claims]).await {
        Err(SourceError::NoCommand(..)) => local::variable("CIRCLE_OIDC_TOKEN_V2", surroundings),
        answer => answer,
    }
}

pub(super) async fn buildkite(audience: &str) -> Result<String, SourceError> {
    run("buildkite-agent", &["oidc", "request-token", "--audience", audience]).await
}

/// RS256, which every service verifies; the AWS API wants one of two algorithms named.
pub(super) async fn aws(audience: &str) -> Result<String, SourceError> {
    let arguments =
        ["sts", "get-web-identity-token", "--audience", audience, "--signing-algorithm", "RS256", "--query", "WebIdentityToken", "--output", "text"];
    run("aws", &arguments).await
}

/// Runs a command without input; its standard error is ours.
async fn run(name: &str, arguments: &[&str]) -> Result<String, SourceError> {
    let unrunnable = |error| SourceError::NoCommand(name.to_owned(), error);
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut child = command.spawn().map_err(unrunnable)?;
    let failed = |status: String| SourceError::Command { command: name.to_owned(), status };
    match timeout(LONGEST_RUN, finish(&mut child)).await {
        Ok(Ok((output, status))) if status.success() => Ok(output),
        Ok(Ok((_, status))) => Err(failed(status.to_string())),
        Ok(Err(error)) => Err(unrunnable(error)),
        Err(_) => Err(failed(format!("no end within {LONGEST_RUN:?}"))),
    }
}

async fn finish(child: &mut Child) -> std::io::Result<(String, std::process::ExitStatus)> {
    let mut output = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST as u64 + 64).read_to_string(&mut output).await?;
    }
    Ok((output, child.wait().await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_gives_what_it_prints() {
        assert_eq!(shell("printf a.b.c").await.unwrap(), "a.b.c");
        assert!(matches!(shell("echo a.b.c; exit 3").await, Err(SourceError::Command { status, .. }) if status.contains('3')));
        assert!(matches!(run("octo-sts-no-such-command", &[]).await, Err(SourceError::NoCommand(..))));
    }

    #[tokio::test]
    async fn a_command_that_prints_without_end_is_cut_off() {
        assert!(matches!(shell("yes").await, Err(SourceError::Command { .. })));
    }
}
