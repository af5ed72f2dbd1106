//! `POST /oauth/token`: the exchange, as RFC 8693 has it.

use std::{fmt, sync::Arc};

use http::{Response, StatusCode, header, request};
use http_body::Body;
use octo_sts_exchange::{Authorization, Transport};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::{
    Refused, Word, answer,
    grant::{ACCESS_TOKEN, Grant},
    resource::Names,
};
use crate::{
    exchange::Issued,
    reply::Reply,
    rest::{fields, query, user_agent},
    service::{Caller, Shared},
    status,
};

/// The longest body, in bytes: a token of 16 KiB, and what goes with it.
const LONGEST: usize = 20 << 10;

/// Answers a request for a token.
pub(in crate::rest) async fn token<B>(shared: &Arc<Shared>, head: &request::Parts, body: B, caller: Caller) -> Response<Reply>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    let id = caller.request_id.clone();
    if shared.is_draining() {
        return Refused::for_now("the service is shutting down: try again", 1).response(&id);
    }
    let _counted = shared.exchanges.begin();
    let grant = match read(shared, head, body).await {
        Ok(grant) => grant,
        Err(refused) => return refused.response(&id),
    };
    let scope = grant.scope.unwrap_or_else(|| format!("{} identity:{}", grant.target.scope, grant.target.identity));
    let request = octo_sts_exchange::Request {
        authorization: Authorization::Value(bearer(&grant.subject_token)),
        scope: grant.target.scope,
        scopes: Vec::new(),
        identity: grant.target.identity,
        user_agent: user_agent(&head.headers),
        request_id: caller.request_id,
        peer: Some(caller.peer),
        transport: Transport::Http,
    };
    match shared.exchange.exchange(request).await {
        Ok(issued) => granted(issued, &scope, shared),
        Err(refusal) => Refused::exchange(status::answer(&refusal, &id)).response(&id),
    }
}

async fn read<B>(shared: &Shared, head: &request::Parts, body: B) -> Result<Grant, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    if fields::kind(head) != fields::Kind::Form {
        let text = "send a form: Content-Type: application/x-www-form-urlencoded";
        return Err(Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, close: true, ..Refused::new(Word::InvalidRequest, text) });
    }
    // Clients send an id and an empty secret as `Basic`. Another scheme would be a second credential.
    let schemes = head.headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    if schemes.into_iter().any(|value| !value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))) {
        return Err(Refused { close: true, ..Refused::new(Word::InvalidRequest, "send the OIDC token as subject_token, not as Authorization") });
    }
    let form = fields::form(head, body, LONGEST).await?;
    let bad = |error: query::InvalidQuery| Refused::new(Word::InvalidRequest, error.to_string());
    let query = query::parse(head.uri.query().unwrap_or_default().as_bytes()).map_err(bad)?;
    Grant::read(form, query, Names { domain: &shared.domain, github_host: &shared.github_host })
}

fn bearer(token: &SecretString) -> SecretString {
    SecretString::from(format!("Bearer {}", token.expose_secret()))
}

/// The members of RFC 8693 §2.2.1, then those that `/sts/exchange` has, too.
#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    issued_token_type: &'a str,
    token_type: &'a str,
    expires_in: i64,
    scope: &'a str,
    permissions: &'a octo_sts_types::Permissions,
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<&'a [String]>,
    repository_selection: &'a str,
}

/// `scope` repeats what was asked for: client libraries take anything else for a warning.
fn granted(issued: Issued, scope: &str, shared: &Shared) -> Response<Reply> {
    let granted = Granted {
        access_token: issued.token.expose_secret(),
        issued_token_type: ACCESS_TOKEN,
        token_type: "Bearer",
        expires_in: issued.expires_at.duration_since(shared.clock.now()).as_secs().max(0),
        scope,
        permissions: &issued.permissions,
        repositories: (!issued.every_repository).then_some(&issued.repositories),
        repository_selection: if issued.every_repository { "all" } else { "selected" },
    };
    match serde_json::to_string(&granted) {
        Ok(text) => answer(StatusCode::OK, text).map(|body| body.owing(Some(issued.receipt))),
        Err(_) => Refused::new(Word::ServerError, "internal error").response(""),
    }
}
