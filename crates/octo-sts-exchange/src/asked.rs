//! What a request asks, checked: no network is touched before this is done.

use octo_sts_oidc::{TokenFormError, UnverifiedToken};
use octo_sts_types::{Identity, Scope};
use secrecy::ExposeSecret as _;

use crate::{
    error::ExchangeError,
    request::{Authorization, Request, bearer},
};

/// A request whose every part parses.
pub(crate) struct Asked {
    pub(crate) token: UnverifiedToken,
    pub(crate) scope: Scope,
    pub(crate) identity: Identity,
    /// Whether the token was verified with keys of the policy that is asked for, and not with its issuer's.
    pub(crate) by_policy: bool,
}

impl Asked {
    /// Whoever writes a policy with keys in it signs in the issuer's name: what is counted of such a token's holder is counted
    /// for the scope alone, and uses up nothing of others.
    pub(crate) fn realm(&self) -> Option<&Scope> {
        self.by_policy.then_some(&self.scope)
    }
}

/// Reads a request in upstream's order: scopes, credentials, token, then scope and identity.
///
/// `seen` is told of the token as soon as there is one, so that a refusal can name its issuer.
pub(crate) fn read(request: &Request, seen: impl FnOnce(&UnverifiedToken)) -> Result<Asked, ExchangeError> {
    if request.scopes.len() > 1 {
        return Err(ExchangeError::SeveralScopes);
    }
    let value = match &request.authorization {
        Authorization::None => return Err(ExchangeError::NoAuthorization),
        Authorization::Several => return Err(ExchangeError::SeveralAuthorizations),
        Authorization::Value(value) => value,
    };
    let token = UnverifiedToken::parse(bearer(value.expose_secret())).map_err(ExchangeError::NotAToken)?;
    seen(&token);
    let scope = request.wanted_scope();
    if scope.is_empty() {
        return Err(ExchangeError::NoScope);
    }
    if request.identity.is_empty() {
        return Err(ExchangeError::NoIdentity);
    }
    let scope = scope.parse().map_err(ExchangeError::Scope)?;
    let identity = request.identity.parse().map_err(ExchangeError::Identity)?;
    Ok(Asked { token, scope, identity, by_policy: false })
}

/// Whether the bearer of a refused request was a token by its shape: such a refusal is an event, any other is only counted.
pub(crate) fn was_token_shaped(error: &ExchangeError) -> bool {
    !matches!(
        error,
        ExchangeError::SeveralScopes
            | ExchangeError::NoAuthorization
            | ExchangeError::SeveralAuthorizations
            | ExchangeError::NotAToken(TokenFormError::NotAToken { .. })
    )
}
