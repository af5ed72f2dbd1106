//! The span of an exchange. Disabled where nothing is exported; then it costs nothing.

use octo_sts_types::{Identity, Scope};
use tracing::{Span, field, field::Empty, info_span};

use crate::request::Request;

/// The span of one exchange. The calls to GitHub are its children.
pub(crate) fn exchange(request: &Request) -> Span {
    info_span!(
        target: "octo_sts::trace",
        "exchange",
        request_id = request.request_id,
        scope = Empty,
        identity = Empty,
        outcome = Empty,
        stage = Empty,
        reason = Empty,
        installation_id = Empty,
        github_calls = Empty,
    )
}

/// How an exchange ended, in the words of the answer: nothing here is the policy's, or of a length that a caller chooses.
pub(crate) struct Ended<'a> {
    pub(crate) scope: Option<&'a Scope>,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) stage: &'static str,
    /// The stable word of a refusal; `None` when a token was granted.
    pub(crate) reason: Option<&'static str>,
    pub(crate) installation: Option<u64>,
    pub(crate) github_calls: u32,
}

/// Notes it on the span of the exchange.
pub(crate) fn ended(ended: &Ended<'_>) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    ended.scope.map(|scope| span.record("scope", field::display(scope)));
    ended.identity.map(|identity| span.record("identity", field::display(identity)));
    span.record("outcome", if ended.reason.is_none() { "granted" } else { "refused" });
    span.record("stage", ended.stage);
    ended.reason.map(|reason| span.record("reason", reason));
    ended.installation.map(|installation| span.record("installation_id", installation));
    span.record("github_calls", ended.github_calls);
}
