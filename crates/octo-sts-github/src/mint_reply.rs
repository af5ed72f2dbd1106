//! Whether a reply to a mint is what was asked for.

use std::{borrow::Cow, fmt, time::Duration};

use http::StatusCode;
use jiff::Timestamp;
use octo_sts_http::Response;
use octo_sts_types::{AppId, InstallationId, Level, Permission, Permissions, Printable, RepositoryId};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    error::GitHubError,
    headers,
    installation::Selection,
    order::{Order, Ordered},
    reply,
    token::{InstallationToken, Minted, MintedRepository, authorization},
};

/// Shortest and longest token: 40 characters of old, about 520 in the stateless form.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 20..=4096;
/// A token lives for an hour; this much more is put down to clocks.
const LONGEST_LIFE: Duration = Duration::from_mins(65);

/// Who minted, and how GitHub's clock stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MintedBy {
    pub(crate) app: AppId,
    pub(crate) installation: InstallationId,
    /// Counts where the answer has no `Date`. Seconds.
    pub(crate) clock_ahead: i64,
}

/// A reply that was refused, and the token in it, where there is one to revoke.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: GitHubError,
    pub(crate) token: Option<InstallationToken>,
}

#[derive(Deserialize)]
struct MintReply<'a> {
    token: &'a str,
    expires_at: &'a str,
    #[serde(borrow)]
    permissions: Option<Levels<'a>>,
    repository_selection: Option<Selection>,
    #[serde(borrow)]
    repositories: Option<Vec<RepositoryReply<'a>>>,
}

#[derive(Deserialize)]
struct RepositoryReply<'a> {
    id: RepositoryId,
    full_name: &'a str,
}

/// Every entry of `permissions`, equal keys included.
struct Levels<'a>(Vec<(&'a str, &'a str)>);

/// Reads `token` alone, when nothing else can be read.
#[derive(Deserialize)]
struct TokenAlone<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

/// Checks a 2xx reply. It must be a 201 with a token that lives for about an hour, reaches exactly the repositories asked
/// for, and may do no more than was asked for; GitHub adds `metadata: read` to every token.
pub(crate) fn check(order: &Order, by: MintedBy, response: &Response, now: Timestamp) -> Result<InstallationToken, Box<Refused>> {
    let now = headers::date(&response.headers).or_else(|| now.checked_add(jiff::SignedDuration::from_secs(by.clock_ahead)).ok()).unwrap_or(now);
    let reply: MintReply<'_> = match reply::parse(&response.body) {
        Ok(reply) => reply,
        Err(error) => return Err(Box::new(Refused { error: reply::malformed(response.status, &error), token: token_alone(by, &response.body) })),
    };
    let refuse = |error| Box::new(Refused { error, token: salvage(by, reply.token) });
    reply::expect(response, StatusCode::CREATED).map_err(refuse)?;
    let authorization = header(reply.token).ok_or_else(|| refuse(odd("the token is not one")))?;
    let expires_at = expiry(reply.expires_at, now).map_err(refuse)?;
    let permissions = permissions(reply.permissions.as_ref(), &order.permissions).map_err(refuse)?;
    let repositories = reply.repositories.as_deref();
    repositories_match(&order.repositories, reply.repository_selection, repositories).map_err(refuse)?;
    let repositories = repositories.unwrap_or_default().iter().map(RepositoryReply::minted).collect();
    let every_repository = matches!(order.repositories, Ordered::Every);
    let MintedBy { app, installation, .. } = by;
    Ok(InstallationToken::new(Minted { authorization, app, installation, expires_at, permissions, repositories, every_repository }))
}

/// A header for a text of the form `[A-Za-z0-9._-]{20,4096}`, which both forms of GitHub's tokens have.
fn header(token: &str) -> Option<http::HeaderValue> {
    let plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if plain && TOKEN_LENGTHS.contains(&token.len()) { authorization(token).ok() } else { None }
}

fn token_alone(by: MintedBy, body: &[u8]) -> Option<InstallationToken> {
    let alone: TokenAlone<'_> = serde_json::from_slice(body).ok()?;
    salvage(by, &alone.token)
}

/// A token of whose reach nothing is believed, for the sole purpose of revoking it. `None` for a text that is no token.
fn salvage(by: MintedBy, token: &str) -> Option<InstallationToken> {
    let MintedBy { app, installation, .. } = by;
    Some(InstallationToken::new(Minted {
        authorization: header(token)?,
        app,
        installation,
        expires_at: Timestamp::UNIX_EPOCH,
        permissions: Permissions::contents_read(),
        repositories: Vec::new(),
        every_repository: false,
    }))
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, GitHubError> {
    let expires_at: Timestamp = text.parse().map_err(|_| odd("the token's expiry is not a time"))?;
    if expires_at <= now {
        return Err(odd("the token has expired"));
    }
    let life = Duration::try_from(expires_at.duration_since(now)).unwrap_or(Duration::MAX);
    if life > LONGEST_LIFE { Err(wider("the token lives for more than an hour")) } else { Ok(expires_at) }
}

fn permissions(given: Option<&Levels<'_>>, asked: &Permissions) -> Result<Permissions, GitHubError> {
    let Some(Levels(given)) = given else { return Err(wider("the reply does not say what the token may do")) };
    let within = given.iter().map(|(name, level)| permission(name, level, asked).ok_or_else(|| beyond(name, level)));
    Permissions::new(within.collect::<Result<Vec<_>, _>>()?).map_err(|_| wider("the reply does not say what the token may do"))
}

/// The permission, if it was asked for at this level or a higher one, or is `metadata: read`.
fn permission(name: &str, level: &str, asked: &Permissions) -> Option<(Permission, Level)> {
    let (permission, level) = (name.parse::<Permission>().ok()?, level.parse::<Level>().ok()?);
    let implicit = name == "metadata" && level == Level::Read;
    (implicit || asked.level(permission).is_some_and(|most| level <= most)).then_some((permission, level))
}

fn beyond(name: &str, level: &str) -> GitHubError {
    GitHubError::Wider { what: format!("`{}: {}` was not asked for", Printable(name), Printable(level)) }
}

fn repositories_match(asked: &Ordered, selection: Option<Selection>, given: Option<&[RepositoryReply<'_>]>) -> Result<(), GitHubError> {
    let matches = match asked {
        Ordered::Every => return Ok(()),
        Ordered::Ids(asked) => same(asked, given.unwrap_or_default(), |id, repository| *id == repository.id),
        Ordered::Names(asked) => same(asked, given.unwrap_or_default(), |name, repository| name.is(repository.name())),
    };
    if selection != Some(Selection::Selected) {
        return Err(wider("the token is not limited to selected repositories"));
    }
    if matches { Ok(()) } else { Err(wider("the token does not reach exactly the repositories asked for")) }
}

/// Whether each is among the others, both ways. The lists have no more than 500 entries, and mostly one.
fn same<T>(asked: &[T], given: &[RepositoryReply<'_>], is: impl Fn(&T, &RepositoryReply<'_>) -> bool) -> bool {
    asked.iter().all(|asked| given.iter().any(|given| is(asked, given))) && given.iter().all(|given| asked.iter().any(|asked| is(asked, given)))
}

fn odd(what: &str) -> GitHubError {
    GitHubError::unexpected(StatusCode::CREATED, what)
}

fn wider(what: &str) -> GitHubError {
    GitHubError::Wider { what: what.into() }
}

impl RepositoryReply<'_> {
    fn name(&self) -> &str {
        self.full_name.split_once('/').map_or("", |(_, name)| name)
    }

    fn minted(&self) -> MintedRepository {
        MintedRepository { id: self.id, full_name: self.full_name.to_owned() }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Levels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(&'de str, &'de str)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("permissions and their levels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(4);
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Entries).map(Levels)
    }
}

#[cfg(test)]
#[path = "mint_reply_tests.rs"]
mod tests;
