//! What a token is asked for, as OAuth clients write it: `resource`, `audience`, `scope`, `identity`.

use octo_sts_types::Printable;

use super::{Refused, Word};

/// The scope and the identity of an exchange.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) scope: String,
    pub(super) identity: String,
}

/// What the names of a request are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// The service's public name.
    pub(super) domain: &'a str,
    /// Where people see GitHub's repositories.
    pub(super) github_host: &'a str,
}

/// How a scope token names an identity.
const IDENTITY: &str = "identity:";
/// Where most repositories are seen.
const GITHUB: &str = "github.com";

impl Target {
    /// Reads the parameters. The same thing may be said in several places; different things may not.
    ///
    /// | Parameter | Value |
    /// |---|---|
    /// | `resource`, `audience` | `https://github.com/OWNER/REPOSITORY`, or `OWNER/REPOSITORY`; an owner alone for an organisation policy |
    /// | `scope` | `OWNER/REPOSITORY` and `identity:NAME`, with a space between them |
    /// | `identity` | `NAME` |
    ///
    /// An `audience` that is this service itself says nothing.
    pub(super) fn read(pairs: &[(String, String)], names: Names<'_>) -> Result<Self, Refused> {
        let (mut scope, mut identity) = (Said::new("repository"), Said::new("identity"));
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "resource" => scope.say(repository(value, names)?)?,
                "audience" if !is_service(value, names.domain) => scope.say(repository(value, names)?)?,
                "identity" => identity.say(value)?,
                "scope" => {
                    for token in value.split(' ').filter(|token| !token.is_empty()) {
                        match token.strip_prefix(IDENTITY) {
                            Some(name) => identity.say(name)?,
                            None => scope.say(repository(token, names)?)?,
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Self { scope: scope.into(), identity: identity.into() })
    }
}

/// Something that may be said often, and only in one way. Letter case is not told apart in names of repositories; one
/// spelling is asked for all the same.
struct Said<'a> {
    what: &'a str,
    value: String,
}

impl<'a> Said<'a> {
    fn new(what: &'a str) -> Self {
        Self { what, value: String::new() }
    }

    fn say(&mut self, value: &str) -> Result<(), Refused> {
        if self.value.is_empty() {
            value.clone_into(&mut self.value);
        }
        if self.value == value {
            return Ok(());
        }
        let what = self.what;
        Err(Refused::new(Word::InvalidTarget, format!("the request names more than one {what}: ask for one token at a time")))
    }
}

impl From<Said<'_>> for String {
    fn from(said: Said<'_>) -> Self {
        said.value
    }
}

fn is_service(audience: &str, domain: &str) -> bool {
    let name = audience.strip_prefix("https://").unwrap_or(audience);
    name.strip_suffix('/').unwrap_or(name) == domain
}

/// `OWNER/REPOSITORY` out of itself, or out of its address at this service's GitHub.
fn repository<'a>(text: &'a str, names: Names<'_>) -> Result<&'a str, Refused> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(text) };
    match rest.split_once('/') {
        Some((host, path)) if names.is_github(scheme, host) && !path.is_empty() => Ok(path),
        _ => Err(Refused::new(
            Word::InvalidTarget,
            format!("`{}` is no repository that this service knows: write https://{}/OWNER/REPOSITORY", Printable(text), names.shown_host()),
        )),
    }
}

impl Names<'_> {
    fn is_github(self, scheme: &str, host: &str) -> bool {
        let own = host.eq_ignore_ascii_case(self.github_host);
        let stands_for = self.is_stand_in() && host.eq_ignore_ascii_case(GITHUB);
        (scheme == "https" && (own || stands_for)) || (scheme == "http" && own && self.is_stand_in())
    }

    /// Whether the GitHub is one on this very machine, as a sandbox is. It stands in for github.com, so that what the guides say can be tried.
    fn is_stand_in(self) -> bool {
        let host = url::Url::parse(&format!("http://{}", self.github_host));
        match host.as_ref().map(url::Url::host) {
            Ok(Some(url::Host::Domain(name))) => name == "localhost",
            Ok(Some(url::Host::Ipv4(address))) => address.is_loopback(),
            Ok(Some(url::Host::Ipv6(address))) => address.is_loopback(),
            _ => false,
        }
    }

    fn shown_host(&self) -> &str {
        if self.is_stand_in() { GITHUB } else { self.github_host }
    }
}

/// Where people see the repositories of the GitHub whose API is at this host (and port).
pub(crate) fn github_host(api: &url::Url) -> String {
    let host = api.host_str().unwrap_or_default();
    let port = api.port().map(|port| format!(":{port}")).unwrap_or_default();
    let web = host.strip_prefix("api.").filter(|web| *web == "github.com" || web.ends_with(".ghe.com"));
    format!("{}{port}", web.unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'static> = Names { domain: "sts.example.com", github_host: "github.com" };

    fn read(pairs: &[(&str, &str)]) -> Result<(String, String), Word> {
        let pairs: Vec<_> = pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Target::read(&pairs, NAMES).map(|target| (target.scope, target.identity)).map_err(|refused| refused.word)
    }

    #[test]
    fn every_way_to_name_a_repository_and_an_identity_means_the_same() {
        for pairs in [
            &[("resource", "https://github.com/acme/app"), ("identity", "ci")][..],
            &[("resource", "acme/app"), ("scope", "identity:ci")],
            &[("scope", "acme/app identity:ci")],
            &[("scope", " identity:ci  acme/app ")],
            &[("audience", "https://github.com/acme/app"), ("identity", "ci")],
            &[("audience", "https://sts.example.com/"), ("audience", "sts.example.com"), ("scope", "acme/app"), ("identity", "ci")],
            &[("resource", "acme/app"), ("resource", "https://GitHub.com/acme/app"), ("scope", "acme/app identity:ci"), ("identity", "ci")],
            &[("resource", ""), ("scope", "acme/app"), ("identity", ""), ("identity", "ci"), ("unknown", "x")],
        ] {
            assert_eq!(read(pairs), Ok(("acme/app".into(), "ci".into())), "Input: {pairs:?}");
        }
        assert_eq!(read(&[]), Ok((String::new(), String::new())));
    }

    /// T-052, T-035
    #[test]
    fn what_is_elsewhere_or_names_two_things_is_no_target() {
        for pairs in [
            &[("resource", "acme/app"), ("resource", "acme/other")][..],
            &[("scope", "acme/app acme/other")],
            &[("scope", "identity:a"), ("identity", "b")],
            &[("resource", "acme/app"), ("scope", "acme/other")],
            &[("resource", "https://gitlab.com/acme/app")],
            &[("resource", "http://github.com/acme/app")],
            &[("resource", "https://github.com.evil.example/acme/app")],
            &[("resource", "https://user@github.com/acme/app")],
            &[("resource", "https://github.com")],
            &[("resource", "https://github.com/")],
            &[("audience", "https://other.example/")],
            &[("scope", "git://github.com/acme/app")],
        ] {
            assert_eq!(read(pairs), Err(Word::InvalidTarget), "Input: {pairs:?}");
        }
    }

    #[test]
    fn a_github_on_this_machine_stands_in_for_the_public_one_and_no_other_does() {
        let at = |github_host: &str, resource: &str| repository(resource, Names { domain: "sts.example.com", github_host }).is_ok();
        for host in ["127.0.0.1:8081", "localhost:8081", "[::1]:8081"] {
            for resource in ["https://github.com/acme/app", &format!("http://{host}/acme/app"), &format!("https://{host}/acme/app")] {
                assert!(at(host, resource), "Input: {host} {resource}");
            }
            assert!(!at(host, "http://github.com/acme/app") && !at(host, "https://ghes.example/acme/app"), "Input: {host}");
            let told = repository("https://ghes.example/a/b", Names { domain: "x", github_host: host }).unwrap_err().description;
            assert!(told.ends_with("write https://github.com/OWNER/REPOSITORY"), "{told}");
        }
        for host in ["ghes.example", "localhost.evil.example", "127.evil.example"] {
            assert!(!at(host, "https://github.com/acme/app") && !at(host, &format!("http://{host}/acme/app")), "Input: {host}");
        }
    }

    #[test]
    fn repositories_are_shown_beside_the_api() {
        for (api, host) in [
            ("https://api.github.com", "github.com"),
            ("https://api.acme.ghe.com", "acme.ghe.com"),
            ("https://ghe.example/api/v3", "ghe.example"),
            ("https://api.example:8443/api/v3", "api.example:8443"),
        ] {
            assert_eq!(github_host(&api.parse().unwrap()), host, "Input: {api}");
        }
    }
}
