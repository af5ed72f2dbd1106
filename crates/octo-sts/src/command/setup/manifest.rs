//! The manifest of the App, as GitHub documents it, and where GitHub is.

use anyhow::{anyhow, bail};
use octo_sts_types::{Level, Permission, Permissions, Printable};
use serde_json::{Value, json};
use url::Url;

/// The events that the webhook handles; GitHub sends those about installations to every App.
const EVENTS: [&str; 5] = ["check_run", "check_suite", "pull_request", "push", "repository"];
/// What the service itself needs: to read policies, and to report on those in pull requests.
const NEEDED: [(&str, &str); 4] = [("checks", "write"), ("contents", "read"), ("metadata", "read"), ("pull_requests", "read")];
/// GitHub's bound on the name of an App, in characters.
const LONGEST_NAME: usize = 34;

/// A permission that policies may grant.
pub(crate) type Asked = (Permission, Level);

/// Reads `issues=write`.
pub(crate) fn permission(text: &str) -> Result<Asked, String> {
    let (name, level) = text.split_once('=').ok_or_else(|| format!("`{}`: write NAME=LEVEL, such as `issues=write`", Printable(text)))?;
    let unknown = |error| format!("`{}`: {error}; `octo-sts policy schema` lists them all", Printable(name));
    let permission: Permission = name.parse().map_err(unknown)?;
    let levels = permission.levels();
    let known = levels.iter().find(|known| known.as_str() == level);
    let other = || {
        let levels: Vec<_> = levels.iter().map(|level| level.as_str()).collect();
        format!("`{permission}` has no level `{}`: write {}", Printable(level), levels.join(" or "))
    };
    known.map(|level| (permission, *level)).ok_or_else(other)
}

/// What is asked for and what the service needs, the higher level of each.
pub(crate) fn permissions(asked: &[Asked]) -> anyhow::Result<Permissions> {
    let mut all: Vec<Asked> = asked.to_vec();
    for (name, level) in NEEDED {
        all.push((name.parse()?, level.parse()?));
    }
    all.sort();
    // Of each name the highest level stands last.
    let highest = all.iter().enumerate().filter(|(at, (name, _))| all.get(at + 1).is_none_or(|(next, _)| next != name));
    Ok(Permissions::new(highest.map(|(_, asked)| *asked).collect::<Vec<_>>())?)
}

/// A manifest that GitHub takes.
#[derive(Debug)]
pub(crate) struct Manifest {
    name: String,
    domain: String,
    public: bool,
    permissions: Permissions,
    back: String,
}

impl Manifest {
    /// `back`: where GitHub sends the browser with the code.
    pub(crate) fn new(name: String, domain: &str, public: bool, permissions: Permissions, back: &str) -> anyhow::Result<Self> {
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            bail!("--name: GitHub takes 1 to {LONGEST_NAME} characters, and `{}` has {}", Printable(&name), name.chars().count());
        }
        // What a URL takes for its host, and nothing beside it.
        let host =
            Url::parse(&format!("https://{domain}/")).ok().filter(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
        if host.is_none() || domain.contains(['/', '@', '?', '#', '\\']) {
            bail!("--domain: `{}` is not a host name: write one such as `sts.example.com`", Printable(domain));
        }
        Ok(Self { name, domain: domain.to_owned(), public, permissions, back: back.to_owned() })
    }

    pub(crate) fn json(&self) -> Value {
        let permissions: serde_json::Map<String, Value> =
            self.permissions.iter().map(|(name, level)| (name.name().to_owned(), level.as_str().into())).collect();
        json!({
            "name": self.name,
            "url": format!("https://{}", self.domain),
            "description": "Exchanges OIDC tokens for short-lived GitHub tokens, as trust policies in the repositories allow.",
            "public": self.public,
            "redirect_url": self.back,
            "hook_attributes": {"url": format!("https://{}/webhook", self.domain), "active": true},
            "default_events": EVENTS,
            "default_permissions": permissions,
        })
    }
}

/// Where GitHub's pages are, and its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitHubHost {
    pages: String,
}

impl GitHubHost {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || !bare {
            return Err("write an https URL with nothing behind the host, such as `https://github.example.com`".to_owned());
        }
        Ok(Self { pages: url.origin().ascii_serialization() })
    }

    /// `https://github.com`, without a slash at its end.
    pub(crate) fn pages(&self) -> &str {
        &self.pages
    }

    /// The base of the API that belongs to these pages (GitHub's documentation on github.com, GHE.com and Enterprise Server).
    pub(crate) fn api(&self) -> String {
        match self.pages.strip_prefix("https://") {
            Some("github.com") => "https://api.github.com".to_owned(),
            Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{}/api/v3", self.pages),
        }
    }

    /// Whether this is github.com, whose API the service uses by itself.
    pub(crate) fn is_usual(&self) -> bool {
        self.pages == "https://github.com"
    }

    /// Where a manifest is posted to.
    pub(crate) fn registration(&self, owner: Option<&octo_sts_types::Owner>, state: &str) -> anyhow::Result<Url> {
        let path = owner.map_or_else(|| "/settings/apps/new".to_owned(), |owner| format!("/organizations/{owner}/settings/apps/new"));
        let mut url = Url::parse(&self.pages).map_err(|error| anyhow!(error))?;
        url.set_path(&path);
        url.query_pairs_mut().append_pair("state", state);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_needs_is_asked_for_and_the_higher_level_counts() {
        let asked = [permission("issues=write").unwrap(), permission("contents=write").unwrap(), permission("checks=read").unwrap()];
        let all: Vec<_> = permissions(&asked).unwrap().iter().map(|(name, level)| format!("{name}={level}")).collect();
        assert_eq!(all, ["checks=write", "contents=write", "issues=write", "metadata=read", "pull_requests=read"]);
    }

    #[test]
    fn a_permission_that_github_has_not_is_refused_with_what_to_write() {
        for (text, told) in [
            ("issues", "write NAME=LEVEL"),
            ("issue=write", "policy schema"),
            ("issues=wirte", "write"),
            ("workflows=read", "write"),
            ("=", "policy schema"),
        ] {
            let error = permission(text).unwrap_err();
            assert!(error.contains(told), "Input: {text}: {error}");
        }
    }

    #[test]
    fn names_that_github_or_a_url_cannot_take_are_refused() {
        let with =
            |name: &str, domain: &str| Manifest::new(name.to_owned(), domain, false, permissions(&[]).unwrap(), "http://127.0.0.1:1/registered");
        assert!(with("octo-sts", "sts.example.com").is_ok());
        assert!(with("", "sts.example.com").is_err());
        assert!(with(&"x".repeat(35), "sts.example.com").is_err());
        for domain in ["", "https://sts.example.com", "sts.example.com/x", "a@b", "a b", "sts.example.com?x"] {
            assert!(with("octo-sts", domain).is_err(), "Input: {domain}");
        }
    }

    #[test]
    fn every_github_has_its_api_where_it_says() {
        for (pages, api) in [
            ("https://github.com", "https://api.github.com"),
            ("https://github.com/", "https://api.github.com"),
            ("https://acme.ghe.com", "https://api.acme.ghe.com"),
            ("https://github.example.com", "https://github.example.com/api/v3"),
            ("https://github.example.com:8443", "https://github.example.com:8443/api/v3"),
        ] {
            assert_eq!(GitHubHost::parse(pages).unwrap().api(), api, "Input: {pages}");
        }
        for text in ["http://github.com", "github.com", "https://github.com/acme", "https://a@github.com", "https://github.com/?x", "ftp://x"] {
            assert!(GitHubHost::parse(text).is_err(), "Input: {text}");
        }
    }

    #[test]
    fn a_manifest_is_posted_to_its_owner() {
        let github = GitHubHost::parse("https://github.com").unwrap();
        let owner = "acme".parse().unwrap();
        assert_eq!(github.registration(Some(&owner), "s").unwrap().as_str(), "https://github.com/organizations/acme/settings/apps/new?state=s");
        assert_eq!(github.registration(None, "s").unwrap().as_str(), "https://github.com/settings/apps/new?state=s");
    }
}
