//! Scripted faults: what goes wrong, on which call, how often.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use crate::{call::Service, lock::lock, reply::Reply, transport::Request};

/// A fault: which calls it befalls, and what becomes of them.
///
/// A fault without an ending only delays. When several faults fit a call, their delays add up and the first ending counts.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<Method>,
    needle: String,
    service: Option<Service>,
    /// What the path must begin with.
    under: String,
    skip: u64,
    times: Option<u64>,
    share: Option<f64>,
    delay: Duration,
    effect: Option<Effect>,
    executes: bool,
}

/// How a call ends instead of with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Respond(Reply),
    Hang,
    Reset,
    Raw(Bytes),
    Truncate(usize),
    Drip { step: usize, every: Duration },
}

/// A fault's ending as it is to be carried out.
pub(crate) struct Planned {
    pub(crate) kind: Effect,
    /// Whether the call still does what it is for, so that only its answer is lost.
    pub(crate) executes: bool,
}

impl Fault {
    /// Befalls calls with this method whose class is `needle` or whose path contains it.
    pub fn on(method: Method, needle: impl Into<String>) -> Self {
        Self { method: Some(method), ..Self::on_any(needle) }
    }

    /// Befalls calls of any method whose class is `needle` or whose path contains it; the empty text befalls all.
    pub fn on_any(needle: impl Into<String>) -> Self {
        let needle = needle.into();
        Self {
            method: None,
            needle,
            service: None,
            under: String::new(),
            skip: 0,
            times: None,
            share: None,
            delay: Duration::ZERO,
            effect: None,
            executes: false,
        }
    }

    /// Befalls only calls to this service.
    pub fn of(self, service: Service) -> Self {
        Self { service: Some(service), ..self }
    }

    /// Befalls only calls whose path begins so.
    pub(crate) fn under(self, path: String) -> Self {
        Self { under: path, ..self }
    }

    /// Befalls this many calls and then no more.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Spares this many calls first.
    pub fn after(self, spared: u64) -> Self {
        Self { skip: spared, ..self }
    }

    /// Befalls this share of the calls at random: `0.01` is one per cent.
    pub fn share(self, share: f64) -> Self {
        Self { share: Some(share), ..self }
    }

    /// Delays the call.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Lets the call do what it is for, and spoils only the answer: a token is minted that nobody hears of.
    pub fn executed(self) -> Self {
        Self { executes: true, ..self }
    }

    /// Answers with this status and JSON.
    pub fn respond(self, status: u16, body: &Value) -> Self {
        self.ending(Effect::Respond(Reply::json(status_of(status), body)))
    }

    /// Answers with this status, content type and body.
    pub fn respond_with(self, status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let reply = Reply { body: body.into(), ..Reply::empty(status_of(status)) };
        self.ending(Effect::Respond(reply)).header("content-type", content_type)
    }

    /// Adds a header to the answer given with [`Fault::respond`] or [`Fault::respond_with`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Some(Effect::Respond(reply)), Ok(name), Ok(value)) = (&mut self.effect, name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            reply.headers.append(name, value);
        }
        self
    }

    /// Never answers.
    pub fn hang(self) -> Self {
        self.ending(Effect::Hang)
    }

    /// Resets the connection.
    pub fn reset(self) -> Self {
        self.ending(Effect::Reset)
    }

    /// Announces the whole answer, sends this many bytes of its body, and ends the connection. The call is executed.
    pub fn truncate(self, kept: usize) -> Self {
        self.ending(Effect::Truncate(kept)).executed()
    }

    /// Sends the body of the answer in steps of so many bytes. The call is executed.
    pub fn drip(self, step: usize, every: Duration) -> Self {
        self.ending(Effect::Drip { step, every }).executed()
    }

    /// Sends these bytes instead of an HTTP answer and ends the connection. Meant for HTTP/1.1.
    pub fn raw_response(self, bytes: impl Into<Bytes>) -> Self {
        self.ending(Effect::Raw(bytes.into()))
    }

    fn ending(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }

    fn fits(&self, service: Service, class: &str, request: &Request) -> bool {
        self.service.is_none_or(|wanted| wanted == service)
            && self.method.as_ref().is_none_or(|wanted| wanted == request.method)
            && request.path.starts_with(&self.under)
            && (self.needle == class || request.path.contains(&self.needle))
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no HTTP status"))
}

/// Faults as GitHub words them.
impl Fault {
    /// The hourly limit of an installation is used up; `reset` is in seconds since 1970.
    pub fn primary_limit(self, status: u16, reset: i64) -> Self {
        let body =
            message("API rate limit exceeded for installation.", "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api");
        self.respond(status, &body)
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-used", "5000")
            .header("x-ratelimit-resource", "core")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    /// The secondary limit, with or without `Retry-After`; calls of the hour are left.
    pub fn secondary_limit(self, status: u16, retry_after: Option<Duration>) -> Self {
        let text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let body = message(text, "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits");
        let fault = self.respond(status, &body).header("x-ratelimit-limit", "5000").header("x-ratelimit-remaining", "4321");
        match retry_after {
            Some(wait) => fault.header(header::RETRY_AFTER.as_str(), &wait.as_secs().to_string()),
            None => fault,
        }
    }

    /// The organisation enforces SAML single sign-on.
    pub fn saml(self) -> Self {
        let text = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
        let url = "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";
        self.respond(403, &message(text, url)).header("x-github-sso", "required; url=https://github.com/orgs/acme/sso?authorization_request=A")
    }

    /// The organisation's IP allow list refuses the caller's address.
    pub fn ip_allow_list(self) -> Self {
        let text = "Although you appear to have the correct authorization credentials, the organization has an IP allow list enabled, and your IP address is not permitted to access this resource.";
        self.respond(403, &message(text, "https://docs.github.com/rest"))
    }
}

/// The body of GitHub's plain errors.
fn message(text: &str, documentation_url: &str) -> Value {
    serde_json::json!({"message": text, "documentation_url": documentation_url})
}

/// The faults in force.
pub(crate) struct FaultBook {
    faults: Mutex<Vec<Fault>>,
    /// How many there are, so that calls without any fault take no lock.
    count: AtomicUsize,
    random: AtomicU64,
}

impl FaultBook {
    pub(crate) fn new(seed: u64) -> Self {
        Self { faults: Mutex::default(), count: AtomicUsize::new(0), random: AtomicU64::new(seed) }
    }

    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = lock(&self.faults);
        faults.push(fault);
        self.count.store(faults.len(), Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        let mut faults = lock(&self.faults);
        faults.clear();
        self.count.store(0, Ordering::Release);
    }

    /// What befalls this call. Counts it against the faults that fit.
    pub(crate) fn plan(&self, service: Service, class: &str, request: &Request) -> (Duration, Option<Planned>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return (Duration::ZERO, None);
        }
        let mut delay = Duration::ZERO;
        let mut planned = None;
        let mut faults = lock(&self.faults);
        for fault in faults.iter_mut().filter(|fault| fault.fits(service, class, request)) {
            if planned.is_some() && fault.effect.is_some() || !self.strikes(fault) {
                continue;
            }
            delay += fault.delay;
            planned = planned.or_else(|| fault.effect.clone().map(|kind| Planned { kind, executes: fault.executes }));
        }
        faults.retain(|fault| fault.times != Some(0));
        self.count.store(faults.len(), Ordering::Release);
        (delay, planned)
    }

    fn strikes(&self, fault: &mut Fault) -> bool {
        if fault.times == Some(0) || fault.share.is_some_and(|share| self.random() >= share) {
            return false;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            return false;
        }
        fault.times = fault.times.map(|times| times - 1);
        true
    }

    /// A number from 0 up to 1, by `SplitMix64`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which is what an f64 holds")]
    fn random(&self) -> f64 {
        let mut z = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str) -> Request {
        Request { method, path: path.to_owned(), query: None, headers: http::HeaderMap::new(), body: Bytes::new() }
    }

    fn struck(book: &FaultBook) -> bool {
        book.plan(Service::GitHub, "contents", &request(Method::GET, "/repos/acme/app/contents/x")).1.is_some()
    }

    #[test]
    fn a_fault_spares_and_then_strikes_as_often_as_it_says() {
        let book = FaultBook::new(1);
        book.add(Fault::on(Method::GET, "contents").after(1).times(2).hang());
        assert_eq!([struck(&book), struck(&book), struck(&book), struck(&book)], [false, true, true, false]);
    }

    #[test]
    fn a_fault_keeps_to_its_method_class_path_and_service() {
        let call = request(Method::GET, "/repos/acme/app/contents/x");
        for (fault, strikes) in [
            (Fault::on(Method::POST, "contents"), false),
            (Fault::on(Method::GET, "mint"), false),
            (Fault::on(Method::GET, "acme/app"), true),
            (Fault::on_any("contents").of(Service::Issuer), false),
            (Fault::on_any(""), true),
        ] {
            let book = FaultBook::new(1);
            book.add(fault.clone().hang());
            assert_eq!(book.plan(Service::GitHub, "contents", &call).1.is_some(), strikes, "Input: {fault:?}");
        }
    }

    #[test]
    fn delays_add_up_and_the_first_ending_counts() {
        let book = FaultBook::new(1);
        book.add(Fault::on_any("contents").delay(Duration::from_millis(5)));
        book.add(Fault::on_any("contents").delay(Duration::from_millis(7)).times(1).reset());
        book.add(Fault::on_any("contents").times(1).hang());
        let (delay, planned) = book.plan(Service::GitHub, "contents", &request(Method::GET, "/"));
        assert_eq!(delay, Duration::from_millis(12));
        assert!(matches!(planned, Some(Planned { kind: Effect::Reset, executes: false })));
        assert!(struck(&book), "the second ending was not used up");
    }

    #[test]
    fn a_share_is_met_closely() {
        let book = FaultBook::new(7);
        book.add(Fault::on_any("").share(0.01).hang());
        let strikes = (0..20_000).filter(|_| struck(&book)).count();
        assert!((140..260).contains(&strikes), "{strikes} of 20,000");
    }
}
