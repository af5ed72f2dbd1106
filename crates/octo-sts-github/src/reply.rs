//! Reading the bodies of answers.

use http::{StatusCode, Uri};
use octo_sts_http::Response;
use serde::Deserialize;

use crate::error::GitHubError;

/// Reads the JSON body of a 200. Any other success is not what was asked for.
pub(crate) fn read<'a, T: Deserialize<'a>>(response: &'a Response) -> Result<T, GitHubError> {
    read_as(response, StatusCode::OK)
}

/// Reads the JSON body of an answer with this status.
pub(crate) fn read_as<'a, T: Deserialize<'a>>(response: &'a Response, status: StatusCode) -> Result<T, GitHubError> {
    expect(response, status)?;
    parse(&response.body).map_err(|error| malformed(response.status, &error))
}

/// Reads JSON. One look whether the whole is UTF-8 costs less than one at each text in it.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    }
}

pub(crate) fn expect(response: &Response, status: StatusCode) -> Result<(), GitHubError> {
    if response.status == status { Ok(()) } else { Err(GitHubError::unexpected(response.status, format!("{} was due", status.as_u16()))) }
}

/// A body that is not what GitHub's API describes. The text of the error names a place in the body, and nothing of it but
/// a word where another was due.
pub(crate) fn malformed(status: StatusCode, error: &serde_json::Error) -> GitHubError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the body ends early",
        serde_json::error::Category::Data => "the body lacks a member or has one of another type",
        _ => "the body is not JSON",
    };
    GitHubError::unexpected(status, format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// An address that could not be built is no address of GitHub's.
pub(crate) fn address(uri: Result<Uri, http::Error>) -> Result<Uri, GitHubError> {
    uri.map_err(|error| GitHubError::Unexpected { status: None, what: error.to_string() })
}
