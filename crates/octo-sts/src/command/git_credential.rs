//! `octo-sts git-credential`: git asks for a password, and gets a token that was made for this question.
//!
//! The protocol is git's (`git help gitcredentials`): lines `name=value` up to an empty one. A token is kept for its life in
//! the memory of an agent, a process of the same user that ends with the last token; nothing is on disk. `erase` revokes it.

mod agent;
mod asking;
mod kept;

pub(crate) use agent::{Args as AgentArgs, run as run_agent};

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, BufRead, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use asking::Agent;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use kept::Token;
use octo_sts_client::{ServiceAddress, revoke, sha256_hex};
use octo_sts_http::Client;
use octo_sts_types::{Clock as _, Printable, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    block_on,
    failure::Failure,
    service,
    service::{ApiArgs, ServiceArgs},
};

/// What `--help` says about setting it up.
pub(crate) const SETUP: &str = "\
Set it up with:
  git config --global credential.https://github.com.helper '!octo-sts git-credential --identity IDENTITY'
  git config --global credential.https://github.com.useHttpPath true
The last line tells which repository is meant, and is not needed with --scope.
Tokens are kept in the memory of a background process until they end, or until git forgets them, which revokes them.";

/// Most bytes of a question.
const LONGEST: u64 = 64 * 1024;

/// How long a token is kept when the service does not say when it ends. GitHub gives an hour.
const UNTOLD_LIFE: Duration = Duration::from_mins(50);

/// Arguments of `octo-sts git-credential`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The trust policy to act under
    #[arg(long, env = "OCTO_STS_IDENTITY")]
    identity: String,
    /// OWNER/REPOSITORY or OWNER [default: the repository that git is about to talk to]
    #[arg(long, env = "OCTO_STS_SCOPE")]
    scope: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    api: ApiArgs,
    /// Keep no token: ask the service at each question of git's
    #[arg(long, env = "OCTO_STS_NO_AGENT", value_parser = FalseyValueParser::new())]
    no_agent: bool,
    /// What git wants: `get` a password, `store` one that worked, `erase` one that is to be forgotten, which revokes it
    operation: String,
}

/// What git tells.
#[derive(Debug, Default)]
struct Question {
    protocol: String,
    host: String,
    path: Option<String>,
    password: Option<SecretString>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let question = Question::read(io::stdin().lock()).context("git's question cannot be read").map_err(Failure::usage)?;
    if question.concerns(&args.api.address()?) {
        match args.operation.as_str() {
            "get" => block_on(get(args, &question))?,
            "erase" => block_on(erase(args, question.password))?,
            // Nothing is stored, and git's protocol wants operations of the future ignored.
            _ => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(args: &Args, question: &Question) -> Result<(), Failure> {
    let scope = args.scope.clone().or_else(|| question.repository());
    let scope =
        scope.ok_or_else(|| Failure::usage(anyhow!("git does not say which repository: set credential.useHttpPath to true, or give --scope")))?;
    let http = service::http()?;
    let agent = if args.no_agent { None } else { Agent::of_user(&service::variable) };
    let key = key(args, &http, &scope)?;
    if let Some(agent) = &agent
        && let Some(kept) = agent.get(&key).await
    {
        args.service.tell("the token that the agent keeps");
        return write(&answer(&kept.token, Some(kept.until)));
    }
    let reply = args.service.exchange(&http, &scope, &args.identity).await?;
    let end = reply.expires_at.as_ref().and_then(|time| time.parse::<Timestamp>().ok());
    // The agent comes last: git has its answer even where none can be started.
    write(&answer(&reply.token, end))?;
    if let Some(agent) = &agent {
        let until = end.unwrap_or_else(|| SystemClock.now() + UNTOLD_LIFE);
        if let Err(error) = agent.keep(&key, &Token { token: reply.token.clone(), until }).await {
            args.service.tell(&format!("the token is not kept for git's next question: {error}"));
        }
    }
    Ok(())
}

/// What a kept token is found by: who asks whom for what. A hash, so that the agent knows no more than it needs.
fn key(args: &Args, http: &Client, scope: &str) -> Result<String, Failure> {
    let [address, audience, holder] = args.service.asked(http)?;
    let parts = [args.api.api_url.as_str(), &address, &audience, &holder, &args.identity, &scope.to_ascii_lowercase()];
    Ok(sha256_hex(&serde_json::json!(parts).to_string()))
}

fn write(answer: &str) -> Result<(), Failure> {
    let written = io::stdout().write_all(answer.as_bytes()).and_then(|()| io::stdout().flush());
    written.context("git does not read the answer").map_err(Failure::usage)
}

/// Any user name will do beside an installation token; this one is what GitHub documents.
fn answer(token: &SecretString, end: Option<Timestamp>) -> String {
    let mut answer = format!("username=x-access-token\npassword={}\n", token.expose_secret());
    if let Some(end) = end {
        let _ = writeln!(answer, "password_expiry_utc={}", end.as_second());
    }
    answer
}

/// Ends the token that git forgets. One that is no installation token is not ours.
async fn erase(args: &Args, password: Option<SecretString>) -> Result<(), Failure> {
    if let Some(token) = password.filter(|token| token.expose_secret().starts_with("ghs_")) {
        if let Some(agent) = Agent::of_user(&service::variable) {
            agent.forget(&token).await;
        }
        revoke(&service::http()?, &args.api.address()?, &token).await?;
        args.service.tell("the token is revoked");
    }
    Ok(())
}

impl Question {
    fn read(reader: impl BufRead) -> io::Result<Self> {
        let mut members = BTreeMap::new();
        for line in reader.take(LONGEST).lines() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once('=') {
                members.insert(name.to_owned(), value.to_owned());
            }
        }
        let mut text = |name: &str| members.remove(name).unwrap_or_default();
        let (protocol, host) = (text("protocol"), text("host"));
        Ok(Self { protocol, host, path: members.remove("path"), password: members.remove("password").map(Into::into) })
    }

    /// Whether git talks to the host beside this API: `api.HOST` is `HOST`, an Enterprise Server has one host for both.
    /// Nobody else gets a token, and nobody gets one in the clear but this machine itself.
    fn concerns(&self, api: &ServiceAddress) -> bool {
        let host = api.host().strip_prefix("api.").unwrap_or(api.host());
        let with_port = api.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let same = [host, &with_port].iter().any(|host| self.host.eq_ignore_ascii_case(host));
        same && (self.protocol == "https" || (self.protocol == "http" && !api.is_https()))
    }

    /// `OWNER/NAME` of a path such as `OWNER/NAME.git/info/lfs`.
    fn repository(&self) -> Option<String> {
        let mut parts = self.path.as_deref()?.trim_start_matches('/').split('/');
        let (owner, name) = (parts.next()?, parts.next()?);
        let name = name.strip_suffix(".git").unwrap_or(name);
        let plain = !owner.is_empty() && !name.is_empty();
        plain.then(|| Printable(&format!("{owner}/{name}")).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_repository_is_in_the_path() {
        for (path, repository) in [
            ("acme/app.git", Some("acme/app")),
            ("/acme/app", Some("acme/app")),
            ("acme/.github.git", Some("acme/.github")),
            ("acme/app.git/info/lfs", Some("acme/app")),
            ("acme", None),
            ("acme/", None),
            ("/", None),
        ] {
            assert_eq!(question(&format!("path={path}\n")).repository().as_deref(), repository, "Path: {path}");
        }
        assert_eq!(question("host=x\n").repository(), None);
    }

    #[test]
    fn a_question_ends_at_the_empty_line_and_keeps_its_secret() {
        let question = question("protocol=https\nhost=github.com\ncapability[]=authtype\npassword=ghs_se=kret\n\npath=a/b\n");
        assert_eq!((question.protocol.as_str(), question.host.as_str(), &question.path), ("https", "github.com", &None));
        assert_eq!(question.password.as_ref().unwrap().expose_secret(), "ghs_se=kret");
        assert!(!format!("{question:?}").contains("kret"));
    }

    #[test]
    fn a_token_is_for_the_host_beside_the_api() {
        for (api, protocol, host, concerned) in [
            ("https://api.github.com", "https", "github.com", true),
            ("https://api.github.com", "https", "GitHub.com", true),
            ("https://api.github.com", "http", "github.com", false),
            ("https://api.github.com", "https", "gist.github.com", false),
            ("https://api.github.com", "https", "github.com:444", false),
            ("https://api.github.com", "https", "github.com.evil.example", false),
            ("https://api.acme.ghe.com", "https", "acme.ghe.com", true),
            ("https://ghes.example:8443/api/v3", "https", "ghes.example:8443", true),
            ("https://ghes.example/api/v3", "https", "", false),
            ("http://127.0.0.1:8080", "http", "127.0.0.1:8080", true),
        ] {
            let question = question(&format!("protocol={protocol}\nhost={host}\n"));
            assert_eq!(question.concerns(&ServiceAddress::parse(api).unwrap()), concerned, "{protocol}://{host} beside {api}");
        }
    }

    #[test]
    fn an_answer_tells_git_when_the_token_ends() {
        let end = "2026-01-02T03:04:05Z".parse().unwrap();
        let token = "ghs_x".into();
        assert_eq!(answer(&token, Some(end)), "username=x-access-token\npassword=ghs_x\npassword_expiry_utc=1767323045\n");
        assert_eq!(answer(&token, None), "username=x-access-token\npassword=ghs_x\n");
    }
}
