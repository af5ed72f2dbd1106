//! The webhook, with what it is made of.

use std::sync::Arc;

use async_trait::async_trait;
use octo_sts_audit::Audit;
use octo_sts_exchange::Exchanger;
use octo_sts_github::{App, GitHub};
use octo_sts_types::{Clock, Owner, Repository};
use octo_sts_webhook::{PolicyCaches, Pools, Webhook, WebhookParts, WebhookSecrets, WebhookSettings, WebhookWorker};

use super::{StartError, news::News, open::Opener};
use crate::config::{Config, SecretSource, WebhookConfig};

/// The Apps that are in force.
struct InForce(Arc<Exchanger>);

impl Pools for InForce {
    fn serving(&self, owner: &Owner) -> Vec<Arc<App>> {
        self.0.serving(owner)
    }
}

/// What this process remembers, and the other replicas.
struct Remembered {
    exchanger: Arc<Exchanger>,
    news: Option<News>,
}

#[async_trait]
impl PolicyCaches for Remembered {
    async fn policy_changed(&self, repository: &Repository) {
        self.exchanger.pushed(repository).await;
        self.news.iter().for_each(|news| news.tell(repository));
    }

    async fn installation_changed(&self, owner: &Owner) {
        self.exchanger.installation_changed(owner).await;
    }

    async fn pushes_arrive(&self, repository: &Repository) {
        self.exchanger.pushed(repository).await;
    }
}

/// Whom deliveries concern.
pub(super) struct Concerned<'a> {
    pub(super) exchanger: &'a Arc<Exchanger>,
    pub(super) github: GitHub,
    pub(super) audit: Audit,
    pub(super) news: Option<News>,
    pub(super) clock: &'a Arc<dyn Clock>,
}

/// Starts to work on deliveries.
pub(super) async fn start(
    config: &Config,
    webhook: &WebhookConfig,
    opener: &Opener,
    concerned: Concerned<'_>,
) -> Result<(Webhook, WebhookWorker), StartError> {
    let secrets = secrets(&webhook.secret, opener).await?;
    let mut settings = WebhookSettings::new(secrets, config.policy_repository.clone());
    settings.organisations.clone_from(&webhook.organisations);
    settings.org_permissions = config.org_permissions;
    settings.strict_policy_files = config.strict_policy_files;
    settings.guardrails = config.guardrails.clone().map(Arc::new);
    settings.default_audiences.clone_from(&config.default_audiences);
    let Concerned { exchanger, github, audit, news, clock } = concerned;
    let remembered = Remembered { exchanger: Arc::clone(exchanger), news };
    let parts =
        WebhookParts { github, apps: Arc::new(InForce(Arc::clone(exchanger))), audit, caches: vec![Arc::new(remembered)], clock: Arc::clone(clock) };
    Ok(Webhook::start(settings, parts))
}

/// Names stand for one secret each; a text or a file may hold several.
async fn secrets(source: &SecretSource, opener: &Opener) -> Result<WebhookSecrets, StartError> {
    let fetched = opener.secrets(source).await?;
    let read = match (source, fetched.as_slice()) {
        (SecretSource::Value { .. } | SecretSource::File { .. }, [one]) => WebhookSecrets::from_list(one),
        (_, several) => WebhookSecrets::new(several),
    };
    read.map_err(|error| StartError::configuration(source.variable(), error))
}
