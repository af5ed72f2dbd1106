//! `octo-sts exchange`: get a GitHub token and print it, or run a command with it.

use std::{ffi::OsString, process::ExitCode};

use anyhow::anyhow;
use clap::ValueEnum;
use octo_sts_client::{Reply, ServiceAddress, revoke};
use octo_sts_http::Client;

use super::{
    block_on, exec,
    failure::Failure,
    output, service,
    service::{ApiArgs, ServiceArgs},
    terraform,
};

/// Arguments of `octo-sts exchange`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// OWNER/REPOSITORY, or OWNER for an organisation's policy [default in GitHub Actions: this repository]
    #[arg(long, env = "OCTO_STS_SCOPE")]
    scope: Option<String>,
    /// The trust policy to act under: .github/chainguard/IDENTITY.sts.yaml
    #[arg(long, env = "OCTO_STS_IDENTITY")]
    identity: Option<String>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Token)]
    format: Format,
    /// Run COMMAND with the token in `GH_TOKEN` and `GITHUB_TOKEN`, and revoke it when the command ends
    #[arg(long, requires = "command", conflicts_with = "format")]
    exec: bool,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    api: ApiArgs,
    /// The command, behind `--`
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "format")]
    command: Vec<OsString>,
}

/// What `exchange` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The token alone
    Token,
    /// A JSON object: token, expiry, permissions, repositories
    Json,
    /// Lines NAME=VALUE with `GH_TOKEN` and `GITHUB_TOKEN`
    Env,
    /// A line `Authorization: Bearer …`
    Header,
    /// Terraform's `external` data source: query on standard input, a map of text as answer
    Terraform,
}

pub(crate) fn run(mut args: Args) -> Result<ExitCode, Failure> {
    if args.format == Format::Terraform {
        let query = terraform::Query::read(std::io::stdin().lock()).map_err(Failure::usage)?;
        query.apply(&mut args.scope, &mut args.identity, &mut args.service);
    }
    block_on(exchange(&args))
}

async fn exchange(args: &Args) -> Result<ExitCode, Failure> {
    let identity = present(args.identity.clone()).ok_or_else(|| Failure::usage(anyhow!("which identity? Name a trust policy with --identity")))?;
    let scope = present(args.scope.clone()).or_else(|| present(service::variable("GITHUB_REPOSITORY")));
    let scope = scope.ok_or_else(|| Failure::usage(anyhow!("which scope? Name OWNER/REPOSITORY, or OWNER, with --scope")))?;
    let (http, api) = (service::http()?, args.api.address()?);
    let reply = args.service.exchange(&http, &scope, &identity).await?;
    args.service.tell(&output::summary(&reply));
    if args.command.is_empty() {
        output::print(&reply, args.format).map_err(|error| Failure::usage(anyhow::Error::new(error).context("the token could not be printed")))?;
        return Ok(ExitCode::SUCCESS);
    }
    run_command(args, &http, &api, &reply).await
}

fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Runs the command and ends the token, whatever came of the command.
async fn run_command(args: &Args, http: &Client, api: &ServiceAddress, reply: &Reply) -> Result<ExitCode, Failure> {
    let code = exec::run(&args.command, &reply.token).await;
    match revoke(http, api, &reply.token).await {
        Ok(_) => args.service.tell("the token is revoked"),
        Err(error) => {
            let end = reply.expires_at.as_deref().unwrap_or("an hour after it was given");
            eprintln!("octo-sts: the token could not be revoked; it ends by itself at {end}: {:#}", anyhow::Error::new(error));
        }
    }
    Ok(ExitCode::from(code))
}
