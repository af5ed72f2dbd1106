//! `POST /app/installations/{id}/access_tokens`.

use std::{fmt::Write as _, sync::Arc};

use aws_lc_rs::rand;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use octo_sts_types::{AppId, InstallationId, Level, Permission, RepositoryId};
use serde_json::{Value, json};

use super::{
    apps::own,
    ledger::{MintRequest, NewToken},
    problem::Problem,
    render::time,
    state::{Answer, State},
    world::{InstallationRecord, PermissionMap, RepositoryRecord, World},
};
use crate::{EmptyPermissions, TokenFormat, keys::encode, lock::read, reply::Reply, transport::Request};

/// How long an installation token lives.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Most repositories that one request may name.
const MOST_REPOSITORIES: usize = 500;
/// Letters and digits of the classic form.
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl State {
    pub(crate) fn mint(&self, app: AppId, id: InstallationId, request: &Request, now: Timestamp) -> Answer {
        let world = read(&self.world);
        let installation = own(&world, app, id)?;
        if installation.suspended_at.is_some() {
            return Err(Problem::suspended());
        }
        let asked = parse(&request.body)?;
        let repositories = targets(&world, installation, &asked)?;
        let permissions = self.permissions(installation, asked.permissions.as_ref())?;
        let token = NewToken {
            token: self.new_token(app, id, &request.headers, now),
            app,
            installation: id,
            request: asked,
            permissions,
            repositories: repositories.as_ref().map(|all| all.iter().map(|one| (one.id, world.full_name(one))).collect()),
            minted_at: now,
            expires_at: now + LIFETIME,
        };
        let body = self.reply_text(&world, installation, &token, repositories.as_deref());
        drop(world);
        self.ledger.enter(token);
        Ok(Reply::json_text(StatusCode::CREATED, body))
    }

    /// What the token gets: the asked levels, if the installation has them all.
    fn permissions(&self, installation: &InstallationRecord, asked: Option<&PermissionMap>) -> Result<Arc<PermissionMap>, Problem> {
        let Some(asked) = asked else { return Ok(with_metadata(&installation.permissions)) };
        if asked.is_empty() {
            return match self.settings.empty_permissions {
                EmptyPermissions::Everything => Ok(with_metadata(&installation.permissions)),
                EmptyPermissions::Nothing => Ok(with_metadata(&Arc::default())),
                EmptyPermissions::Refused => Err(Problem::unprocessable("Validation failed, or the endpoint has been spammed.")),
            };
        }
        for (name, level) in asked {
            let granted = installation.permissions.get(name).map(String::as_str).or((name == "metadata").then_some("read"));
            let known = name.parse::<Permission>().is_ok();
            if !known || rank(level).is_none() || granted.is_none_or(|granted| rank(granted) < rank(level)) {
                return Err(Problem::unprocessable("The permissions requested are not granted to this installation."));
            }
        }
        Ok(with_metadata(&Arc::new(asked.clone())))
    }

    fn new_token(&self, app: AppId, installation: InstallationId, headers: &HeaderMap, now: Timestamp) -> String {
        let format = match headers.get("x-github-stateless-s2s-token").and_then(|value| value.to_str().ok()) {
            Some("enabled") => TokenFormat::Stateless,
            Some("disabled") => TokenFormat::Classic,
            _ => self.settings.token_format,
        };
        match format {
            TokenFormat::Classic => classic(),
            TokenFormat::Stateless => stateless(app, installation, now),
        }
    }

    fn reply_text(&self, world: &World, installation: &InstallationRecord, token: &NewToken, repositories: Option<&[&RepositoryRecord]>) -> String {
        let selection = if repositories.is_some() || installation.selected.is_some() { "selected" } else { "all" };
        let permissions = json!(*token.permissions);
        let mut text = format!(
            r#"{{"token":"{}","expires_at":"{}","permissions":{permissions},"repository_selection":"{selection}""#,
            token.token,
            time(token.expires_at)
        );
        if let Some(repositories) = repositories {
            text.push_str(r#","repositories":["#);
            for (at, repository) in repositories.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                let _ = write!(text, "{comma}{}", self.addresses().repository_text(world, repository));
            }
            text.push(']');
        }
        text.push('}');
        text
    }
}

/// The order of levels; none for a word that is no level.
fn rank(level: &str) -> Option<Level> {
    level.parse().ok()
}

/// Every token can read metadata.
fn with_metadata(permissions: &Arc<PermissionMap>) -> Arc<PermissionMap> {
    if permissions.contains_key("metadata") {
        return Arc::clone(permissions);
    }
    let mut all = PermissionMap::clone(permissions);
    all.insert("metadata".to_owned(), "read".to_owned());
    Arc::new(all)
}

fn parse(body: &[u8]) -> Result<MintRequest, Problem> {
    if body.is_empty() {
        return Ok(MintRequest::default());
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| Problem::bad_json())?;
    let Value::Object(members) = value else { return Err(Problem::bad_json()) };
    let permissions = typed(members.get("permissions"), "object", Value::as_object)?
        .map(|map| map.iter().map(|(name, level)| (name.clone(), level.as_str().map_or_else(|| level.to_string(), str::to_owned))).collect());
    let list = |name| typed(members.get(name), "array", Value::as_array);
    let repositories = list("repositories")?.map(|all| all.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect());
    let repository_ids = list("repository_ids")?.map(|all| all.iter().map(|one| RepositoryId(one.as_u64().unwrap_or(0))).collect());
    Ok(MintRequest { permissions, repositories, repository_ids })
}

/// A member that is absent or null, or of the right type.
fn typed<'a, T>(member: Option<&'a Value>, wanted: &str, cast: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Problem> {
    match member {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            cast(value).map(Some).ok_or_else(|| Problem::unprocessable(format!("Invalid request.\n\nFor 'properties', {value} is not an {wanted}.")))
        }
    }
}

/// The repositories that the token is to be limited to. None, and an empty list as well, means all.
fn targets<'a>(world: &'a World, installation: &InstallationRecord, asked: &MintRequest) -> Result<Option<Vec<&'a RepositoryRecord>>, Problem> {
    let names = asked.repositories.as_deref().unwrap_or_default();
    let ids = asked.repository_ids.as_deref().unwrap_or_default();
    if names.is_empty() && ids.is_empty() {
        return Ok(None);
    }
    if names.len() + ids.len() > MOST_REPOSITORIES {
        let text = format!("The number of repositories requested is too large. The maximum number of repositories is {MOST_REPOSITORIES}.");
        return Err(Problem::unprocessable(text));
    }
    let by_name = names.iter().map(|name| world.named(installation.account, name));
    let by_id = ids.iter().map(|id| world.repositories.get(id));
    let mut found: Vec<&RepositoryRecord> = Vec::new();
    for repository in by_name.chain(by_id) {
        let repository = repository.filter(|repository| installation.covers(repository)).ok_or_else(|| {
            Problem::unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
        })?;
        if !found.iter().any(|other| other.id == repository.id) {
            found.push(repository);
        }
    }
    Ok(Some(found))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    assert!(rand::fill(&mut bytes).is_ok(), "the machine has no randomness");
    bytes
}

fn classic() -> String {
    let letters = random::<36>().map(|byte| char::from(ALPHANUMERIC[usize::from(byte) % ALPHANUMERIC.len()]));
    std::iter::once("ghs_").map(str::to_owned).chain(letters.iter().map(char::to_string)).collect()
}

/// A token in the form of a JWT with a 2,048-bit signature. The signature is noise: only the ledger knows whether a token is good.
fn stateless(app: AppId, installation: InstallationId, now: Timestamp) -> String {
    let header = encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    let id = encode(random::<12>());
    let claims = format!(r#"{{"iss":"github","app":{app},"ins":{installation},"jti":"{id}","exp":{}}}"#, (now + LIFETIME).as_second());
    format!("ghs_{app}_{header}.{}.{}", encode(claims), encode(random::<256>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_tokens_look_like_githubs() {
        let classic = classic();
        assert_eq!(classic.len(), 40);
        assert!(classic.strip_prefix("ghs_").unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let stateless = stateless(AppId(4242), InstallationId(1001), Timestamp::from_second(1_800_000_000).unwrap());
        assert!(stateless.starts_with("ghs_4242_ey"));
        assert_eq!(stateless.matches('.').count(), 2);
        assert!((480..=560).contains(&stateless.len()), "{} characters", stateless.len());
    }

    #[test]
    fn members_of_a_wrong_type_are_refused() {
        for body in ["[]", "{", "1", r#"{"permissions":[]}"#, r#"{"repositories":"app"}"#, r#"{"repository_ids":{}}"#] {
            assert!(parse(body.as_bytes()).is_err(), "Input: {body}");
        }
        let empty = parse(br#"{"repositories":[],"permissions":{}}"#).unwrap();
        assert_eq!((empty.repositories.map(|all| all.len()), empty.permissions.map(|all| all.len())), (Some(0), Some(0)));
    }
}
