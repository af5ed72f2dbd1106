//! `octo-sts setup`: registers the GitHub App in a browser, and puts what GitHub gives for it in place.
//!
//! The way is GitHub's own, "Registering a GitHub App from a manifest": a page of ours on this machine posts a manifest to
//! GitHub; a person looks at it there and agrees; GitHub sends the browser back with a code; the code is exchanged, once,
//! for the App's key and secrets.

mod browser;
mod conversion;
mod files;
mod manifest;

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use octo_sts_types::{Owner, Permissions, Printable};
use tokio::net::TcpListener;

use super::{
    block_on,
    failure::{Exit, Failure},
    service,
};
use browser::Form;
use files::Place;
use manifest::{GitHubHost, Manifest};

/// For how long GitHub takes a code.
const PATIENCE: Duration = Duration::from_hours(1);

/// What App is registered, and where what belongs to it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service's public name, such as sts.example.com
    #[arg(long, env = "STS_DOMAIN")]
    domain: String,
    /// The organisation that owns the App; without it the person in the browser does
    #[arg(long, value_name = "ORGANISATION")]
    org: Option<Owner>,
    /// The App's name, at most 34 characters, and nobody else's [default: octo-sts-ORGANISATION]; it can be changed in the browser
    #[arg(long)]
    name: Option<String>,
    /// What policies may grant at most, such as `issues=write`; may be given several times. What the service itself needs is added
    #[arg(long, value_name = "NAME=LEVEL", value_parser = manifest::permission)]
    permission: Vec<manifest::Asked>,
    /// Let accounts other than the owner install it
    #[arg(long)]
    public: bool,
    /// GitHub, where it is not github.com
    #[arg(long, value_name = "URL", default_value = "https://github.com", value_parser = GitHubHost::parse)]
    github: GitHubHost,
    /// The folder for the App's key, its webhook secret and the variables
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// The port on this machine that the browser comes back to [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the manifest, and do nothing
    #[arg(long)]
    print_manifest: bool,
}

/// Registers the App.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    block_on(register(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn register(args: &Args) -> Result<(), Failure> {
    let usage = Failure::usage;
    let permissions = manifest::permissions(&args.permission).map_err(usage)?;
    if args.print_manifest {
        return say(&format!("{:#}\n", manifest(args, permissions, "http://127.0.0.1/registered").map_err(usage)?.json()));
    }
    let place = Place::in_folder(&args.out).map_err(usage)?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port))).await.context("--port").map_err(usage)?;
    let address = listener.local_addr().context("--port").map_err(usage)?;
    let manifest = manifest(args, permissions, &format!("http://{address}/registered")).map_err(usage)?;
    let form = Form::new(&args.github, args.org.as_ref(), &manifest.json(), address).map_err(usage)?;
    say(&format!("Open http://{address}/ in a browser on this machine, and register the App there. Ctrl-C gives up.\n"))?;
    let code = browser::code(listener, form, PATIENCE).await.map_err(|error| Failure::new(Exit::Unreachable, error))?;
    let http = service::http()?;
    let app = conversion::convert(&http, &args.github, &code).await.map_err(|error| Failure::new(Exit::Unreachable, error))?;
    place
        .keep(&app, &args.domain, &args.github)
        .with_context(|| format!("the App is registered, and its key was not kept: make another one at {}", app.page()))
        .map_err(usage)?;
    say(&told(&app, &place, args))
}

fn manifest(args: &Args, permissions: Permissions, back: &str) -> anyhow::Result<Manifest> {
    let usual = || args.org.as_ref().map_or_else(|| "octo-sts".to_owned(), |org| format!("octo-sts-{org}"));
    Manifest::new(args.name.clone().unwrap_or_else(usual), &args.domain, args.public, permissions, back)
}

fn told(app: &conversion::Registered, place: &Place, args: &Args) -> String {
    let owner = args.org.as_ref().map_or_else(|| "OWNER".to_owned(), ToString::to_string);
    let variables = place.variables();
    format!(
        "\nRegistered: {} ({}).\n\n{}\n\nNext:\n  1. Install it: {}/installations/new\n  2. set -a; . '{}'; set +a\n     octo-sts doctor --owner {owner}\n  3. octo-sts serve\n",
        Printable(&app.name),
        app.id,
        place.list(),
        app.page(),
        variables.display(),
    )
}

fn say(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::usage(anyhow!(error)))
}
