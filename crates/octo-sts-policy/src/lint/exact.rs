//! Values that are compared byte for byte.

use octo_sts_types::{Audience, Issuer, Subject};

use crate::{
    Pattern,
    diagnostics::{Code, Reporter, quoted},
    fields::Located,
};

/// Looks at the exact value of `issuer`, `subject`, `audience` or `app`.
pub(crate) fn exact(field: &str, value: &Located<'_>, reporter: &mut Reporter<'_>) {
    if looks_like_pattern(value.text) {
        let message = format!("`{field}` is compared byte for byte, and its value looks like a pattern.");
        let hint = format!("write `{field}_pattern: {}`", quoted(&as_pattern(value.text)));
        reporter.report(Code::PatternInExactField, value.span.clone(), message, hint);
        return;
    }
    let impossible = match field {
        "issuer" => Issuer::parse(value.text).err().map(|error| error.to_string()),
        "subject" => Subject::parse(value.text).err().map(|error| error.to_string()),
        "audience" => Audience::parse(value.text).err().map(|error| error.to_string()),
        _ => None,
    };
    if let Some(reason) = impossible {
        let message = format!("No token can have this `{field}`: {reason}.");
        reporter.report(Code::NeverMatches, value.span.clone(), message, "copy it from a token, byte for byte".to_owned());
    }
}

/// Braces, brackets and parentheses alone are no sign: Bitbucket's subjects and some branches have them.
fn looks_like_pattern(text: &str) -> bool {
    let alternatives = text.contains('|') && text.contains('(');
    let repeated_class = text.contains("]+") || text.contains("]*");
    let escapes = [r"\.", r"\d", r"\w", r"\/", r"\-"].iter().any(|escape| text.contains(escape));
    text.contains('*') || text.contains(".+") || alternatives || repeated_class || escapes || text.starts_with('^') || text.ends_with('$')
}

/// The text as the pattern it was probably meant to be: a glob's stars become `.*`, and its other characters themselves.
fn as_pattern(text: &str) -> String {
    let is_glob = text.contains('*') && !text.contains(".*") && !text.contains('\\') && !text.contains("]*");
    if is_glob || Pattern::parse(text).is_err() {
        return text.split('*').map(escape).collect::<Vec<_>>().join(".*");
    }
    let text = text.strip_prefix('^').unwrap_or(text);
    text.strip_suffix('$').unwrap_or(text).to_owned()
}

/// The pattern that matches this text alone.
pub(crate) fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_with_brackets_are_no_patterns() {
        for text in ["{a1}:{b2}", "repo:o/r:ref:refs/heads/feat(x)", "repo:o/r:environment:[eu]", "auth0|1", "p://org/My Project/x"] {
            assert!(!looks_like_pattern(text), "Input: {text}");
        }
        for text in ["repo:o/*", "repo:o/r:.+", r"a\.b", "^a", "a$", "(a|b)", "v[0-9]+"] {
            assert!(looks_like_pattern(text), "Input: {text}");
        }
    }

    #[test]
    fn a_glob_becomes_the_pattern_it_meant() {
        assert_eq!(as_pattern("repo:o/r.x:ref:refs/heads/*"), r"repo:o/r\.x:ref:refs/heads/.*");
        assert_eq!(as_pattern("^repo:o/.*$"), "repo:o/.*");
    }
}
