//! Where GitHub's API is, and the address of each call.

use std::fmt::Write as _;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use octo_sts_types::{CommitId, InstallationId, Owner, Repository};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What needs no encoding inside a path segment: the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a URL cannot be the base of GitHub's API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the base of GitHub's API is an `http` or `https` URL without user, query and fragment, for instance `https://api.github.com` or `https://HOST/api/v3`"
)]
pub struct InvalidBaseUrl;

/// The base of GitHub's API, taken apart once, so that no call parses a whole URL.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    /// `/api/v3` on GitHub Enterprise Server, else empty.
    prefix: String,
}

impl Endpoint {
    pub(crate) fn new(base: &Url) -> Result<Self, InvalidBaseUrl> {
        let plain = base.username().is_empty() && base.password().is_none() && base.query().is_none() && base.fragment().is_none();
        if !plain || !matches!(base.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl);
        }
        let parts = base.as_str().parse::<Uri>().map_err(|_| InvalidBaseUrl)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(InvalidBaseUrl) };
        Ok(Self { scheme, authority, prefix: base.path().trim_end_matches('/').to_owned() })
    }

    /// `GET /app`
    pub(crate) fn app(&self) -> Result<Uri, http::Error> {
        self.uri(format!("{}/app", self.prefix))
    }

    /// `GET /app/hook/config`
    pub(crate) fn hook(&self) -> Result<Uri, http::Error> {
        self.uri(format!("{}/app/hook/config", self.prefix))
    }

    /// `GET /app/hook/deliveries`, the latest `most`.
    pub(crate) fn deliveries(&self, most: u8) -> Result<Uri, http::Error> {
        self.uri(format!("{}/app/hook/deliveries?per_page={most}", self.prefix))
    }

    /// `GET /repos/{owner}/{repo}/installation`
    pub(crate) fn repository_installation(&self, repository: &Repository) -> Result<Uri, http::Error> {
        self.uri(format!("{}/repos/{}/{}/installation", self.prefix, repository.owner, repository.name))
    }

    /// `GET /orgs/{org}/installation`
    pub(crate) fn organisation_installation(&self, owner: &Owner) -> Result<Uri, http::Error> {
        self.uri(format!("{}/orgs/{owner}/installation", self.prefix))
    }

    /// `GET /users/{username}/installation`
    pub(crate) fn user_installation(&self, owner: &Owner) -> Result<Uri, http::Error> {
        self.uri(format!("{}/users/{owner}/installation", self.prefix))
    }

    /// `POST /app/installations/{installation_id}/access_tokens`
    pub(crate) fn access_tokens(&self, installation: InstallationId) -> Result<Uri, http::Error> {
        self.uri(format!("{}/app/installations/{installation}/access_tokens", self.prefix))
    }

    /// `DELETE /installation/token`
    pub(crate) fn token(&self) -> Result<Uri, http::Error> {
        self.uri(format!("{}/installation/token", self.prefix))
    }

    /// `GET /repos/{owner}/{repo}/contents/{path}` on the default branch; `None` for a path that no git tree can have.
    ///
    /// A `.` or `..` segment never goes into an address, where it would lead to another call.
    pub(crate) fn contents(&self, repository: &Repository, path: &str) -> Option<Result<Uri, http::Error>> {
        Some(self.within(repository, &contents_path(path)?))
    }

    /// The same in the state of a commit.
    pub(crate) fn contents_at(&self, repository: &Repository, path: &str, commit: &CommitId) -> Option<Result<Uri, http::Error>> {
        Some(self.within(repository, &format!("{}?ref={commit}", contents_path(path)?)))
    }

    /// An address below `/repos/{owner}/{repo}/`. `rest` is made of words of the API, numbers, commit ids and encoded paths.
    pub(crate) fn within(&self, repository: &Repository, rest: &str) -> Result<Uri, http::Error> {
        self.uri(format!("{}/repos/{}/{}/{rest}", self.prefix, repository.owner, repository.name))
    }

    fn uri(&self, path: String) -> Result<Uri, http::Error> {
        let path = PathAndQuery::from_maybe_shared(Bytes::from(path))?;
        Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path).build()
    }
}

/// `contents/…`, encoded by segment.
fn contents_path(path: &str) -> Option<String> {
    if path.split('/').any(|segment| matches!(segment, "" | "." | ".." | ".git")) || path.contains('\0') {
        return None;
    }
    let mut text = String::with_capacity("contents/".len() + path.len());
    text.push_str("contents");
    for segment in path.split('/') {
        // Writing to a `String` does not fail.
        let _ = write!(text, "/{}", utf8_percent_encode(segment, SEGMENT));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Endpoint {
        Endpoint::new(&base.parse().unwrap()).unwrap()
    }

    fn repository() -> Repository {
        "acme/.github".parse().unwrap()
    }

    /// T-134
    #[test]
    fn a_path_prefix_stays_before_every_call() {
        for (base, expected) in [
            ("https://api.github.com", "https://api.github.com/app"),
            ("https://api.github.com/", "https://api.github.com/app"),
            ("https://ghe.example/api/v3", "https://ghe.example/api/v3/app"),
            ("https://ghe.example:8443/api/v3/", "https://ghe.example:8443/api/v3/app"),
            ("http://[::1]:8080", "http://[::1]:8080/app"),
        ] {
            assert_eq!(endpoint(base).app().unwrap().to_string(), expected, "Input: {base}");
        }
        let ghe = endpoint("https://ghe.example/api/v3");
        assert_eq!(ghe.token().unwrap().path(), "/api/v3/installation/token");
        assert_eq!(ghe.access_tokens(InstallationId(7)).unwrap().path(), "/api/v3/app/installations/7/access_tokens");
        assert_eq!(ghe.repository_installation(&repository()).unwrap().path(), "/api/v3/repos/acme/.github/installation");
    }

    #[test]
    fn other_urls_are_no_base() {
        for base in ["ftp://api.github.com", "https://user@api.github.com", "https://api.github.com/?x=1", "https://api.github.com/#x", "data:x"] {
            assert_eq!(Endpoint::new(&base.parse().unwrap()).unwrap_err(), InvalidBaseUrl, "Input: {base}");
        }
    }

    /// T-062
    #[test]
    fn a_path_is_encoded_by_segment() {
        let github = endpoint("https://api.github.com");
        let path = |path: &str| github.contents(&repository(), path).map(|uri| uri.unwrap().path_and_query().unwrap().to_string());
        let base = "/repos/acme/.github/contents/";
        assert_eq!(path(".github/chainguard/ci.sts.yaml"), Some(format!("{base}.github/chainguard/ci.sts.yaml")));
        assert_eq!(path("a b/ü?x#y%2e"), Some(format!("{base}a%20b/%C3%BC%3Fx%23y%252e")));
        assert_eq!(path("%2e%2e/x"), Some(format!("{base}%252e%252e/x")));
        let commit = "1".repeat(40).parse().unwrap();
        let at = github.contents_at(&repository(), "a?b", &commit).unwrap().unwrap();
        assert_eq!(at.path_and_query().unwrap().as_str(), format!("{base}a%3Fb?ref={commit}"));
        for hostile in ["", "..", "a/../b", "./a", "/a", "a/", "a//b", ".git/config", "a\0"] {
            assert_eq!(path(hostile), None, "Input: {hostile:?}");
        }
    }
}
