//! Query strings and form bodies, read as Go's `net/url` reads them.

use std::borrow::Cow;

/// Why a query is not one; the texts are those that clients of upstream know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidQuery {
    /// A `%` without two hexadecimal digits.
    #[error("invalid URL escape {0}")]
    Escape(String),
    /// A `;`, which some software takes for a separator, and other software does not.
    #[error("invalid semicolon separator in query")]
    Semicolon,
}

/// The names and values of a query, in its order. The first fault makes all of it invalid.
pub(super) fn parse(query: &[u8]) -> Result<Vec<(String, String)>, InvalidQuery> {
    let mut pairs = Vec::new();
    for part in query.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        if part.contains(&b';') {
            return Err(InvalidQuery::Semicolon);
        }
        let mut halves = part.splitn(2, |byte| *byte == b'=');
        let name = unescape(halves.next().unwrap_or_default())?;
        let value = unescape(halves.next().unwrap_or_default())?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Decodes `%XX` and `+`. What is not UTF-8 then is replaced, and fails the grammar of any field that is read.
fn unescape(text: &[u8]) -> Result<String, InvalidQuery> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let digits = after.first_chunk::<2>().and_then(|pair| Some((hex(pair[0])? << 4) | hex(pair[1])?));
                out.push(digits.ok_or_else(|| InvalidQuery::Escape(quoted(&text[text.len() - after.len() - 1..])))?);
                rest = &after[2..];
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The first three bytes of a bad escape, in quotes, as Go quotes them.
fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(3)]);
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{fffd}' => out.push_str("\\xff"),
            c if c.is_control() => out.push_str(&Cow::from(format!("\\x{:02x}", u32::from(c)))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Vec<(String, String)>, String> {
        parse(query.as_bytes()).map_err(|error| error.to_string())
    }

    /// T-053
    #[test]
    fn queries_read_as_go_reads_them() {
        for (query, pairs) in [
            ("", vec![]),
            ("&&", vec![]),
            ("a=1&b=2", vec![("a", "1"), ("b", "2")]),
            ("a=x+y%20z", vec![("a", "x y z")]),
            ("a", vec![("a", "")]),
            ("=x", vec![("", "x")]),
            ("a=b=c", vec![("a", "b=c")]),
            ("%61=%2F%2f", vec![("a", "//")]),
            ("a=%00", vec![("a", "\0")]),
            ("a=%ff", vec![("a", "\u{fffd}")]),
        ] {
            let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(read(query), Ok(pairs), "Input: {query}");
        }
    }

    /// T-053
    #[test]
    fn faults_are_named_as_go_names_them() {
        for (query, message) in [
            ("scope=%zz", r#"invalid URL escape "%zz""#),
            ("scope=abc%zzz", r#"invalid URL escape "%zz""#),
            ("scope=%", r#"invalid URL escape "%""#),
            ("scope=%4", r#"invalid URL escape "%4""#),
            ("%=x", r#"invalid URL escape "%""#),
            ("a=%\"x", r#"invalid URL escape "%\"x""#),
            ("a=1;b=2", "invalid semicolon separator in query"),
            ("a=1&b=%zz&c=;", r#"invalid URL escape "%zz""#),
        ] {
            assert_eq!(read(query), Err(message.to_owned()), "Input: {query}");
        }
    }
}
