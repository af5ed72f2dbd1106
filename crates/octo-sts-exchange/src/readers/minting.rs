//! How reader tokens are minted, put on record, and spread over the repositories that they serve.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use octo_sts_audit::{MintNote, ReaderEvent};
use octo_sts_github::{GitHubError, InstallationToken, Trace};
use octo_sts_types::{InstallationId, Repository, RepositoryName};

use super::{Place, Reader, ReaderError, ReaderToken, Readers};

impl Readers {
    /// Mints a token for `name`, and for the policy repository where one is due.
    pub(super) async fn mint(&self, place: &Place, name: &RepositoryName, trace: &Trace) -> Result<Arc<Reader>, ReaderError> {
        if !self.wants_both(place.installation.id, name).await {
            return self.mint_for(place, name, std::slice::from_ref(name), trace).await;
        }
        match self.mint_for(place, name, &[name.clone(), self.policy_repository.clone()], trace).await {
            Err(ReaderError::Unseen) => {
                let reader = self.mint_for(place, name, std::slice::from_ref(name), trace).await?;
                self.unseen.note(place.installation.id, self.clock.monotonic());
                Ok(reader)
            }
            other => other,
        }
    }

    /// Whether a token for `name` had better cover the policy repository too: it will be read, and there is no token for it.
    async fn wants_both(&self, installation: InstallationId, name: &RepositoryName) -> bool {
        *name != self.policy_repository
            && !self.policy_repository_is_unseen(installation)
            && self.cached(&(installation, self.policy_repository.clone())).await.is_none()
    }

    async fn mint_for(&self, place: &Place, wanted: &RepositoryName, names: &[RepositoryName], trace: &Trace) -> Result<Arc<Reader>, ReaderError> {
        let note = self.note(place, names).await;
        let minted = self.github.mint_reader(&place.app, place.installation.id, names, trace).await;
        if let Ok(token) = &minted {
            self.record(token).await;
        }
        note.strike_out();
        let token = minted.map_err(|error| match error {
            GitHubError::Unprocessable { .. } => ReaderError::Unseen,
            other => ReaderError::GitHub(other),
        })?;
        let token = Arc::new(ReaderToken { token, minted: self.clock.monotonic(), kept_for: AtomicUsize::new(1) });
        let Some(found) = reader_of(place, wanted, &token) else {
            self.github.revoke_in_background(token.token.clone());
            return Err(ReaderError::Renamed);
        };
        for name in names.iter().filter(|name| *name != wanted) {
            if let Some(reader) = reader_of(place, name, &token) {
                token.kept_for.fetch_add(1, Ordering::Relaxed);
                self.minted.insert((place.installation.id, name.clone()), reader).await;
            }
        }
        Ok(found)
    }

    /// Notes what GitHub is asked for, before it is.
    async fn note(&self, place: &Place, names: &[RepositoryName]) -> MintNote {
        if !self.audit.notes_mints() {
            return MintNote::default();
        }
        let event = ReaderEvent {
            installation_id: place.installation.id,
            app_id: place.app.id,
            repositories: names.iter().map(|name| format!("{}/{name}", place.owner)).collect(),
            token_sha256: String::new(),
            time: self.clock.now(),
        };
        self.audit.note_reader_mint(event).await
    }

    /// Puts the token on record before it is used: a service that is killed leaves no token that nobody knows of.
    async fn record(&self, token: &InstallationToken) {
        let event = ReaderEvent {
            installation_id: token.installation(),
            app_id: token.app(),
            repositories: token.repositories().iter().map(|repository| repository.full_name.clone()).collect(),
            token_sha256: token.sha256_hex(),
            time: self.clock.now(),
        };
        self.audit.record_reader(event).await;
    }
}

/// The part of a minted token that serves `name`, if GitHub still calls it so under this owner.
fn reader_of(place: &Place, name: &RepositoryName, token: &Arc<ReaderToken>) -> Option<Arc<Reader>> {
    let wanted = Repository { owner: place.owner.clone(), name: name.clone() };
    let minted = token.token.repositories().iter().find(|minted| minted.is(&wanted))?;
    Some(Arc::new(Reader { token: Arc::clone(token), repository: minted.id }))
}
