//! The fields of a mapping, taken one by one.

use std::ops::Range;

use crate::{
    diagnostics::{Code, Reporter, quoted},
    pattern::{Pattern, PatternError},
    yaml::{Entry, Node, Value},
};

/// A mapping whose fields have been checked against a list.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
}

/// Text and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located<'n> {
    pub(crate) text: &'n str,
    pub(crate) span: Range<usize>,
    /// Without quotes: columns inside it are columns of the file.
    pub(crate) verbatim: bool,
}

impl<'n> Fields<'n> {
    /// The fields of a mapping, unknown ones reported; nothing at all is a mapping without fields.
    pub(crate) fn of(node: &'n Node, known: &[&'static str], reporter: &mut Reporter<'_>) -> Self {
        let entries = entries(node, "This", reporter);
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let hint = match reporter.suggest(&entry.key, known.iter().copied()) {
                Some(name) => format!("write `{name}`"),
                None => format!("known fields are {}", list(known)),
            };
            reporter.report(Code::UnknownField, entry.key_span.clone(), format!("There is no field `{}`.", entry.key), hint);
        }
        Self { entries }
    }

    /// The field as it stands, with null for nothing.
    pub(crate) fn entry(&self, name: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// The field, unless it is absent or null.
    pub(crate) fn value(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|entry| &entry.value).filter(|node| !matches!(node.value, Value::Null))
    }

    /// A field of text; empty text is as if it were absent.
    pub(crate) fn text(&self, name: &str, reporter: &mut Reporter<'_>) -> Option<Located<'n>> {
        text(self.value(name)?, &format!("`{name}`"), reporter).filter(|located| !located.text.is_empty())
    }

    /// Two fields of which one at the most may be given.
    pub(crate) fn either(&self, exact: &str, pattern: &str, code: Code, reporter: &mut Reporter<'_>) -> Option<Choice<'n>> {
        match (self.text(exact, reporter), self.text(pattern, reporter)) {
            (Some(_), Some(second)) => {
                let message = format!("`{exact}` and `{pattern}` exclude each other.");
                let span = self.entry(pattern).map_or(second.span, |entry| entry.key_span.clone());
                reporter.report(code, span, message, format!("delete `{exact}` or `{pattern}`"));
                None
            }
            (Some(exact), None) => Some(Choice::Exact(exact)),
            (None, Some(pattern)) => Some(Choice::Pattern(pattern)),
            (None, None) => None,
        }
    }
}

/// Which of two fields was given.
#[derive(Clone, Debug)]
pub(crate) enum Choice<'n> {
    Exact(Located<'n>),
    Pattern(Located<'n>),
}

/// The entries of a mapping; anything but a mapping or nothing is reported, under the name of `what`.
pub(crate) fn entries<'n>(node: &'n Node, what: &str, reporter: &mut Reporter<'_>) -> &'n [Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Null => &[],
        _ => {
            wrong_type(node, what, "a mapping of names to values", reporter);
            &[]
        }
    }
}

/// The nodes of a list.
pub(crate) fn items<'n>(node: &'n Node, what: &str, reporter: &mut Reporter<'_>) -> Option<&'n [Node]> {
    if let Value::List(nodes) = &node.value {
        return Some(nodes);
    }
    wrong_type(node, what, "a list", reporter);
    None
}

/// The text of a scalar.
pub(crate) fn text<'n>(node: &'n Node, what: &str, reporter: &mut Reporter<'_>) -> Option<Located<'n>> {
    if let Value::Text(text) = &node.value {
        return Some(Located { text: &text.text, span: node.span.clone(), verbatim: text.plain });
    }
    wrong_type(node, what, "text", reporter);
    None
}

fn wrong_type(node: &Node, what: &str, due: &str, reporter: &mut Reporter<'_>) {
    reporter.report(Code::WrongType, node.span.clone(), format!("{what} must be {due}, and is {}.", node.describe()), None);
}

/// Compiles a pattern, or reports what is wrong with it.
pub(crate) fn pattern(located: &Located<'_>, reporter: &mut Reporter<'_>) -> Option<Pattern> {
    let error = match Pattern::parse_within(located.text, |work| reporter.spend(work)) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    let (code, span, hint) = match &error {
        PatternError::Syntax(syntax) => (Code::InvalidPattern, inside(located, syntax.span()), slip(located.text, reporter)),
        PatternError::TooLong(_) | PatternError::TooLarge | PatternError::TooMuchTogether => (Code::PatternTooLarge, located.span.clone(), None),
    };
    reporter.report(code, span, format!("The pattern is not accepted: {error}."), hint);
    None
}

/// The bytes of the file that a part of the text stands in, as far as that can be told.
pub(crate) fn inside(located: &Located<'_>, part: Range<usize>) -> Range<usize> {
    let quote = usize::from(!located.verbatim);
    let start = located.span.start + quote;
    let as_written = located.span.len() == located.text.len() + 2 * quote;
    if as_written { start + part.start..start + part.end } else { located.span.clone() }
}

/// What a glob that does not compile was probably meant to be.
fn slip(text: &str, reporter: &mut Reporter<'_>) -> Option<String> {
    let glob = text.starts_with('*') || text.contains("**");
    let pattern = text.replace("**", "*").replace(".*", "*").replace('*', ".*");
    let compiles = glob && Pattern::parse_within(&pattern, |work| reporter.spend(work)).is_ok();
    compiles.then(|| format!("write {}", quoted(&pattern)))
}

/// `a, b and c` in code quotes.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
