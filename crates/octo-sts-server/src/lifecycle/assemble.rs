//! From a configuration to the parts of a service.

use std::{collections::HashMap, sync::Arc};

use octo_sts_audit::{Audit, AuditSettings, AuditTask};
use octo_sts_exchange::{AppPools, Exchanger, Parts, Pool, Settings};
use octo_sts_github::{App, GitHub, GitHubSettings, client_settings};
use octo_sts_http::{Client, Roots};
use octo_sts_oidc::{Verifier, VerifierSettings};
use octo_sts_types::{AppId, Clock};
use octo_sts_webhook::{Webhook, WebhookWorker};

use super::{
    StartError,
    deliveries::{self, Concerned},
    news::News,
    open::Opener,
    stores::Stores,
};
use crate::config::{AppConfig, AppsSource, Config, OwnerApps, StickyPlace};

/// The parts that live as long as the service.
pub(super) struct Assembled {
    pub(super) exchanger: Arc<Exchanger>,
    pub(super) verifier: Arc<Verifier>,
    pub(super) audit: AuditTask,
    pub(super) opener: Opener,
    pub(super) news: Option<News>,
    pub(super) webhook: Option<(Webhook, WebhookWorker)>,
}

/// Puts the parts together. Key services and secret managers are called; GitHub and issuers are not yet.
pub(super) async fn assemble(config: &Config, clock: &Arc<dyn Clock>) -> Result<Assembled, StartError> {
    let roots = roots(config)?;
    let client = Client::new(client_settings(roots.clone())).map_err(|error| StartError::configuration("the client for GitHub", error))?;
    let settings = GitHubSettings { base_url: config.github_base_url.clone(), http: client.clone() };
    let github = GitHub::new(settings, Arc::clone(clock)).map_err(|error| StartError::configuration("GITHUB_BASE_URL", error))?;
    let verifier = Verifier::new(verifier_settings(config), roots.clone(), Arc::clone(clock))
        .map_err(|error| StartError::configuration("the verifier of tokens", error))?;
    let verifier = Arc::new(verifier);
    let opener = Opener::new(roots)?;
    let Stores { sticky, used_tokens, news } = Stores::open(config, &opener, &client, clock).await?;
    let (audit, mut task) = audit(config, client, clock)?;
    task.take_up().await;
    let exchanger = Exchanger::new(Parts {
        verifier: Arc::clone(&verifier),
        github: github.clone(),
        apps: app_pools(&config.apps, &opener).await?,
        audit: audit.clone(),
        used_tokens,
        sticky,
        clock: Arc::clone(clock),
        settings: exchange_settings(config),
    });
    // Others may take deliveries that this process does not hear of, unless it is alone.
    if config.replicas.sticky != StickyPlace::Memory || news.is_some() {
        exchanger.hears_pushes(false);
    }
    let webhook = match &config.webhook {
        None => None,
        Some(webhook) => {
            let concerned = Concerned { exchanger: &exchanger, github, audit, news: news.clone(), clock };
            Some(deliveries::start(config, webhook, &opener, concerned).await?)
        }
    };
    Ok(Assembled { exchanger, verifier, audit: task, opener, news, webhook })
}

pub(crate) fn roots(config: &Config) -> Result<Roots, StartError> {
    let unusable = |error| StartError::configuration("SSL_CERT_FILE, SSL_CERT_DIR", error);
    match &config.extra_roots {
        None => Roots::load().map_err(unusable),
        // Where the system has none, the extra ones stand alone.
        Some(extra) => match Roots::load() {
            Ok(roots) => roots.and_pem(extra).map_err(unusable),
            Err(_) => Roots::from_pem(extra).map_err(unusable),
        },
    }
}

pub(crate) fn verifier_settings(config: &Config) -> VerifierSettings {
    let issuers = &config.issuers;
    VerifierSettings {
        allowed_issuers: issuers.allowed.clone(),
        private_issuers: issuers.private.clone(),
        entries: issuers.file.as_ref().map(|file| file.entries().to_vec()).unwrap_or_default(),
        pinned_issuers: issuers.prefetch.clone(),
        allow_localhost: issuers.allow_localhost,
        expiry_leeway: issuers.clock_leeway,
        ..VerifierSettings::default()
    }
}

fn exchange_settings(config: &Config) -> Settings {
    Settings {
        domain: config.domain.clone(),
        policy_repository: config.policy_repository.clone(),
        default_audiences: config.default_audiences.clone(),
        org_permissions: config.org_permissions,
        strict_policy_files: config.strict_policy_files,
        org_guardrails: config.org_guardrails,
        guardrails: config.guardrails.clone(),
        replay: config.replay,
        quota: config.quota,
        limits: config.limits,
        policy_key_issuers: config.issuers.policy_keys.clone(),
    }
}

fn audit(config: &Config, client: Client, clock: &Arc<dyn Clock>) -> Result<(Audit, AuditTask), StartError> {
    let settings = AuditSettings {
        domain: config.domain.clone(),
        event_ingress: config.event_ingress.clone(),
        file: config.audit_file.clone(),
        spill: config.audit_folder.clone(),
        batch: config.event_batch,
        stdout: config.audit_stdout,
    };
    Audit::start(settings, Some(client), Arc::clone(clock)).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        StartError::configuration("STS_AUDIT_FILE, STS_AUDIT_DIR", format!("{error}{cause}"))
    })
}

/// Opens the keys of every App. An App that serves several owners is one App, with one JWT.
pub(crate) async fn app_pools(source: &AppsSource, opener: &Opener) -> Result<AppPools, StartError> {
    let owners = match source {
        AppsSource::Fixed(owners) => owners.clone(),
        AppsSource::File(path) => crate::config::load_app_file(path).map_err(|error| StartError::configuration("APP_CONFIG_FILE", error))?,
    };
    let (mut known, mut pools) = (HashMap::new(), AppPools::default());
    for OwnerApps { owner, apps } in owners {
        let mut pool = Vec::with_capacity(apps.len());
        for app in &apps {
            pool.push(open(app, opener, &mut known).await?);
        }
        let Some(pool) = Pool::new(pool) else { continue };
        match owner {
            Some(owner) => _ = pools.by_owner.insert(owner, pool),
            None => pools.fallback = Some(pool),
        }
    }
    Ok(pools)
}

async fn open(config: &AppConfig, opener: &Opener, known: &mut HashMap<AppId, Arc<App>>) -> Result<Arc<App>, StartError> {
    if let Some(app) = known.get(&config.id) {
        return Ok(Arc::clone(app));
    }
    let signers = opener.keys(&config.key).await.map_err(|why| StartError::App { app: config.id, why })?;
    let app = Arc::new(App::new(config.id, config.name.clone(), signers));
    known.insert(config.id, Arc::clone(&app));
    Ok(app)
}
