//! The least that a warm exchange costs: one request in, one signature verified, one or two calls to GitHub, one answer.
//!
//! It is started in the service's place, with the service's variables, so that both are measured in one run: what the
//! machine and its neighbours do to one they do to the other, and the ratio of both stands. It checks nothing that makes
//! an exchange safe, and is for nothing else.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock, and is not the service")]

use std::{env, fs, sync::Arc, time::SystemTime};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::{rand::SystemRandom, rsa, signature};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

/// The policy that is asked about.
const POLICY: &str = "/repos/acme/app/contents/.github/chainguard/ci.sts.yaml";

struct Floor {
    http: reqwest::Client,
    github: String,
    authorization: String,
    key: signature::ParsedPublicKey,
    mint: String,
    /// The reader's authorization and the version of the policy, where each exchange asks for it.
    read: Option<(String, String)>,
}

#[derive(Deserialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    exp: u64,
}

#[derive(Deserialize)]
struct Minted<'a> {
    token: &'a str,
    expires_at: &'a str,
}

#[tokio::main]
async fn main() -> Result<()> {
    let floor = Arc::new(Floor::prepare().await?);
    let port: u16 = variable("PORT")?.parse()?;
    let router = Router::new().route("/sts/exchange", get(exchange)).route("/readyz", get(|| async { "" })).with_state(floor);
    axum::serve(tokio::net::TcpListener::bind(("127.0.0.1", port)).await?, router).await?;
    Ok(())
}

async fn exchange(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> Result<String, StatusCode> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
    floor.verify(bearer).ok_or(StatusCode::UNAUTHORIZED)?;
    let (minted, same) = match &floor.read {
        Some((authorization, etag)) => tokio::join!(floor.mint(), floor.is_same(authorization, etag)),
        None => (floor.mint().await, Ok(true)),
    };
    let body = minted.map_err(|_| StatusCode::BAD_GATEWAY)?;
    if !same.map_err(|_| StatusCode::BAD_GATEWAY)? {
        return Err(StatusCode::CONFLICT);
    }
    let minted: Minted<'_> = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(format!(r#"{{"token":"{}","refreshToken":"","expiry":"{}"}}"#, minted.token, minted.expires_at))
}

impl Floor {
    async fn prepare() -> Result<Self> {
        let github = variable("GITHUB_BASE_URL")?;
        let http = reqwest::Client::builder().user_agent("floor").build()?;
        let mut floor = Self {
            authorization: format!("Bearer {}", app_jwt()?),
            key: issuer_key(&http, &variable("STS_PREFETCH_ISSUERS")?).await?,
            mint: String::new(),
            read: None,
            http,
            github: github.trim_end_matches('/').to_owned(),
        };
        let installation: Value = floor.json("/repos/acme/app/installation").await?;
        floor.mint = format!("{}/app/installations/{}/access_tokens", floor.github, installation["id"]);
        if env::var("FLOOR_CALLS").as_deref() != Ok("1") {
            floor.read = Some(floor.reader().await?);
        }
        Ok(floor)
    }

    /// A token that reads the policy, and the version of the policy.
    async fn reader(&self) -> Result<(String, String)> {
        let body = self.mint().await?;
        let authorization = format!("Bearer {}", serde_json::from_slice::<Minted<'_>>(&body)?.token);
        let answer = self.http.get(format!("{}{POLICY}", self.github)).header(header::AUTHORIZATION, &authorization).send().await?;
        let etag = answer.error_for_status()?.headers().get(header::ETAG).context("the policy has no version")?.to_str()?.to_owned();
        Ok((authorization, etag))
    }

    fn verify(&self, bearer: &str) -> Option<()> {
        let (input, signature) = bearer.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.key.verify_sig(input.as_bytes(), &signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(input.split_once('.')?.1).ok()?;
        let claims: Claims<'_> = serde_json::from_slice(&claims).ok()?;
        (claims.exp > now().ok()? && !claims.iss.is_empty() && !claims.sub.is_empty()).then_some(())
    }

    async fn mint(&self) -> Result<bytes::Bytes, reqwest::Error> {
        let order = r#"{"repositories":["app"],"permissions":{"contents":"read"}}"#;
        let call = self.http.post(&self.mint).header(header::AUTHORIZATION, &self.authorization);
        call.header(header::CONTENT_TYPE, "application/json").body(order).send().await?.error_for_status()?.bytes().await
    }

    async fn is_same(&self, authorization: &str, etag: &str) -> Result<bool, reqwest::Error> {
        let call = self.http.get(format!("{}{POLICY}", self.github)).header(header::AUTHORIZATION, authorization);
        Ok(call.header(header::IF_NONE_MATCH, etag).send().await?.status() == StatusCode::NOT_MODIFIED)
    }

    async fn json(&self, path: &str) -> Result<Value> {
        let call = self.http.get(format!("{}{path}", self.github)).header(header::AUTHORIZATION, &self.authorization);
        Ok(serde_json::from_slice(&call.send().await?.error_for_status()?.bytes().await?)?)
    }
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())
}

/// A JWT that lives as long as a measurement.
fn app_jwt() -> Result<String> {
    let key = pem::parse(fs::read(variable("APP_SECRET_CERTIFICATE_FILE")?)?)?;
    let key = rsa::KeyPair::from_der(key.contents()).or_else(|_| rsa::KeyPair::from_pkcs8(key.contents()))?;
    let claims = json!({"iat": now()? - 60, "exp": now()? + 500, "iss": variable("GITHUB_APP_IDS")?});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&json!({"alg": "RS256", "typ": "JWT"})), encode(&claims));
    let mut signed = vec![0; key.public_modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signed)?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signed)))
}

/// The RSA key of an issuer that has one.
async fn issuer_key(http: &reqwest::Client, issuer: &str) -> Result<signature::ParsedPublicKey> {
    let fetch = async |url: &str| -> Result<Value> { Ok(serde_json::from_slice(&http.get(url).send().await?.bytes().await?)?) };
    let discovery = fetch(&format!("{issuer}/.well-known/openid-configuration")).await?;
    let keys = fetch(discovery["jwks_uri"].as_str().context("the issuer names no keys")?).await?;
    let key = keys["keys"].as_array().into_iter().flatten().find(|key| key["kty"] == "RSA").context("the issuer has no RSA key")?;
    let number = |name: &str| -> Result<Vec<u8>> { Ok(URL_SAFE_NO_PAD.decode(key[name].as_str().context("an odd key")?)?) };
    let key = rsa::PublicKeyComponents { n: number("n")?, e: number("e")? };
    let key: Result<signature::ParsedPublicKey, _> = key.to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256);
    ensure!(key.is_ok(), "the issuer's RSA key is not usable");
    Ok(key?)
}
