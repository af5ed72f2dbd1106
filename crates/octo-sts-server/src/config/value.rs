//! Texts of variables, read as values.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use octo_sts_types::Printable;
use url::Url;

use super::duration;

/// The most events of one request.
const LARGEST_BATCH: u32 = 1000;

/// A list separated by commas; blanks around an entry and empty entries do not count.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// A truth value, in the spellings of Go's `strconv.ParseBool`.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("`{}` is neither true nor false: write `true` or `false`", Printable(text))),
    }
}

/// A port; 0 lets the system choose one.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("`{}` is not a port: write a number from 1 to 65535, such as `8080`", Printable(text)))
}

/// An address with its port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text).map_err(|_| {
        format!("`{}` is not an address with a port: write one such as `0.0.0.0:8080`, `127.0.0.1:8080` or `[::]:8080`", Printable(text))
    })
}

/// A whole number.
pub(crate) fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{}` is not a whole number: write one such as `5000`", Printable(text)))
}

/// The service's public name: a host, perhaps with a port, and nothing else.
pub(crate) fn domain(text: &str) -> Result<String, String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(format!("must not have a scheme: write `{}` instead of `{scheme}://…`", Printable(rest.trim_end_matches('/'))));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    let fits = !text.is_empty() && text.len() <= 253 && text.chars().all(plain) && !text.starts_with(['.', ':', '-']);
    if fits { Ok(text.to_owned()) } else { Err(format!("`{}` is not a host name: write one such as `sts.example.com`", Printable(text))) }
}

/// An https URL without user, query or fragment; a slash at its end is dropped.
pub(crate) fn https_url(text: &str, example: &str) -> Result<Url, String> {
    let say = |what: &str| format!("`{}` {what}: write an https URL such as `{example}`", Printable(text));
    let url = Url::parse(text).map_err(|_| say("is not a URL"))?;
    if url.scheme() != "https" {
        return Err(say("is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("has a user or password in it: write an https URL without, such as `{example}`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(say("has a query or fragment"));
    }
    let mut url = url;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Where events are posted: https, or http for a sink beside the service.
pub(crate) fn sink_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(url),
        _ => Err("is not an http or https URL: write one such as `https://events.example.com/`".to_owned()),
    }
}

/// How many events a request takes at the most.
pub(crate) fn batch(text: &str) -> Result<usize, String> {
    let most = number(text).ok().filter(|most| (1..=LARGEST_BATCH).contains(most));
    let most = most.ok_or_else(|| format!("`{}` is not a number from 1 to {LARGEST_BATCH}: write one such as `100`", Printable(text)))?;
    usize::try_from(most).map_err(|error| error.to_string())
}

/// A duration up to the longest that makes sense.
pub(crate) fn duration_within(text: &str, longest: Duration) -> Result<Duration, String> {
    let read = duration::parse(text).map_err(|error| format!("`{}` {error}", Printable(text)))?;
    let seconds = longest.as_secs();
    if read <= longest { Ok(read) } else { Err(format!("`{}` is too long: write {seconds}s at the most", Printable(text))) }
}

/// A file that can be written, as far as its folder tells.
pub(crate) fn writable_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        return Err(format!("`{}` is a folder: write the path of a file", path.display()));
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if !parent.is_dir() => Err(format!("the folder `{}` does not exist: make it, or write another path", parent.display())),
        _ => Ok(path),
    }
}

/// A folder that is there.
pub(crate) fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err(format!("`{}` is not a folder: make it, or write another path", path.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_ignore_blanks_and_empty_entries() {
        assert_eq!(list(" a, b ,,c,").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(list(" ").count(), 0);
    }

    /// T-134
    #[test]
    fn a_base_url_keeps_its_path_and_loses_its_last_slash() {
        assert_eq!(https_url("https://ghe.example/api/v3/", "").unwrap().as_str(), "https://ghe.example/api/v3");
        assert_eq!(https_url("https://api.github.com", "").unwrap().as_str(), "https://api.github.com/");
    }
}
