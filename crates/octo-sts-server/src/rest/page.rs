//! What a person sees who opens the service in a browser, and what that page fetches.

use std::{fmt::Write as _, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use octo_sts_page::{FILES, File, PAGE};
use octo_sts_policy::OrgPermissions;
use octo_sts_types::RepositoryName;
use serde_json::json;

use crate::{config::Config, reply::Reply};

/// Where the page's files are: `/page/VERSION/NAME`.
const FOLDER: &str = "page";
/// The page runs its own scripts and talks to its own origin, and nothing else can be made to happen in it.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The version of the files, from their content: whatever has this in its URL never changes.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let parts: Vec<_> = FILES.iter().flat_map(|file| [digest(&SHA256, file.name.as_bytes()), digest(&SHA256, file.bytes)]).collect();
    let all: Vec<u8> = parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect();
    digest(&SHA256, &all).as_ref()[..12].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
});

/// The page of one service.
#[derive(Clone, Debug)]
pub(crate) struct Page(Bytes);

impl Page {
    pub(crate) fn new(config: &Config) -> Self {
        Self::of(&config.domain, &config.default_audiences, &config.policy_repository, config.org_permissions)
    }

    /// The page says what the service would decide, so it knows the settings that count for that. Callers find them out by asking.
    pub(crate) fn of(domain: &str, audiences: &[String], policy_repository: &RepositoryName, org_permissions: OrgPermissions) -> Self {
        let org_permissions = match org_permissions {
            OrgPermissions::Deny => "deny",
            OrgPermissions::Read => "read",
            OrgPermissions::Allow => "allow",
        };
        let service = json!({
            "domain": domain,
            "audiences": audiences,
            "policy_repository": policy_repository.to_string(),
            "org_permissions": org_permissions,
        });
        let files = format!("{FOLDER}/{}", *VERSION);
        let page = PAGE.replace("{files}", &files).replace("{domain}", &escaped(domain)).replace("{service}", &escaped(&service.to_string()));
        Self(page.into())
    }

    pub(super) fn answer(&self) -> Response<Reply> {
        let mut response = answer(StatusCode::OK, self.0.clone(), HeaderValue::from_static("text/html; charset=utf-8"));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
        response
    }
}

/// The file at a path.
pub(super) fn find(path: &str) -> Option<&'static File> {
    let (version, name) = path.strip_prefix('/')?.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
    FILES.iter().find(|file| file.name == name && version == *VERSION)
}

/// A file, in the coding that the client reads; or that the copy he has is the one.
pub(super) fn file(file: &'static File, asked: &HeaderMap) -> Response<Reply> {
    let brotli = file.brotli.filter(|_| reads_brotli(asked));
    let tag = format!("\"{}{}\"", *VERSION, if brotli.is_some() { "-br" } else { "" });
    let current = values(asked, header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let (status, bytes) = if current { (StatusCode::NOT_MODIFIED, &[][..]) } else { (StatusCode::OK, brotli.unwrap_or(file.bytes)) };
    let mut response = answer(status, Bytes::from_static(bytes), HeaderValue::from_static(file.media_type));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, FOR_A_YEAR);
    if file.brotli.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if brotli.is_some() && !current {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn answer(status: StatusCode, bytes: Bytes, media_type: HeaderValue) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Whether a client reads HTML, and would not rather have JSON (RFC 9110 §12.5.1). Ranges such as `*/*` ask for nothing in particular.
pub(super) fn is_wanted(asked: &HeaderMap) -> bool {
    let [html, json] = ["text/html", "application/json"].map(|name| weight(asked, header::ACCEPT, name).unwrap_or(0.0));
    html > 0.0 && html >= json
}

fn reads_brotli(asked: &HeaderMap) -> bool {
    weight(asked, header::ACCEPT_ENCODING, "br").is_some_and(|weight| weight > 0.0)
}

/// The weight of a word among the values of a header, 1 where it has none (RFC 9110 §12.4.2).
fn weight(asked: &HeaderMap, header: header::HeaderName, name: &str) -> Option<f32> {
    values(asked, header).find_map(|value| {
        let mut parts = value.split(';').map(str::trim);
        parts.next().filter(|word| word.eq_ignore_ascii_case(name))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    })
}

/// The values of a header that is a list.
fn values(asked: &HeaderMap, header: header::HeaderName) -> impl Iterator<Item = &str> {
    asked.get_all(header).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// Text as it stands in HTML, also between quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_page_is_for_those_who_read_html_rather_than_json() {
        for (accept, wanted) in [
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"][..], true),
            (&["text/html,*/*;q=0.8"], true),
            (&["application/xml", "Text/HTML ; level=1; q=0.5"], true),
            (&["application/json, text/html"], true),
            (&["application/json, text/html;q=0.9"], false),
            (&["text/html;q=0"], false),
            (&["text/html;q=0.000, */*"], false),
            (&["text/html;q=nonsense"], false),
            (&["*/*"], false),
            (&["text/*"], false),
            (&["text/htmlx, x-text/html"], false),
            (&["application/json;profile=text/html"], false),
            (&[""], false),
            (&[], false),
        ] {
            assert_eq!(is_wanted(&asked(&header::ACCEPT, accept)), wanted, "Input: {accept:?}");
        }
    }

    #[test]
    fn brotli_is_for_those_who_say_they_read_it() {
        for (accept, reads) in [
            (&["gzip, deflate, br, zstd"][..], true),
            (&["gzip", "BR;q=0.1"], true),
            (&["br;q=0"], false),
            (&["gzip"], false),
            (&["brotli"], false),
            (&["*"], false),
            (&[], false),
        ] {
            assert_eq!(reads_brotli(&asked(&header::ACCEPT_ENCODING, accept)), reads, "Input: {accept:?}");
        }
    }

    /// T-104
    #[test]
    fn settings_stand_in_the_page_as_text() {
        let hostile = r#""><script>alert('1')</script>&{files}"#;
        let Page(page) = Page::of("sts.example.com", &[hostile.to_owned()], &".github".parse().unwrap(), OrgPermissions::Read);
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;{files}"), "{page}");
        for placeholder in ["{domain}", "{service}", "src=\"{files}"] {
            assert!(!page.contains(placeholder), "{placeholder}");
        }
    }

    #[test]
    fn only_the_current_version_of_a_file_is_found() {
        let name = |name: &str| format!("/page/{}/{name}", *VERSION);
        assert_eq!(find(&name("page.js")).map(|file| file.name), Some("page.js"));
        for path in [
            &name("absent.js"),
            &name(""),
            &name("../page.js"),
            &name("page.js/"),
            "/page/page.js",
            "/page//page.js",
            "/page/0/page.js",
            "/pages/0/page.js",
            "page",
        ] {
            assert!(find(path).is_none(), "Input: {path}");
        }
    }
}
