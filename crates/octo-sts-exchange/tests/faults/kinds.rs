//! What can go wrong with one call, by name.

use std::time::Duration;

use http::Method;
use octo_sts_sandbox::Fault;
use serde_json::{Value, json};

/// How long GitHub asks to wait where it says so.
const WAIT: Duration = Duration::from_secs(9);

/// The calls of a cold exchange, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Discovery,
    Keys,
    Installation,
    ReaderMint,
    Allowlist,
    Policy,
    Mint,
}

pub(crate) const CALLS: [Call; 7] = [Call::Discovery, Call::Keys, Call::Installation, Call::ReaderMint, Call::Allowlist, Call::Policy, Call::Mint];

impl Call {
    /// A fault that befalls this call, and no other.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Mint => Fault::on(self.method(), self.needle()).after(1),
            _ => Fault::on(self.method(), self.needle()),
        }
    }

    /// How often it was sent, going by all calls there were.
    pub(crate) fn sent(self, calls: &[octo_sts_sandbox::Call]) -> usize {
        let all = calls.iter().filter(|call| call.method == self.method() && (call.class == self.needle() || call.path.contains(self.needle())));
        match self {
            // The first mint is the reader's.
            Self::Mint => all.count().saturating_sub(1),
            _ => all.count(),
        }
    }

    pub(crate) fn is_a_mint(self) -> bool {
        matches!(self, Self::ReaderMint | Self::Mint)
    }

    fn method(self) -> Method {
        if self.is_a_mint() { Method::POST } else { Method::GET }
    }

    fn needle(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "jwks",
            Self::Installation => "repository_installation",
            Self::ReaderMint | Self::Mint => "mint",
            Self::Allowlist => "trusted-token-issuers.yaml",
            Self::Policy => "ci.sts.yaml",
        }
    }
}

fn json_of(fault: Fault, status: u16, message: &str) -> Fault {
    fault.respond(status, &json!({ "message": message }))
}

fn empty(fault: Fault, status: u16) -> Fault {
    fault.respond_with(status, "application/json", "")
}

/// The fault of this name. `reset` is when an hourly limit ends, in seconds since 1970.
pub(crate) fn fault(call: Call, name: &str, reset: i64) -> Fault {
    let on = call.fault();
    match name {
        "reset" => on.reset(),
        "reset after it was done" => on.reset().executed(),
        "cut off" => on.truncate(20),
        "never answered" => on.hang(),
        "body stalls" => on.drip(1, Duration::from_mins(1)),
        "a byte a second" => on.drip(1, Duration::from_secs(1)),
        "200 empty" => empty(on, 200),
        "200 garbage" => on.respond_with(200, "text/html", "<html>a proxy says hello</html>"),
        "200 gzip" => on.respond_with(200, "application/json", &b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..]).header("content-encoding", "gzip"),
        "200 too long" => on.respond_with(200, "application/json", "x".repeat(9 << 20)),
        "204" => empty(on, 204),
        "301 same host" => empty(on, 301).header("location", "/elsewhere"),
        "302 other host" => empty(on, 302).header("location", "http://127.0.0.1:1/"),
        "304 unexpected" => empty(on, 304),
        "400" => json_of(on, 400, "Problems parsing JSON"),
        "401" => json_of(on, 401, "Bad credentials"),
        "403 permission" => json_of(on, 403, "Resource not accessible by integration"),
        "403 hourly limit" => on.primary_limit(403, reset),
        "403 secondary limit" => on.secondary_limit(403, None),
        "403 secondary limit, 9 s" => on.secondary_limit(403, Some(WAIT)),
        "403 SAML" => on.saml(),
        "403 IP allow list" => on.ip_allow_list(),
        "403 suspended" => json_of(on, 403, "This installation has been suspended"),
        "404" => json_of(on, 404, "Not Found"),
        "409" => json_of(on, 409, "Conflict"),
        "410" => json_of(on, 410, "Gone"),
        "422" => json_of(on, 422, "Validation Failed"),
        "422, 9 s" => on.secondary_limit(422, Some(WAIT)),
        "429" => on.respond(429, &Value::Null),
        "429, 9 s" => on.respond(429, &Value::Null).header("retry-after", "9"),
        "500" => json_of(on, 500, "Server Error"),
        "502" => on.respond_with(502, "text/html", "<html>Bad Gateway</html>"),
        "503" => empty(on, 503),
        "503, 9 s" => empty(on, 503).header("retry-after", "9"),
        "504" => empty(on, 504),
        other => panic!("there is no fault `{other}`"),
    }
}

/// Whether GitHub does what it was asked although the answer is spoilt.
pub(crate) fn is_done_all_the_same(name: &str) -> bool {
    matches!(name, "reset after it was done" | "cut off" | "body stalls" | "a byte a second")
}
