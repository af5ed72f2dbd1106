//! From a request to an answer: who asks, what for, whether he may.

use std::sync::{
    Arc, Mutex, OnceLock, RwLock,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use octo_sts_types::AppId;

use super::{
    activity::Activity,
    app::AppJwts,
    ledger::{Ledger, TokenRecord},
    problem::Problem,
    render::Addresses,
    route::{Route, segments},
    tree::hex,
    world::{InstallationRecord, World},
};
use crate::{
    SandboxSettings,
    call::Caller,
    lock::{lock, read},
    reply::Reply,
    transport::{Answered, Backend, Request},
};

/// API versions that GitHub supports.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

pub(crate) type Answer = Result<Reply, Problem>;

/// The fake GitHub behind its front.
pub(crate) struct State {
    pub(crate) settings: SandboxSettings,
    pub(crate) addresses: OnceLock<Addresses>,
    pub(crate) world: RwLock<World>,
    pub(crate) ledger: Ledger,
    pub(crate) activity: Mutex<Activity>,
    jwts: AppJwts,
    requests: AtomicU64,
    date: Mutex<(i64, Option<HeaderValue>)>,
}

/// Proven credentials.
pub(crate) enum Credentials {
    None,
    App(AppId),
    Token(Arc<TokenRecord>),
}

impl Credentials {
    fn caller(&self) -> Caller {
        match self {
            Self::None => Caller::Unknown,
            Self::App(app) => Caller::App(*app),
            Self::Token(token) => Caller::Token(token.number),
        }
    }
}

impl Backend for State {
    fn class(&self, method: &Method, path: &str) -> &'static str {
        let Some(path) = path.strip_prefix(self.settings.path_prefix.as_str()) else { return "unknown" };
        let parts = segments(path);
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        Route::of(method, &parts).class()
    }

    fn answer(&self, request: &Request) -> Answered {
        let now = self.settings.clock.now();
        let mut caller = Caller::Unknown;
        let reply = self.respond(request, now, &mut caller).unwrap_or_else(|problem| problem.reply());
        Answered { reply: self.stamped(reply, &request.headers, now), caller }
    }
}

impl State {
    pub(crate) fn new(settings: SandboxSettings) -> Self {
        Self {
            addresses: OnceLock::new(),
            world: RwLock::default(),
            ledger: Ledger::new(settings.remembered_tokens),
            activity: Mutex::default(),
            jwts: AppJwts::default(),
            requests: AtomicU64::new(0),
            date: Mutex::default(),
            settings,
        }
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        self.addresses.get_or_init(|| Addresses { api: "http://localhost".to_owned(), html: "http://localhost".to_owned() })
    }

    fn respond(&self, request: &Request, now: Timestamp, caller: &mut Caller) -> Answer {
        check_headers(&request.headers)?;
        let path = request.path.strip_prefix(self.settings.path_prefix.as_str()).ok_or_else(Problem::not_found)?;
        let parts = segments(path);
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let route = Route::of(&request.method, &parts);
        let credentials = self.authenticate(&request.headers, now)?;
        *caller = credentials.caller();
        match credentials {
            Credentials::App(app) if route.is_for_apps() => self.answer_app(app, &route, request, now),
            _ if route == Route::Unknown => Err(Problem::not_found()),
            Credentials::Token(token) if !route.is_for_apps() => self.answer_token(&token, &route, request, now),
            Credentials::None if !route.is_for_apps() => self.answer_anyone(&route, request),
            _ if route.is_for_apps() => Err(Problem::undecodable_jwt()),
            _ => Err(Problem::bad_credentials()),
        }
    }

    fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Credentials, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Credentials::None) };
        let (scheme, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(Problem::bad_credentials)?;
        if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("token") {
            return Err(Problem::bad_credentials());
        }
        if secret.starts_with("ghs_") || secret.matches('.').count() != 2 {
            return self.ledger.open(secret, now).map(Credentials::Token).ok_or_else(Problem::bad_credentials);
        }
        self.jwts.judge(&read(&self.world), secret, now).map(Credentials::App)
    }

    fn answer_token(&self, token: &Arc<TokenRecord>, route: &Route<'_>, request: &Request, now: Timestamp) -> Answer {
        if *route == Route::Revoke {
            token.revoke();
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        let quota = {
            let world = read(&self.world);
            let installation = installation_of(&world, token)?;
            Arc::clone(&installation.quota)
        };
        if *route == Route::RateLimit {
            return Ok(super::limits::rate_limit(quota.left(now)));
        }
        if quota.left(now).remaining() == 0 {
            return Ok(quota.left(now).onto(Problem::exhausted(token.installation.0).reply()));
        }
        let reply = self.serve_token(token, route, request, now).unwrap_or_else(|problem| problem.reply());
        let reply = self.conditional(reply, request, Some(token));
        let left = if reply.status == StatusCode::NOT_MODIFIED { quota.left(now) } else { quota.charge(now) };
        Ok(left.onto(reply))
    }

    fn serve_token(&self, token: &TokenRecord, route: &Route<'_>, request: &Request, now: Timestamp) -> Answer {
        match route {
            Route::VisibleRepositories => self.visible_repositories(token, request),
            Route::Of(named, within) => self.within(Some(token), *named, within, request, now),
            _ => Err(Problem::not_found()),
        }
    }

    /// What the public sees without credentials.
    fn answer_anyone(&self, route: &Route<'_>, request: &Request) -> Answer {
        match route {
            Route::Of(named, within) if !within.needs().1 => {
                let reply = self.within(None, *named, within, request, self.settings.clock.now())?;
                Ok(self.conditional(reply, request, None))
            }
            Route::Convert(code) => self.convert(code),
            _ => Err(Problem::requires_authentication()),
        }
    }

    /// Gives an answer its `ETag`, and 304 to whoever has it already.
    fn conditional(&self, reply: Reply, request: &Request, token: Option<&Arc<TokenRecord>>) -> Reply {
        if request.method != Method::GET || reply.status != StatusCode::OK {
            return reply;
        }
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&reply.body);
        if let Some(token) = token.filter(|_| self.settings.etag_per_token) {
            context.update(token.token.as_bytes());
        }
        let hash = hex(context.finish().as_ref());
        let known = request.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(&hash));
        let etag = format!("W/\"{hash}\"");
        let reply = if known { Reply::empty(StatusCode::NOT_MODIFIED) } else { reply };
        reply.with_text("etag", &etag).with(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60, s-maxage=60"))
    }

    /// What every answer of GitHub carries.
    fn stamped(&self, reply: Reply, request: &HeaderMap, now: Timestamp) -> Reply {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let version = request.get("x-github-api-version").and_then(|version| version.to_str().ok());
        reply
            .with(header::DATE, self.date(now))
            .with(header::SERVER, HeaderValue::from_static("github.com"))
            .with_text("x-github-request-id", &format!("5A4D:{:04X}:{number:08X}:{:08X}", number >> 32, now.as_second()))
            .with_text("x-github-media-type", "github.v3; format=json")
            .with_text("x-github-api-version-selected", version.unwrap_or(VERSIONS[0]))
    }

    fn date(&self, now: Timestamp) -> HeaderValue {
        let mut date = lock(&self.date);
        if date.0 != now.as_second() || date.1.is_none() {
            let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            *date = (now.as_second(), HeaderValue::from_str(&text).ok());
        }
        date.1.clone().unwrap_or_else(|| HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
    }
}

/// The installation that a token is of, unless it is gone or suspended.
pub(crate) fn installation_of<'a>(world: &'a World, token: &TokenRecord) -> Result<&'a InstallationRecord, Problem> {
    let installation = world.installations.get(&token.installation).ok_or_else(Problem::bad_credentials)?;
    if installation.suspended_at.is_some() { Err(Problem::suspended()) } else { Ok(installation) }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    match headers.get("x-github-api-version") {
        Some(version) if !VERSIONS.iter().any(|known| version == known) => {
            let text = format!("API version `{}` is not supported.", version.to_str().unwrap_or_default());
            Err(Problem::new(StatusCode::GONE, text))
        }
        _ => Ok(()),
    }
}
