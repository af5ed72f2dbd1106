//! `octo-sts doctor`: what a service of this configuration would run into, asked of everybody it depends on.
//!
//! Nothing is changed anywhere: GitHub is only read, no token is minted, and no event is sent.

mod around;
mod finding;
mod github_app;
mod hook;
mod owner;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use octo_sts_github::{App, GitHub, GitHubSettings, Trace, client_settings};
use octo_sts_http::Client;
use octo_sts_oidc::Verifier;
use octo_sts_types::{Clock, Owner, SystemClock};
use url::Url;

pub use finding::{Finding, Verdict};

use crate::{
    config::Config,
    lifecycle::{Opener, StartError, Stores, app_pools, roots, verifier_settings},
};
use finding::Findings;

/// The longest that GitHub is waited for, for one App.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is examined beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// Accounts on which the Apps ought to be installed.
    pub owners: Vec<Owner>,
    /// Where the service is reached; `None` for `https://STS_DOMAIN`.
    pub service: Option<Url>,
}

/// What GitHub is asked with.
struct Examination<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    github: GitHub,
    client: Client,
}

/// Examines everything that the configuration names. The order of the findings is that of the configuration, whoever
/// answers first.
pub async fn examine(config: &Config, examined: &Examined) -> Result<Vec<Finding>, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let roots = roots(config)?;
    let client = Client::new(client_settings(roots.clone())).map_err(|error| StartError::configuration("the client for GitHub", error))?;
    let settings = GitHubSettings { base_url: config.github_base_url.clone(), http: client.clone() };
    let github = GitHub::new(settings, Arc::clone(&clock)).map_err(|error| StartError::configuration("GITHUB_BASE_URL", error))?;
    let verifier = Verifier::new(verifier_settings(config), roots.clone(), Arc::clone(&clock))
        .map_err(|error| StartError::configuration("the verifier of tokens", error))?;
    let opener = Opener::new(roots)?;
    let examination = Examination { config, clock, github, client };
    let (apps, clock, stores, around) = tokio::join!(
        examination.apps(&opener, &examined.owners),
        around::clock(&examination.client, &config.github_base_url, &*examination.clock),
        examination.stores(&opener),
        async {
            tokio::join!(
                around::issuers(&verifier, &config.issuers.prefetch),
                around::service(&examination.client, config, examined.service.as_ref()),
                around::event_sink(&examination.client, config.event_ingress.as_ref()),
            )
        },
    );
    let (issuers, service, sink) = around;
    Ok([configuration(config), apps, clock, issuers, stores, sink, service].concat())
}

fn configuration(config: &Config) -> Vec<Finding> {
    let mut findings = Findings::about("configuration");
    findings.ok(format!("{}, with GitHub at {}", config.domain, config.github_base_url));
    config.warnings.iter().for_each(|warning| findings.warn(warning, "docs/configuration.md says what each variable means"));
    findings.list()
}

impl Examination<'_> {
    fn trace(&self) -> Trace {
        Trace::until(self.clock.monotonic() + PATIENCE)
    }

    /// Every App, once, side by side.
    async fn apps(&self, opener: &Opener, owners: &[Owner]) -> Vec<Finding> {
        let pools = match app_pools(&self.config.apps, opener).await {
            Ok(pools) => pools,
            Err(error) => {
                let mut findings = Findings::about("Apps");
                findings.fail(error.to_string(), "docs/keys.md says how each kind of key is set up");
                return findings.list();
            }
        };
        let all = pools.all();
        let installed = owners.iter().map(async |owner| match pools.serving(owner) {
            Some(pool) => join_all(pool.apps().iter().map(|app| self.owner(app, owner))).await.concat(),
            None => owner::unserved(owner),
        });
        let (apps, owners) = tokio::join!(join_all(all.iter().map(|app| self.app(app))), join_all(installed));
        [apps.concat(), owners.concat()].concat()
    }

    async fn app(&self, app: &App) -> Vec<Finding> {
        let mut findings = Findings::about(format!("App {}", app.id));
        if let Some(facts) = github_app::identity(&self.github.app(app, &self.trace()).await, app.id, &mut findings) {
            github_app::powers(facts, self.config.webhook.is_some(), &mut findings);
            hook::examine(self, app, facts, &mut findings).await;
        }
        findings.list()
    }

    async fn stores(&self, opener: &Opener) -> Vec<Finding> {
        match Stores::open(self.config, opener, &self.client, &self.clock).await {
            Ok(stores) => around::stores(&stores, self.config).await,
            Err(error) => {
                let mut findings = Findings::about("store");
                findings.fail(error.to_string(), "docs/scaling.md says which stores there are");
                findings.list()
            }
        }
    }
}
