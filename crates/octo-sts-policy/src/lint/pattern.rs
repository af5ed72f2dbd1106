//! The text of one pattern.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    Pattern,
    diagnostics::{Code, Reporter, quoted},
    fields::{Located, inside},
};

/// Looks at the pattern of `issuer`, `subject`, `audience`, `app` or a `claim`.
pub(crate) fn pattern(field: &str, located: &Located<'_>, compiled: &Pattern, reporter: &mut Reporter<'_>) {
    let text = located.text;
    let mut found = |code, part: Range<usize>, message: &str, fixed: Option<String>| {
        let hint = fixed.map(|fixed| format!("write {}", quoted(&fixed)));
        reporter.report(code, inside(located, part), message, hint);
    };
    if text.is_empty() {
        return found(Code::EmptyPattern, 0..0, "An empty pattern matches only an empty value.", None);
    }
    if field != "claim" && matches_everything(compiled) {
        let code = if field == "audience" { Code::AnyAudience } else { Code::MatchesEverything };
        return found(code, 0..text.len(), &format!("This pattern matches every {field}."), None);
    }
    if let Some((part, fixed)) = anchors(text) {
        found(Code::RedundantAnchors, part, "A pattern always matches the whole value; the anchors change nothing.", Some(fixed));
    }
    if let Some(part) = multiline(text) {
        found(Code::MultilineFlag, part, "The whole value must match all the same; `(?m)` does not make lines of it.", None);
    }
    if let Some((part, fixed)) = double_escape(text) {
        found(Code::DoubleEscape, part, "This matches a backslash and then any character.", Some(fixed));
    }
    if let Some((part, fixed)) = glob(text) {
        found(Code::GlobInPattern, part, "In a pattern `*` repeats the character before it; it is no wildcard.", Some(fixed));
    }
    if let Some((part, fixed)) = unescaped_dot(text) {
        found(Code::UnescapedDot, part, "This dot matches any character, in a host or an address.", Some(fixed));
    }
}

/// Tried on values that have nothing in common.
fn matches_everything(pattern: &Pattern) -> bool {
    let values = ["0", "zz:Q/9@w", "https://a.example", "a b{c}~", "organization:x:y"];
    values.iter().all(|value| pattern.matches(value))
}

fn anchors(text: &str) -> Option<(Range<usize>, String)> {
    let front = text.starts_with('^');
    let back = text.ends_with('$') && !text.ends_with("\\$");
    let fixed = &text[usize::from(front)..text.len() - usize::from(back && text.len() > 1)];
    let part = if front { 0..1 } else { text.len() - 1..text.len() };
    (front || back).then(|| (part, fixed.to_owned()))
}

fn multiline(text: &str) -> Option<Range<usize>> {
    text.match_indices("(?").find_map(|(at, _)| {
        let flags: String = text[at + 2..].chars().take_while(char::is_ascii_alphabetic).collect();
        let closed = matches!(text.as_bytes().get(at + 2 + flags.len()), Some(b':' | b')' | b'-'));
        (closed && flags.contains('m')).then(|| at..at + 3 + flags.len())
    })
}

/// `\\.` where `\.` was meant.
fn double_escape(text: &str) -> Option<(Range<usize>, String)> {
    let at = text.match_indices("\\\\").find(|(at, _)| matches!(text.as_bytes().get(at + 2), Some(b'.' | b'd' | b'w' | b's' | b'/' | b'-')))?.0;
    Some((at..at + 3, text.replace("\\\\", "\\")))
}

/// A star behind a plain character: `refs/*`, `repo:org/*:`, `v*`.
fn glob(text: &str) -> Option<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let in_class = in_classes(bytes);
    let is_glob = |at: usize| {
        bytes[at] == b'*'
            && at > 0
            && (bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'/' | b':' | b'@' | b'-' | b'_'))
            && (at < 2 || bytes[at - 2] != b'\\')
            && !in_class[at]
    };
    let at = (0..bytes.len()).find(|at| is_glob(*at))?;
    let mut fixed = String::new();
    for (place, c) in text.char_indices() {
        if is_glob(place) {
            fixed.push('.');
        }
        fixed.push(c);
    }
    Some((at - 1..at + 1, fixed))
}

/// A dot between letters in what follows `://` or `@` and looks like a host name.
fn unescaped_dot(text: &str) -> Option<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let in_class = in_classes(bytes);
    let is_literal = |at: usize| bytes[at] == b'.' && is_literal_dot(bytes, at) && !in_class[at];
    let dots: BTreeSet<usize> = hosts(text).into_iter().flatten().filter(|at| is_literal(*at)).collect();
    let first = *dots.first()?;
    let mut fixed = String::new();
    for (at, c) in text.char_indices() {
        if dots.contains(&at) {
            fixed.push('\\');
        }
        fixed.push(c);
    }
    Some((first..first + 1, fixed))
}

fn hosts(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("://").map(|(at, _)| at + 3).chain(text.match_indices('@').map(|(at, _)| at + 1));
    let host = |start: usize| {
        let length = text[start..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b".-\\*+?[]^_".contains(byte)).count();
        start..start + length
    };
    let named = |host: &Range<usize>| {
        let last = text[host.clone()].rsplit('.').next().unwrap_or_default();
        last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    starts.map(host).filter(named).collect()
}

fn is_literal_dot(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let after = bytes.get(at + 1);
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"]*+".contains(byte)) && after.is_some_and(u8::is_ascii_alphanumeric)
}

/// For each byte, whether it stands in brackets.
fn in_classes(bytes: &[u8]) -> Vec<bool> {
    let mut open = false;
    let mut inside = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        inside.push(open);
        match byte {
            b'[' => open = at == 0 || bytes[at - 1] != b'\\',
            b']' => open = false,
            _ => {}
        }
    }
    inside
}
