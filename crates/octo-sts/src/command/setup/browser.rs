//! The page on this machine that sends a person to GitHub, and takes the code that GitHub sends back.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use octo_sts_types::Owner;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot};
use url::form_urlencoded;
use uuid::Uuid;

use super::manifest::GitHubHost;

/// What GitHub's codes are made of, and the longest one that is taken.
const LONGEST_CODE: usize = 128;

/// The form that a person submits to GitHub.
pub(crate) struct Form {
    page: String,
    policy: HeaderValue,
    state: String,
    host: String,
}

impl Form {
    pub(crate) fn new(github: &GitHubHost, owner: Option<&Owner>, manifest: &Value, address: SocketAddr) -> anyhow::Result<Self> {
        // Nobody but GitHub's answer to this form knows it.
        let state = Uuid::new_v4().simple().to_string();
        let action = github.registration(owner, &state)?;
        let name = manifest["name"].as_str().unwrap_or_default().to_owned();
        let page = include_str!("page.html")
            .replace("{action}", &escaped(action.as_str()))
            .replace("{name}", &escaped(&name))
            .replace("{github}", &escaped(github.pages()))
            .replace("{manifest}", &escaped(&manifest.to_string()));
        let policy = format!("default-src 'none'; form-action {}; base-uri 'none'; frame-ancestors 'none'", github.pages());
        Ok(Self { page, policy: HeaderValue::try_from(policy).context("--github")?, state, host: address.to_string() })
    }
}

/// Text inside an element or an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// Serves the form until GitHub has sent the browser back with a code.
pub(crate) async fn code(listener: TcpListener, form: Form, patience: Duration) -> anyhow::Result<String> {
    let (sender, receiver) = oneshot::channel();
    let desk = Arc::new(Desk { form, sender: Mutex::new(Some(sender)) });
    let serving = tokio::spawn(serve(listener, desk));
    let code = tokio::time::timeout(patience, receiver).await;
    // The browser gets its last page before nobody listens any more.
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.abort();
    code.map_err(|_| anyhow!("nobody registered the App within {} minutes", patience.as_secs() / 60))?.context("the page on this machine ended")
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    // A connection that cannot be taken is the browser's to repeat.
    while let Ok((stream, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        let service = service_fn(move |request| {
            let answer = desk.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service));
    }
}

struct Desk {
    form: Form,
    sender: Mutex<Option<oneshot::Sender<String>>>,
}

impl Desk {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        // Another name for this machine is another site, which has no business here (DNS rebinding).
        if request.headers().get(header::HOST).is_none_or(|host| host.as_bytes() != self.form.host.as_bytes()) {
            return self.page(StatusCode::MISDIRECTED_REQUEST, "<p>Open the address that the command printed.</p>");
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/") => self.page(StatusCode::OK, &self.form.page),
            (&Method::GET, "/registered") if self.taken(request.uri().query().unwrap_or_default()) => {
                self.page(StatusCode::OK, "<h1>Registered</h1><p>Go back to the terminal: the rest is there.</p>")
            }
            (&Method::GET, "/registered") => {
                self.page(StatusCode::BAD_REQUEST, "<p>This is not the answer to the form of this page. <a href=\"/\">Begin again.</a></p>")
            }
            _ => self.page(StatusCode::NOT_FOUND, "<p>There is nothing here. <a href=\"/\">The form</a></p>"),
        }
    }

    /// Takes a code that GitHub sends for this very form, once.
    fn taken(&self, query: &str) -> bool {
        let field = |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        let (Some(code), Some(state)) = (field("code"), field("state")) else { return false };
        let plain = !code.is_empty() && code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !plain || state != self.form.state {
            return false;
        }
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.is_some_and(|sender| sender.send(code).is_ok())
    }

    fn page(&self, status: StatusCode, body: &str) -> Response<Full<Bytes>> {
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><title>Octo STS</title>{body}</html>"
        );
        let mut response = Response::new(Full::from(page));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.form.policy.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn desk() -> (Desk, oneshot::Receiver<String>) {
        let github = GitHubHost::parse("https://github.com").unwrap();
        let form = Form::new(&github, None, &json!({"name": "<b>\"'&"}), "127.0.0.1:1".parse().unwrap()).unwrap();
        let (sender, receiver) = oneshot::channel();
        (Desk { form, sender: Mutex::new(Some(sender)) }, receiver)
    }

    #[test]
    fn only_the_answer_to_this_form_is_taken_and_once() {
        let (desk, mut receiver) = desk();
        let state = desk.form.state.clone();
        for query in ["", "code=abc", "code=abc&state=", "code=abc&state=other", &format!("state={state}"), &format!("code=..%2Fuser&state={state}")]
        {
            assert!(!desk.taken(query), "Input: {query}");
        }
        assert!(receiver.try_recv().is_err());
        assert!(desk.taken(&format!("code=abc&state={state}")));
        assert_eq!(receiver.try_recv().unwrap(), "abc");
        assert!(!desk.taken(&format!("code=abc&state={state}")));
    }

    #[test]
    fn nothing_in_a_manifest_is_markup() {
        let (desk, _receiver) = desk();
        assert!(!desk.form.page.contains("<b>"), "{}", desk.form.page);
        assert!(desk.form.page.contains("&lt;b&gt;"), "{}", desk.form.page);
    }
}
