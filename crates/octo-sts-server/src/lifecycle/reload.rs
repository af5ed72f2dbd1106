//! Keys, Apps and issuers, taken up anew when their files change.

use std::{path::PathBuf, sync::Arc, time::Duration};

use octo_sts_exchange::Exchanger;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{assemble::app_pools, described::DescribedIssuers, open::Opener, watch::Changes};
use crate::{
    config::{AppsSource, KeySource, OwnerApps},
    listener::tls::Certificate,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What can be read again, and the wish to do so at once.
pub(super) struct Reload {
    pub(super) apps: AppsSource,
    pub(super) opener: Opener,
    pub(super) exchanger: Arc<Exchanger>,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) issuers: Option<DescribedIssuers>,
    pub(super) wanted: Arc<Notify>,
}

impl Reload {
    /// Follows the files; never ends.
    pub(super) async fn follow(mut self) {
        let mut changes = Changes::of(files(&self.apps));
        loop {
            tokio::select! {
                () = self.wanted.notified() => {
                    _ = changes.happened();
                    self.certificate.iter().for_each(|certificate| certificate.reload());
                    self.reload().await;
                    self.issuers.iter_mut().for_each(DescribedIssuers::reload);
                }
                () = tokio::time::sleep(LOOK), if !changes.is_empty() || self.issuers.is_some() => {
                    if changes.happened() {
                        self.reload().await;
                        changes = Changes::of(files(&self.apps));
                    }
                    self.issuers.iter_mut().for_each(DescribedIssuers::look);
                }
            }
        }
    }

    /// Puts the Apps and their keys in force as they are now. What does not load changes nothing.
    async fn reload(&self) {
        match app_pools(&self.apps, &self.opener).await {
            Ok(pools) => {
                self.exchanger.replace_apps(pools);
                metrics::counter!("octo_sts_reloads_total", "outcome" => "ok").increment(1);
                info!("keys and Apps read again");
            }
            Err(error) => {
                metrics::counter!("octo_sts_reloads_total", "outcome" => "refused").increment(1);
                warn!(%error, "keys and Apps were not taken up; the earlier ones stay in force");
            }
        }
    }
}

/// The files that Apps and keys are read from.
fn files(source: &AppsSource) -> Vec<PathBuf> {
    let keys = |owners: &[OwnerApps]| -> Vec<PathBuf> {
        let keys = owners.iter().flat_map(|owner| &owner.apps).map(|app| &app.key);
        keys.filter_map(|key| if let KeySource::PemFile(path) = key { Some(path.clone()) } else { None }).collect()
    };
    match source {
        AppsSource::Fixed(owners) => keys(owners),
        AppsSource::File(path) => {
            let mut files = vec![path.clone()];
            files.extend(crate::config::load_app_file(path).map(|owners| keys(&owners)).unwrap_or_default());
            files
        }
    }
}
