//! Fetching what an issuer publishes: its discovery document, then its keys.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use octo_sts_http::{Client, Response};
use octo_sts_types::Issuer;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::{
    discovery::{Discovery, DocumentFault},
    error::{IssuerError, Part},
    key_set::KeySet,
};

/// Longest time for discovery and keys together, second attempt included.
const WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for an answer while a second attempt is left: one that got stuck does not use up the time of both.
const FIRST_ATTEMPT: Duration = Duration::from_millis(2_500);
/// Pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(150);
/// Shortest and longest time for which keys are fresh, whatever the issuer says.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_mins(15);

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) discovery: Discovery,
    pub(crate) keys: KeySet,
    /// How long the keys are fresh.
    pub(crate) lifetime: Duration,
}

/// Which part of a fetch failed, and how; shared by everybody who waited for it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) part: Part,
    pub(crate) error: Arc<IssuerError>,
}

impl Failure {
    pub(crate) fn new(part: Part, error: IssuerError) -> Self {
        Self { part, error: Arc::new(error) }
    }
}

/// Fetches discovery document and keys; with `known` discovery, the keys alone.
pub(crate) async fn fetch(client: &Client, issuer: &Issuer, known: Option<Discovery>) -> Result<Fetched, Failure> {
    let mut getter = Getter { client, deadline: Instant::now() + WITHIN, again: true };
    let discovery = match known {
        Some(discovery) => discovery,
        None => discover(&mut getter, issuer).await.map_err(|error| Failure::new(Part::Discovery, error))?,
    };
    let failed = |error| Failure::new(Part::Keys, error);
    let answer = getter.get(&discovery.keys_url).await.map_err(failed)?;
    let keys = KeySet::parse(&answer.body, discovery.algorithms).map_err(|source| failed(unusable(&discovery.keys_url, source)))?;
    Ok(Fetched { discovery, keys, lifetime: lifetime(&answer.headers) })
}

async fn discover(getter: &mut Getter<'_>, issuer: &Issuer) -> Result<Discovery, IssuerError> {
    let text = issuer.discovery_url();
    let Ok(url) = Url::parse(&text) else { return Err(IssuerError::Redirect { url: text }) };
    let answer = getter.get(&url).await?;
    Discovery::parse(&answer.body, issuer).map_err(|source| unusable(&url, source))
}

fn unusable(url: &Url, source: DocumentFault) -> IssuerError {
    IssuerError::Document { url: url.to_string(), source }
}

/// One fetch: its deadline, and whether it may still ask a second time.
struct Getter<'a> {
    client: &'a Client,
    deadline: Instant,
    again: bool,
}

impl Getter<'_> {
    /// A 200, after at most one redirect to another path of the same host.
    async fn get(&mut self, url: &Url) -> Result<Response, IssuerError> {
        let deadline = self.deadline;
        timeout_at(deadline, self.follow(url)).await.unwrap_or(Err(IssuerError::TimedOut { within: WITHIN }))
    }

    async fn follow(&mut self, url: &Url) -> Result<Response, IssuerError> {
        let answer = self.ask(url).await?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let refused = || IssuerError::Redirect { url: url.to_string() };
        let next = hop(url, &answer.headers).ok_or_else(refused)?;
        let answer = self.ask(&next).await?;
        if answer.status == StatusCode::OK { Ok(answer) } else { Err(refused()) }
    }

    /// An answer of 200 or a redirect; a failure that may pass is given one second chance in the whole fetch.
    async fn ask(&mut self, url: &Url) -> Result<Response, IssuerError> {
        if !self.again {
            return self.ask_once(url).await;
        }
        let first = timeout(FIRST_ATTEMPT, self.ask_once(url)).await.unwrap_or(Err(IssuerError::TimedOut { within: FIRST_ATTEMPT }));
        match first {
            Err(error) if error.is_transient() => {
                self.again = false;
                tokio::time::sleep(PAUSE).await;
                self.ask_once(url).await
            }
            answer => answer,
        }
    }

    async fn ask_once(&self, url: &Url) -> Result<Response, IssuerError> {
        let request = http::Request::get(url.as_str()).header(header::ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_| IssuerError::Redirect { url: url.to_string() })?;
        let answer = self.client.send(request).await.map_err(|source| IssuerError::Unreachable { url: url.to_string(), source })?;
        match answer.status {
            StatusCode::OK => Ok(answer),
            status if status.is_redirection() => Ok(answer),
            status => Err(IssuerError::Status { url: url.to_string(), status }),
        }
    }
}

/// Where a redirect leads, if it stays on the very host, port and scheme.
fn hop(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let next = from.join(headers.get(header::LOCATION)?.to_str().ok()?).ok()?;
    let user = !next.username().is_empty() || next.password().is_some();
    (next.origin() == from.origin() && !user).then_some(next)
}

/// How long keys are fresh: `max-age` less `Age` (RFC 9111 §4.2), between 1 and 15 minutes; 15 where nothing is said.
/// `Expires` is not read: a server that has neither clock nor `max-age` right is re-read in 15 minutes anyway.
fn lifetime(headers: &HeaderMap) -> Duration {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let seconds = lines.flat_map(|line| line.split(',')).filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse::<u64>().ok(),
            None if directive == "no-store" || directive == "no-cache" => Some(0),
            _ => None,
        }
    });
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or(0);
    let lifetime = seconds.min().map_or(LONGEST, |seconds| Duration::from_secs(seconds.saturating_sub(age)));
    lifetime.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-042
    #[test]
    fn what_the_issuer_says_about_caching_is_clamped() {
        for (lines, seconds) in [
            (&[][..], 900),
            (&[("cache-control", "max-age=300")], 300),
            (&[("cache-control", "public, Max-Age=300, must-revalidate")], 300),
            (&[("cache-control", "max-age=300"), ("age", "100")], 200),
            (&[("cache-control", "max-age=300"), ("age", "9999999999")], 60),
            (&[("cache-control", "max-age=300"), ("age", "-5")], 300),
            (&[("cache-control", "max-age=0")], 60),
            (&[("cache-control", "max-age=315360000")], 900),
            (&[("cache-control", "max-age=99999999999999999999999")], 900),
            (&[("cache-control", "max-age=-1")], 900),
            (&[("cache-control", "max-age=soon")], 900),
            (&[("cache-control", "max-age=\"120\"")], 120),
            (&[("cache-control", "no-store")], 60),
            (&[("cache-control", "no-cache, max-age=600")], 60),
            (&[("cache-control", "max-age=600"), ("cache-control", "max-age=120")], 120),
            (&[("expires", "garbage")], 900),
            (&[("cache-control", "s-maxage=5")], 900),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(lifetime(&headers), Duration::from_secs(seconds), "Input: {lines:?}");
        }
    }

    /// T-032
    #[test]
    fn a_redirect_stays_on_its_host() {
        let from = Url::parse("https://issuer.example/t/.well-known/openid-configuration").unwrap();
        let to = |location: &str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
            hop(&from, &headers).map(String::from)
        };
        assert_eq!(to("/x").as_deref(), Some("https://issuer.example/x"));
        assert_eq!(to("https://issuer.example:443/x").as_deref(), Some("https://issuer.example/x"));
        for location in [
            "http://issuer.example/x",
            "https://other.example/x",
            "https://issuer.example:8443/x",
            "//other.example/x",
            "https://169.254.169.254/",
            "https://user@issuer.example/x",
            "file:///etc/passwd",
            "https://issuer.example.evil.com/",
        ] {
            assert_eq!(to(location), None, "Input: {location}");
        }
        assert_eq!(hop(&from, &HeaderMap::new()), None);
    }
}
