//! What an answer of GitHub means.
//!
//! GitHub says "wait" in eight ways, with three statuses that also say "no". A permission error taken for a limit would
//! keep a revoked policy alive; a limit taken for a permission error would make us go on calling. The rules, in order:
//!
//! | Answer | Meaning |
//! |---|---|
//! | 2xx, 304 | done |
//! | 301, 302, 303, 307, 308 | moved; never followed |
//! | 401 | the App JWT or the token is refused |
//! | 403 that says `suspended` | suspended |
//! | 403, 422 or 429 with `retry-after`, nothing remaining, or the text of a limit; every other 429 | a limit |
//! | other 403, 451 | forbidden, with GitHub's text |
//! | 404 | not there, or out of sight |
//! | other 422 | refused, with GitHub's text |
//! | 408, 5xx | not available |
//! | the rest, 409 and 410 among it | unexpected |
//!
//! A 403 whose text names a permission, SAML or an IP allow list is that also when it happens to be the last call of the
//! hour; only an explicit `retry-after` makes it a limit.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use octo_sts_types::Printable;
use serde::Deserialize;

use crate::{
    error::{GitHubError, Limit, Outage},
    headers,
};

/// With what a call was authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// A JWT signed with the App's key.
    AppJwt,
    /// An installation token.
    Token,
}

/// What GitHub says in the body of an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: Option<String>,
    documentation_url: Option<String>,
    errors: Option<serde_json::Value>,
}

/// Why GitHub did not do it; `None` for an answer that means it did (2xx, 304). `now` counts where the answer has no `Date`.
pub(crate) fn refusal(presented: Presented, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<GitHubError> {
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    let now = headers::date(headers).unwrap_or(now);
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    Some(match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => GitHubError::Moved,
        401 if presented == Presented::AppJwt => GitHubError::KeyRefused { message: said.text() },
        401 => GitHubError::TokenRefused,
        403 if said.mentions("suspended") => GitHubError::Suspended,
        403 | 422 | 429 => match limit(status, headers, &said, now) {
            Some((kind, retry_after)) => GitHubError::RateLimited { kind, retry_after },
            None if status == StatusCode::FORBIDDEN => GitHubError::Forbidden { message: said.text() },
            None => GitHubError::Unprocessable { message: said.text() },
        },
        451 => GitHubError::Forbidden { message: said.text() },
        404 => GitHubError::NotFound,
        408 | 500..=599 => GitHubError::Unavailable { outage: Outage::Status(status.as_u16()), retry_after: headers::retry_after(headers, now) },
        _ => GitHubError::unexpected(status, said.text()),
    })
}

/// Which limit a 403, 422 or 429 reports, and how long it asks to wait, where it says so.
fn limit(status: StatusCode, headers: &HeaderMap, said: &Said, now: Timestamp) -> Option<(Limit, Option<Duration>)> {
    let asked = headers::retry_after(headers, now);
    let used_up = headers::nothing_remains(headers);
    let secondary = said.is_secondary_limit();
    let primary = said.mentions("api rate limit exceeded");
    let proven = asked.is_some() || secondary || primary || status == StatusCode::TOO_MANY_REQUESTS || (used_up && !said.is_permission_error());
    if !proven {
        return None;
    }
    let reset = || used_up.then(|| headers::until_reset(headers, now)).flatten();
    let kind = if !secondary && (primary || used_up) { Limit::Primary } else { Limit::Secondary };
    Some((kind, asked.or_else(reset)))
}

impl Said {
    fn mentions(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.to_ascii_lowercase().contains(words))
    }

    fn is_secondary_limit(&self) -> bool {
        let url = self.documentation_url.as_deref().unwrap_or_default();
        self.mentions("secondary rate limit")
            || self.mentions("abuse detection")
            || url.ends_with("secondary-rate-limits")
            || url.ends_with("#abuse-rate-limits")
    }

    fn is_permission_error(&self) -> bool {
        ["resource not accessible", "saml", "ip allow list", "must have admin"].iter().any(|words| self.mentions(words))
    }

    /// GitHub's text, details included, cut and made printable.
    fn text(&self) -> String {
        let message = self.message.as_deref().unwrap_or_default();
        let details: Vec<_> = self.errors.iter().filter_map(|errors| errors.as_array()).flatten().filter_map(detail).collect();
        if details.is_empty() { Printable(message).to_string() } else { Printable(&format!("{message}: {}", details.join("; "))).to_string() }
    }
}

/// One entry of `errors`: a text, or an object with one.
fn detail(error: &serde_json::Value) -> Option<&str> {
    error.as_str().or_else(|| error.get("message")?.as_str())
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
