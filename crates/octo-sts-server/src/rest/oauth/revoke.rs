//! `POST /sts/revoke`: ends a token that this service issued, as RFC 7009 has it.

use std::{fmt, sync::Arc};

use http::{Response, StatusCode, request};
use http_body::Body;
use octo_sts_exchange::{Authorization, NotEnded};
use octo_sts_github::GitHubError;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Refused, Word, answer, one};
use crate::{
    reply::Reply,
    rest::{authorization, fields},
    service::{Caller, Shared},
};

/// The longest body, in bytes.
const LONGEST: usize = 4 << 10;
/// When to try again where GitHub does not say, in seconds.
const SOON: u64 = 1;
/// How tokens begin that GitHub issues to people and programs, and that are not ended here.
const OTHER_KINDS: [&str; 5] = ["ghp_", "gho_", "ghu_", "ghr_", "github_pat_"];

/// Answers a request to end a token. Whoever holds it may end it, and one that nobody knows has ended (RFC 7009 §2.2).
pub(in crate::rest) async fn revoke<B>(shared: &Arc<Shared>, head: &request::Parts, body: B, caller: Caller) -> Response<Reply>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    let _counted = shared.exchanges.begin();
    let ended = match read(head, body).await {
        Ok(token) => shared.exchange.end(&token, caller.peer).await.map_err(refused),
        Err(refused) => Err(refused),
    };
    match ended {
        Ok(_) => answer(StatusCode::OK, "{}".to_owned()),
        Err(refused) => refused.response(&caller.request_id),
    }
}

/// The token, out of the form, the JSON, or else the `Authorization` header.
async fn read<B>(head: &request::Parts, body: B) -> Result<SecretString, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    let bad = |what: &str| Refused::new(Word::InvalidRequest, what);
    if head.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Refused { close: true, ..bad("send the token in the body or as Authorization, not in the address") });
    }
    let pairs = fields::form(head, body, LONGEST).await?;
    let in_body = one(&pairs, "token")?.map(SecretString::from);
    let in_header = match authorization(&head.headers) {
        Authorization::Several => return Err(bad("expected at most one authorization header")),
        Authorization::Value(value) => bearer(value.expose_secret()),
        Authorization::None => None,
    };
    let token = match (in_body, in_header) {
        (Some(body), Some(header)) if body.expose_secret() != header.expose_secret() => {
            return Err(bad("the body and the Authorization header hold different tokens: send one"));
        }
        (body, header) => body.or(header).ok_or_else(|| bad("there is no token: send it as Authorization: Bearer, or as token in a form"))?,
    };
    if OTHER_KINDS.iter().any(|kind| token.expose_secret().starts_with(kind)) {
        return Err(Refused::new(Word::UnsupportedTokenType, "this is no installation token: end it where it was issued"));
    }
    Ok(token)
}

/// The token of a `Bearer`; clients send their id as `Basic`, which says nothing here.
fn bearer(value: &str) -> Option<SecretString> {
    let (scheme, token) = value.split_once(' ')?;
    ["bearer", "token"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| SecretString::from(token))
}

/// RFC 7009 §2.2.1: after these the token must be taken to live on.
fn refused(error: NotEnded) -> Refused {
    let seconds = |wait: std::time::Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match error {
        NotEnded::TooMany { retry_after } => Refused {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..Refused::for_now("too many tokens from this address were unknown to GitHub: wait", seconds(retry_after).max(SOON))
        },
        NotEnded::GitHub(error @ (GitHubError::RateLimited { .. } | GitHubError::Unavailable { .. })) => {
            let wait = error.retry_after().map_or(SOON, seconds).max(SOON);
            Refused::for_now("GitHub did not end the token: try again, or it ends by itself within the hour", wait)
        }
        NotEnded::GitHub(_) => Refused::new(Word::UnsupportedTokenType, "GitHub does not end this token: it is no installation token"),
    }
}
