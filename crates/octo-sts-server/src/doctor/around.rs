//! What a service stands on beside GitHub's word on its Apps: the clock, issuers, stores, the receiver of events, and its own name.

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822};
use octo_sts_http::{Client, HttpError, Response};
use octo_sts_oidc::Verifier;
use octo_sts_store::{Claim, Key};
use octo_sts_types::{Clock, Issuer};
use serde::Deserialize;
use url::Url;

use super::finding::{Finding, Findings};
use crate::{
    config::{Config, StickyPlace},
    lifecycle::{Stores, chain},
};

/// From here on tokens of issuers that are in step may be refused. Seconds.
const NOTICEABLE: i64 = 5;
/// From here on GitHub refuses what an App signs. Seconds.
const TOO_MUCH: i64 = 60;
/// For how long the entry that tries a store stays, where it is not taken back.
const TRIAL: Duration = Duration::from_secs(5);

/// This machine's clock against GitHub's.
pub(super) async fn clock(client: &Client, github: &Url, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = Findings::about("clock");
    let answer = ask(client, Method::GET, &format!("{}/meta", github.as_str().trim_end_matches('/'))).await;
    match answer.map(|response| date(&response.headers)) {
        Err(error) => findings
            .fail(format!("GitHub is not reached: {}", chain(&error)), "check GITHUB_BASE_URL, SSL_CERT_FILE, and that outbound HTTPS is open"),
        Ok(None) => findings.warn("GitHub's answer has no date to compare with", "is there a proxy at GITHUB_BASE_URL that drops it?"),
        Ok(Some(theirs)) => in_step(clock.now().as_second() - theirs.as_second(), &mut findings),
    }
    findings.list()
}

/// `ahead`: how far this machine is ahead, in seconds.
fn in_step(ahead: i64, findings: &mut Findings) {
    let hint = "keep this machine's clock in step, with chrony, systemd-timesyncd or the like";
    let off = format!("{} s {} GitHub's", ahead.abs(), if ahead > 0 { "ahead of" } else { "behind" });
    match ahead.abs() {
        0..NOTICEABLE => findings.ok("in step with GitHub's"),
        NOTICEABLE..TOO_MUCH => findings.warn(off, hint),
        _ => findings.fail(format!("{off}: good tokens are refused, and expired ones accepted"), hint),
    }
}

/// RFC 9110 §6.6.1
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The issuers that are looked up at start.
pub(super) async fn issuers(verifier: &Verifier, issuers: &[Issuer]) -> Vec<Finding> {
    let asked = issuers.iter().map(|issuer| async move {
        let mut findings = Findings::about(format!("issuer {issuer}"));
        match verifier.prefetch(issuer).await {
            Ok(()) => findings.ok("its keys can be fetched"),
            Err(error) => findings.fail(
                // There is no token yet whose verification could fail.
                format!("its keys cannot be fetched: {}", error.source().map_or_else(|| chain(&error), chain)),
                "open outbound HTTPS to it, or take it out of STS_PREFETCH_ISSUERS when nobody uses it",
            ),
        }
        findings.list()
    });
    join_all(asked).await.concat()
}

/// The stores that replicas share; a process of its own has none.
pub(super) async fn stores(stores: &Stores, config: &Config) -> Vec<Finding> {
    let mut findings = Findings::about("store");
    let key = Key::of("doctor", &[config.domain.as_bytes()]);
    if config.replicas.redis_url.is_some() || matches!(config.replicas.sticky, StickyPlace::Redis | StickyPlace::Firestore) {
        match stores.used_tokens.claim(&key, TRIAL).await {
            Ok(Claim::First(ticket)) => match stores.used_tokens.release(ticket).await {
                Ok(()) => findings.ok("takes an entry and gives it back"),
                Err(error) => findings.fail(format!("keeps an entry that was taken back: {}", chain(&error)), "check what this user may do there"),
            },
            Ok(Claim::Used) => findings.ok("takes entries; another examination is under way"),
            Err(error) => findings.fail(
                chain(&error),
                "check its address, its password and the network; while it is down, tokens of single use are refused and routes are computed",
            ),
        }
    }
    findings.list()
}

/// The receiver of events. None is sent: any answer at all shows that it is there.
pub(super) async fn event_sink(client: &Client, sink: Option<&Url>) -> Vec<Finding> {
    let mut findings = Findings::about("EVENT_INGRESS_URI");
    if let Some(url) = sink {
        match ask(client, Method::HEAD, url.as_str()).await {
            Ok(_) => findings.ok("answers"),
            Err(error) => findings.fail(
                format!("does not answer: {}", chain(&error)),
                "check the address; while it is away, events wait, and are dropped when there are too many",
            ),
        }
    }
    findings.list()
}

#[derive(Deserialize)]
struct Ready {
    reasons: Vec<String>,
}

/// The running service, as callers reach it.
pub(super) async fn service(client: &Client, config: &Config, url: Option<&Url>) -> Vec<Finding> {
    let base = url.map_or_else(|| format!("https://{}", config.domain), |url| url.as_str().trim_end_matches('/').to_owned());
    let mut findings = Findings::about("service");
    match ask(client, Method::GET, &format!("{base}/readyz")).await {
        Ok(response) if response.status == StatusCode::OK => findings.ok(format!("{base} is ready")),
        Ok(response) => match serde_json::from_slice::<Ready>(&response.body) {
            Ok(ready) => {
                findings.fail(format!("{base} is not ready: {}", ready.reasons.join("; ")), "its log says more; docs/runbooks/ has a page per alarm");
            }
            Err(_) => findings.warn(
                format!("{base}/readyz answers {}, which is not an answer of this service", response.status),
                "does STS_DOMAIN lead to another server, or to a proxy that does not pass /readyz on?",
            ),
        },
        Err(error) => findings.warn(
            format!("{base} is not reached from here: {}", chain(&error)),
            "start it, and point the name at it; callers ask for this very name",
        ),
    }
    findings.list()
}

async fn ask(client: &Client, method: Method, url: &str) -> Result<Response, HttpError> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    // What is not a URI does not come out of the configuration.
    *request.uri_mut() = url.parse().unwrap_or_default();
    client.send(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_that_is_off_is_said_in_time() {
        for (ahead, verdict) in [
            (0, Verdict::Ok),
            (4, Verdict::Ok),
            (-4, Verdict::Ok),
            (5, Verdict::Warning),
            (-59, Verdict::Warning),
            (60, Verdict::Failed),
            (-3_600, Verdict::Failed),
        ] {
            let mut findings = Findings::about("clock");
            in_step(ahead, &mut findings);
            assert_eq!(findings.list()[0].verdict, verdict, "Input: {ahead}");
        }
    }

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert(header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(date(&headers).unwrap().as_second(), 784_111_777);
        headers.insert(header::DATE, "yesterday".parse().unwrap());
        assert_eq!(date(&headers), None);
    }
}
