//! `octo-sts revoke`: end a GitHub token.

use std::{
    io::{IsTerminal as _, Read as _},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow};
use octo_sts_client::{Revoked, ServiceAddress, revoke, revoke_at_service};
use secrecy::SecretString;

use super::{block_on, failure::Failure, service, service::ApiArgs};

/// Longest token, in bytes; GitHub's longest are some 520.
const LONGEST: u64 = 4096;

/// Arguments of `octo-sts revoke`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    /// Have the service at `https://DOMAIN` end it, where GitHub is not to be reached
    #[arg(long, conflicts_with = "url")]
    domain: Option<String>,
    /// Have the service at this address end it
    #[arg(long)]
    url: Option<String>,
}

impl Args {
    fn service(&self) -> Result<Option<ServiceAddress>, Failure> {
        let address = match (&self.url, &self.domain) {
            (Some(url), _) => ServiceAddress::parse(url),
            (None, Some(domain)) => ServiceAddress::of_domain(domain),
            (None, None) => return Ok(None),
        };
        Ok(Some(address?))
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let token = read().map_err(Failure::usage)?;
    block_on(async {
        let http = service::http()?;
        let told = if let Some(service) = args.service()? {
            revoke_at_service(&http, &service, &token).await?;
            "the token has ended"
        } else {
            match revoke(&http, &args.api.address()?, &token).await? {
                Revoked::Now => "the token is revoked",
                Revoked::Before => "the token had ended before",
            }
        };
        if std::io::stderr().is_terminal() {
            eprintln!("octo-sts: {told}");
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Standard input, because an argument could be seen by others.
fn read() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("octo-sts: paste the token, then Enter and Ctrl-D");
    }
    let mut text = String::new();
    stdin.lock().take(LONGEST).read_to_string(&mut text).context("standard input cannot be read")?;
    let token = text.trim();
    if token.is_empty() { Err(anyhow!("there is no token on standard input")) } else { Ok(token.into()) }
}
