//! One issuer of `STS_ISSUERS_FILE`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use octo_sts_http::{Network, Roots};
use octo_sts_oidc::{Addresses, IssuerEntry, KeySource, RequiredClaims, StaticKeySet};
use octo_sts_policy::{Pattern, Requirement};
use octo_sts_types::{ClaimSet, Issuer, Printable};
use serde_json::Value as Json;
use url::{Host, Url};

use super::{
    duration,
    issuers_file::read as read_file,
    value,
    yaml::{Node, Value, YamlError, entries, members},
};

/// Most keys of one issuer.
const MOST_KEYS: usize = 100;
/// Longest file of keys, in bytes: as long as a document that an issuer may serve.
const LONGEST_KEYS: u64 = 100 << 10;
/// Longest file of certificates, in bytes.
const LONGEST_CERTIFICATES: u64 = 256 << 10;
/// Most networks of one issuer, and most claims that are required of its tokens.
const MOST: usize = 64;

const FIELDS: [&str; 9] =
    ["issuer", "jwks_uri", "jwks", "jwks_file", "ca_file", "private", "allowed_addresses", "required_claims", "max_token_lifetime"];

type At = (usize, usize);

/// What a description is read in.
pub(super) struct Surroundings<'a> {
    /// Where the paths of other files begin.
    pub(super) folder: &'a Path,
    /// Whether issuers on this machine may be without TLS.
    pub(super) allow_localhost: bool,
}

/// What the tokens of an issuer must say.
#[derive(Debug)]
struct Required(Vec<(String, Requirement)>);

impl RequiredClaims for Required {
    fn unmet(&self, claims: &ClaimSet) -> Option<&str> {
        let unmet = self.0.iter().find(|(name, required)| !required.admits_claim(claims, name));
        unmet.map(|(name, _)| name.as_str())
    }
}

/// Reads a description; the files that it names are added to `files`.
pub(super) fn read(node: Node, around: &Surroundings<'_>, files: &mut Vec<PathBuf>) -> Result<IssuerEntry, YamlError> {
    let at = node.at;
    let [issuer, uri, written, file, ca_file, private, networks, claims, life] = members(node, FIELDS)?;
    let issuer = issuer.ok_or_else(|| YamlError::at(at, "`issuer` is missing: write the `iss` of its tokens, byte for byte"))?;
    let (issuer, place) = text(issuer, "issuer")?;
    let issuer = Issuer::parse(&issuer).map_err(|error| wrong(place, "issuer", &format!("`{}` is not an issuer ({error})", Printable(&issuer))))?;
    let keys = keys(at, &issuer, [uri, written, file], around, files)?;
    let extra_roots = ca_file.map(|node| certificates(node, around, files)).transpose()?;
    let addresses = addresses(private, networks)?;
    if matches!(keys, KeySource::Fixed(_)) && (extra_roots.is_some() || addresses != Addresses::Public) {
        return Err(YamlError::at(at, "with its keys written down, nobody is asked: delete `ca_file`, `private` and `allowed_addresses`"));
    }
    if keys == KeySource::Discovery && !issuer.is_https() && !around.allow_localhost {
        let what = "`issuer` is not https: write the https URL, its keys, or set STS_ALLOW_LOCALHOST_ISSUERS=true for trying things out";
        return Err(YamlError::at(place, what));
    }
    let claims = claims.map(required).transpose()?;
    let longest_life = life.map(lifetime).transpose()?;
    Ok(IssuerEntry { issuer, keys, extra_roots, addresses, claims, longest_life })
}

fn wrong(at: At, field: &str, what: &str) -> YamlError {
    YamlError::at(at, format!("`{field}`: {what}"))
}

fn text(node: Node, field: &str) -> Result<(String, At), YamlError> {
    match node.value {
        Value::Text(text) if !text.is_empty() => Ok((text, node.at)),
        Value::Text(_) => Err(wrong(node.at, field, "there is no text: write it, or delete the field")),
        _ => Err(wrong(node.at, field, "a text is due here")),
    }
}

/// Where the keys are: one of three fields, or discovery without any of them.
fn keys(
    at: At,
    issuer: &Issuer,
    [uri, written, file]: [Option<Node>; 3],
    around: &Surroundings<'_>,
    files: &mut Vec<PathBuf>,
) -> Result<KeySource, YamlError> {
    match (uri, written, file) {
        (None, None, None) => Ok(KeySource::Discovery),
        (Some(node), None, None) => keys_url(node, issuer, around).map(KeySource::Url),
        (None, Some(node), None) => {
            let at = node.at;
            let set = match node.value {
                Value::Text(text) => StaticKeySet::parse(&text, MOST_KEYS),
                _ => StaticKeySet::read(json(node), MOST_KEYS),
            };
            set.map(KeySource::Fixed).map_err(|fault| wrong(at, "jwks", &fault.to_string()))
        }
        (None, None, Some(node)) => {
            let (path, at) = beside(node, "jwks_file", around)?;
            let text = read_file(&path, LONGEST_KEYS, "the path of a JSON file").map_err(|error| wrong(at, "jwks_file", &error))?;
            let set = StaticKeySet::parse(&text, MOST_KEYS).map_err(|fault| wrong(at, "jwks_file", &format!("`{}`: {fault}", path.display())))?;
            files.push(path);
            Ok(KeySource::Fixed(set))
        }
        _ => Err(YamlError::at(at, "keys come from one place: write one of `jwks_uri`, `jwks` and `jwks_file`")),
    }
}

fn keys_url(node: Node, issuer: &Issuer, around: &Surroundings<'_>) -> Result<Url, YamlError> {
    let (text, at) = text(node, "jwks_uri")?;
    let say = || wrong(at, "jwks_uri", "is not an https URL without a user: write one such as `https://k8s.example.com:6443/openid/v1/jwks`");
    let mut url = Url::parse(&text).map_err(|_| say())?;
    let plain = url.scheme() == "http" && around.allow_localhost && issuer.is_loopback() && is_here(&url);
    if (url.scheme() != "https" && !plain) || !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(say());
    }
    url.set_fragment(None);
    Ok(url)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A key set that is written as YAML: texts, lists and mappings are what they are in JSON.
fn json(node: Node) -> Json {
    match node.value {
        Value::Text(text) => Json::String(text),
        Value::List(nodes) => nodes.into_iter().map(json).collect(),
        Value::Map(members) => Json::Object(members.into_iter().map(|(name, node)| (name, json(node))).collect()),
    }
}

/// The path of another file, from the folder of this one.
fn beside(node: Node, field: &str, around: &Surroundings<'_>) -> Result<(PathBuf, At), YamlError> {
    let (text, at) = text(node, field)?;
    Ok((around.folder.join(text), at))
}

fn certificates(node: Node, around: &Surroundings<'_>, files: &mut Vec<PathBuf>) -> Result<String, YamlError> {
    let (path, at) = beside(node, "ca_file", around)?;
    let pem = read_file(&path, LONGEST_CERTIFICATES, "the path of a PEM file").map_err(|error| wrong(at, "ca_file", &error))?;
    if let Err(error) = Roots::from_pem(&pem) {
        let what =
            format!("`{}` holds no certificate to trust ({error}): write the PEM file of the authority that signed the issuer's", path.display());
        return Err(wrong(at, "ca_file", &what));
    }
    files.push(path);
    Ok(pem)
}

fn addresses(private: Option<Node>, networks: Option<Node>) -> Result<Addresses, YamlError> {
    let private = match private {
        None => None,
        Some(node) => {
            let (text, at) = text(node, "private")?;
            value::boolean(&text).map_err(|error| wrong(at, "private", &error))?.then_some(at)
        }
    };
    match (private, networks) {
        (None, None) => Ok(Addresses::Public),
        (Some(_), None) => Ok(Addresses::Private),
        (Some(at), Some(_)) => Err(YamlError::at(at, "`allowed_addresses` says which addresses are private: delete `private`")),
        (None, Some(node)) => {
            let at = node.at;
            let listed = entries(node, "allowed_addresses")?;
            if listed.len() > MOST {
                return Err(wrong(at, "allowed_addresses", &format!("{MOST} networks are the most")));
            }
            listed.into_iter().map(network).collect::<Result<_, _>>().map(Addresses::Within)
        }
    }
}

fn network(node: Node) -> Result<Network, YamlError> {
    let (text, at) = text(node, "allowed_addresses")?;
    Network::parse(&text).map_err(|error| wrong(at, "allowed_addresses", &format!("`{}` is not a network: {error}", Printable(&text))))
}

fn required(node: Node) -> Result<Arc<dyn RequiredClaims>, YamlError> {
    let at = node.at;
    let due = "required_claims";
    let Value::Map(claims) = node.value else { return Err(wrong(at, due, "a mapping of claims to values is due here")) };
    if claims.is_empty() || claims.len() > MOST {
        return Err(wrong(at, due, &format!("write 1 to {MOST} claims, or delete the field")));
    }
    let read = |(name, node): (String, Node)| {
        let at = node.at;
        if name.is_empty() {
            return Err(wrong(at, due, "a claim has no name"));
        }
        let requirement = match node.value {
            Value::Map(_) => {
                let [pattern] = members(node, ["pattern"])?;
                let pattern = pattern.ok_or_else(|| wrong(at, due, "write the value, or `{pattern: …}` with a regular expression"))?;
                let (text, at) = text(pattern, "pattern")?;
                Requirement::Pattern(
                    Pattern::parse(&text).map_err(|error| wrong(at, due, &format!("the pattern of `{}`: {error}", Printable(&name))))?,
                )
            }
            _ => Requirement::Exact(text(node, due)?.0.into()),
        };
        Ok((name, requirement))
    };
    let claims: Vec<_> = claims.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Arc::new(Required(claims)))
}

fn lifetime(node: Node) -> Result<Duration, YamlError> {
    let (text, at) = text(node, "max_token_lifetime")?;
    match duration::parse(&text) {
        Ok(Duration::ZERO) => Err(wrong(at, "max_token_lifetime", "no token would be admitted: write for instance `15m`")),
        Ok(life) => Ok(life),
        Err(error) => Err(wrong(at, "max_token_lifetime", &format!("`{}` {error}", Printable(&text)))),
    }
}
