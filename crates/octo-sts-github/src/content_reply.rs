//! What GitHub answers about a path.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use octo_sts_http::Response;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    content::{Entry, EntryKind, OddContent},
    error::GitHubError,
    reply,
};

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 64 * 1024;
/// How a pointer file of Git LFS begins.
const LFS: &str = "version https://git-lfs.github.com/spec/";

/// A text file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) sha: String,
}

/// One object. A submodule may call itself a file, and gives itself away by its URL.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    size: Option<u64>,
    encoding: Option<&'a str>,
    content: Option<Cow<'a, str>>,
    sha: Option<&'a str>,
    submodule_git_url: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    sha: String,
    submodule_git_url: Option<IgnoredAny>,
}

/// The file in an answer, or what is there instead.
pub(crate) fn file(response: &Response) -> Result<Result<Content, OddContent>, GitHubError> {
    reply::expect(response, StatusCode::OK)?;
    if is_array(response) {
        return Ok(Err(OddContent::Directory));
    }
    let object: Object<'_> = reply::read(response)?;
    let odd = match &*object.kind {
        _ if object.submodule_git_url.is_some() => OddContent::Submodule,
        "file" => return Ok(text(&object)),
        "dir" => OddContent::Directory,
        "symlink" => OddContent::Symlink,
        "submodule" => OddContent::Submodule,
        _ => OddContent::Unknown,
    };
    Ok(Err(odd))
}

/// The entries of the directory in an answer; `None` when it is something else.
pub(crate) fn entries(response: &Response) -> Result<Option<Vec<Entry>>, GitHubError> {
    reply::expect(response, StatusCode::OK)?;
    if !is_array(response) {
        return reply::read::<Object<'_>>(response).map(|_| None);
    }
    let listed: Vec<Listed> = reply::read(response)?;
    Ok(Some(listed.into_iter().map(Listed::entry).collect()))
}

/// A directory is an array, everything else an object.
fn is_array(response: &Response) -> bool {
    response.body.trim_ascii_start().first() == Some(&b'[')
}

fn text(object: &Object<'_>) -> Result<Content, OddContent> {
    let beyond = |size: &u64| *size > LONGEST_FILE;
    if object.size.as_ref().is_some_and(beyond) || object.encoding == Some("none") {
        return Err(OddContent::TooLarge { size: object.size.filter(beyond) });
    }
    if object.encoding != Some("base64") {
        return Err(OddContent::Unreadable { why: "it is not encoded as base64" });
    }
    let bytes = decode(object.content.as_deref().ok_or(OddContent::Unreadable { why: "there is none" })?)?;
    let length = bytes.len() as u64;
    if object.size.is_some_and(|size| size != length) {
        return Err(OddContent::Unreadable { why: "it is not as long as its size says" });
    }
    if beyond(&length) {
        return Err(OddContent::TooLarge { size: Some(length) });
    }
    let text = String::from_utf8(bytes).map_err(|_| OddContent::NotUtf8)?;
    if text.starts_with(LFS) {
        return Err(OddContent::LfsPointer);
    }
    Ok(Content { text, sha: object.sha.unwrap_or_default().to_owned() })
}

/// Base64 with the line breaks that GitHub puts in, LF or CRLF.
fn decode(content: &str) -> Result<Vec<u8>, OddContent> {
    let mut compact = Vec::with_capacity(content.len());
    compact.extend(content.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    STANDARD.decode(compact).map_err(|_| OddContent::Unreadable { why: "it is not base64" })
}

impl Listed {
    fn entry(self) -> Entry {
        let kind = match self.kind.as_str() {
            _ if self.submodule_git_url.is_some() => EntryKind::Submodule,
            "file" => EntryKind::File,
            "dir" => EntryKind::Directory,
            "symlink" => EntryKind::Symlink,
            "submodule" => EntryKind::Submodule,
            _ => EntryKind::Unknown,
        };
        Entry { name: self.name, kind, sha: self.sha, size: self.size }
    }
}

#[cfg(test)]
#[path = "content_reply_tests.rs"]
mod tests;
