//! An App of the fake GitHub, as its maker holds it.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use jiff::Timestamp;
use octo_sts_types::{AccountId, AppId, InstallationId};
use serde_json::json;

use super::{
    FakeGitHub,
    app::AppKey,
    world::{PermissionMap, Selection},
};
use crate::{
    Algorithm, jws,
    keys::{Family, SigningKey, pooled},
    lock::{read, write},
};

/// An App: its id and its private keys.
#[derive(Clone)]
pub struct FakeApp {
    github: FakeGitHub,
    id: AppId,
    key: Arc<SigningKey>,
    permissions: Arc<PermissionMap>,
}

impl FakeApp {
    pub(crate) fn new(github: FakeGitHub, id: AppId, key: Arc<SigningKey>, permissions: Arc<PermissionMap>) -> Self {
        Self { github, id, key, permissions }
    }

    pub(crate) fn github(&self) -> &FakeGitHub {
        &self.github
    }

    /// The App's id.
    pub fn id(&self) -> AppId {
        self.id
    }

    /// Its private key as GitHub hands it out: PEM, PKCS#1.
    pub fn private_key_pem(&self) -> String {
        self.key.pkcs1_pem()
    }

    /// Its private key as most other tools write it: PEM, PKCS#8.
    pub fn private_key_pkcs8_pem(&self) -> String {
        self.key.pkcs8_pem()
    }

    /// Installs it on an account, with all that it asks for.
    pub fn install(&self, owner: &str, selection: &Selection) -> InstallationId {
        self.github.install_with(self.id, owner, selection, Arc::clone(&self.permissions))
    }

    /// Installs it, on all repositories, on every account where it is not yet. Returns on how many that was.
    pub fn install_everywhere(&self) -> usize {
        let world = read(&self.github.state.world);
        let missing = world.owners.values().filter(|owner| world.installation_of(self.id, owner.id).is_none());
        let mut logins: Vec<(AccountId, String)> = missing.map(|owner| (owner.id, owner.login.clone())).collect();
        drop(world);
        logins.sort_unstable();
        for (_, login) in &logins {
            self.install(login, &Selection::All);
        }
        logins.len()
    }

    /// Adds a second key, as for a rotation. The result signs with it.
    pub fn add_key(&self) -> Self {
        let key = pooled(Family::Rsa, self.github.keys.fetch_add(1, Ordering::Relaxed));
        let mut world = write(&self.github.state.world);
        if let Some(app) = world.apps.get_mut(&self.id) {
            app.keys.extend(AppKey::of(&key));
        }
        world.key_changes += 1;
        drop(world);
        Self { key, ..self.clone() }
    }

    /// Deletes this key: from now on GitHub refuses what it signs.
    pub fn remove_key(&self) {
        let mut world = write(&self.github.state.world);
        if let Some(app) = world.apps.get_mut(&self.id) {
            app.keys.retain(|key| !key.is(&self.key));
        }
        world.key_changes += 1;
    }

    /// A good App JWT.
    pub fn jwt(&self) -> String {
        let now = self.github.state.settings.clock.now();
        self.jwt_with(&json!({"iss": self.id.to_string(), "iat": now.as_second() - 60, "exp": now.as_second() + 540}))
    }

    /// An App JWT with these claims, signed with this key.
    pub fn jwt_with(&self, claims: &serde_json::Value) -> String {
        let header = json!({"alg": Algorithm::Rs256.name(), "typ": "JWT"});
        jws::compact(&header.to_string(), &claims.to_string(), |input| self.key.sign(Algorithm::Rs256, input).unwrap_or_default())
    }

    /// The sandbox's time, which App JWTs are judged by.
    pub fn now(&self) -> Timestamp {
        self.github.state.settings.clock.now()
    }
}

impl fmt::Debug for FakeApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeApp").field("id", &self.id).finish_non_exhaustive()
    }
}
