//! An installation token: the secret the whole service is about.

use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId, Owner, Permissions, Repository, RepositoryId};
use zeroize::Zeroizing;

/// What stands before the token in an `Authorization` header.
const SCHEME: &str = "Bearer ";

/// A token GitHub minted, and what it is good for. Clones share the secret, which is wiped from memory with the last of them.
#[derive(Clone)]
pub struct InstallationToken(Arc<Minted>);

/// A repository that a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintedRepository {
    /// Its id, which stays through renames.
    pub id: RepositoryId,
    /// `OWNER/NAME` as GitHub has it now.
    pub full_name: String,
}

pub(crate) struct Minted {
    pub(crate) authorization: HeaderValue,
    pub(crate) app: AppId,
    pub(crate) installation: InstallationId,
    pub(crate) expires_at: Timestamp,
    pub(crate) permissions: Permissions,
    pub(crate) repositories: Vec<MintedRepository>,
    pub(crate) every_repository: bool,
}

/// The `Authorization` header of a token: one buffer, marked as sensitive, wiped when nobody holds it any more.
pub(crate) fn authorization(token: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
    text.extend_from_slice(SCHEME.as_bytes());
    text.extend_from_slice(token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)))?;
    value.set_sensitive(true);
    Ok(value)
}

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl InstallationToken {
    pub(crate) fn new(minted: Minted) -> Self {
        Self(Arc::new(minted))
    }

    pub(crate) fn authorization(&self) -> &HeaderValue {
        &self.0.authorization
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        // The header was made from text; a value that were not would be of no use to anybody.
        let text = std::str::from_utf8(self.0.authorization.as_bytes());
        text.ok().and_then(|value| value.strip_prefix(SCHEME)).unwrap_or_default()
    }

    /// The SHA-256 of the token in lower-case hexadecimal, by which logs and events name it.
    pub fn sha256_hex(&self) -> String {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let hash = digest(&SHA256, self.expose().as_bytes());
        let mut text = String::with_capacity(2 * hash.as_ref().len());
        for byte in hash.as_ref() {
            text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        text
    }

    /// The App that minted it.
    pub fn app(&self) -> AppId {
        self.0.app
    }

    /// The installation it belongs to.
    pub fn installation(&self) -> InstallationId {
        self.0.installation
    }

    /// When it ends, by GitHub's clock.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// What it may do, as GitHub says: what was asked for, and `metadata: read` where GitHub adds that.
    pub fn permissions(&self) -> &Permissions {
        &self.0.permissions
    }

    /// The repositories it reaches; empty where it reaches every one of the installation and GitHub does not list them.
    pub fn repositories(&self) -> &[MintedRepository] {
        &self.0.repositories
    }

    /// Whether it reaches whatever the installation sees.
    pub fn reaches_every_repository(&self) -> bool {
        self.0.every_repository
    }
}

impl MintedRepository {
    /// Whether GitHub calls it so, letter case aside.
    pub fn is(&self, repository: &Repository) -> bool {
        let (owner, name) = self.owner_and_name();
        repository.owner.is(owner) && repository.name.is(name)
    }

    /// Whether it belongs to this owner.
    pub fn belongs_to(&self, owner: &Owner) -> bool {
        owner.is(self.owner_and_name().0)
    }

    /// Owner and name.
    pub fn owner_and_name(&self) -> (&str, &str) {
        self.full_name.split_once('/').unwrap_or((&self.full_name, ""))
    }
}

impl fmt::Debug for InstallationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationToken")
            .field("app", &self.0.app)
            .field("installation", &self.0.installation)
            .field("expires_at", &self.0.expires_at)
            .field("permissions", &self.0.permissions)
            .field("repositories", &self.0.repositories)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> InstallationToken {
        InstallationToken::new(Minted {
            authorization: authorization(text).unwrap(),
            app: AppId(1),
            installation: InstallationId(2),
            expires_at: Timestamp::UNIX_EPOCH,
            permissions: Permissions::contents_read(),
            repositories: vec![MintedRepository { id: RepositoryId(3), full_name: "acme/app".into() }],
            every_repository: false,
        })
    }

    /// T-105
    #[test]
    fn a_token_is_not_printed() {
        let token = token("ghs_secretsecretsecret");
        assert!(!format!("{token:?} {:?}", token.authorization()).contains("secretsecret"));
        assert_eq!(token.expose(), "ghs_secretsecretsecret");
    }

    #[test]
    fn a_token_is_named_by_its_hash() {
        assert_eq!(token("abc").sha256_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_repository_knows_its_owner() {
        assert_eq!(token("abc").repositories()[0].owner_and_name(), ("acme", "app"));
    }
}
