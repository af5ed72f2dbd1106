//! A small YAML reader for the operator's own file: mappings, sequences and texts, and nothing that surprises.

use std::collections::HashSet;

use granit_parser::{Event, Parser, Span};
use octo_sts_types::Printable;

/// Deepest nesting that is read.
const DEEPEST: usize = 8;

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Line and column, from 1.
    pub(crate) at: (usize, usize),
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Value {
    /// A scalar; nothing at all is an empty text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file; each key once.
    Map(Vec<(String, Node)>),
}

/// Why a file does not read, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub(crate) struct YamlError {
    line: usize,
    column: usize,
    what: String,
}

impl YamlError {
    pub(crate) fn at((line, column): (usize, usize), what: impl Into<String>) -> Self {
        Self { line, column, what: what.into() }
    }
}

/// Reads one document. Anchors, aliases, tags, merges, equal keys and a second document are refused.
pub(crate) fn parse(text: &str) -> Result<Node, YamlError> {
    let mut reader = Reader { events: Parser::new_from_str(text), depth: 0 };
    let (event, at) = reader.next()?;
    let root = match event {
        Event::StreamEnd => return Err(YamlError::at(at, "the file is empty")),
        event => reader.node(event, at)?,
    };
    match reader.next()? {
        (Event::StreamEnd, _) => Ok(root),
        (_, at) => Err(YamlError::at(at, "a second document begins: one is read")),
    }
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    depth: usize,
}

type Position = (usize, usize);

impl<'a> Reader<'a> {
    /// The next event that says something.
    fn next(&mut self) -> Result<(Event<'a>, Position), YamlError> {
        loop {
            match self.events.next() {
                None => return Ok((Event::StreamEnd, (1, 1))),
                Some(Err(error)) => {
                    let at = (error.marker().line(), error.marker().col() + 1);
                    return Err(YamlError::at(at, error.info()));
                }
                Some(Ok((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd | Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, position(&span))),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Position) -> Result<Node, YamlError> {
        let refuse = |what: &str| Err(YamlError::at(at, what));
        let value = match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) if anchor != 0 => {
                return refuse("anchors are not read: write the value out");
            }
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, _, Some(_)) | Event::MappingStart(_, _, Some(_)) => {
                return refuse("tags are not read: write the plain value");
            }
            Event::Scalar(text, style, ..) => Value::Text(plain_text(&text, style)),
            Event::SequenceStart(..) => self.deeper(at, Self::list)?,
            Event::MappingStart(..) => self.deeper(at, Self::map)?,
            _ => return refuse("aliases are not read: write the value out"),
        };
        Ok(Node { value, at })
    }

    fn deeper(&mut self, at: Position, read: fn(&mut Self) -> Result<Value, YamlError>) -> Result<Value, YamlError> {
        if self.depth == DEEPEST {
            return Err(YamlError::at(at, "nested too deeply"));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, YamlError> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(entries)),
                (event, at) => entries.push(self.node(event, at)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, YamlError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Map(entries));
            }
            let Value::Text(key) = self.node(event, at)?.value else { return Err(YamlError::at(at, "a key must be a text")) };
            if !seen.insert(key.clone()) {
                return Err(YamlError::at(at, format!("the key `{}` stands twice", Printable(&key))));
            }
            let (event, at) = self.next()?;
            entries.push((key, self.node(event, at)?));
        }
    }
}

fn position(span: &Span) -> Position {
    (span.start.line(), span.start.col() + 1)
}

/// A plain `null` or `~` says nothing, as an empty value does.
fn plain_text(text: &str, style: granit_parser::ScalarStyle) -> String {
    let nothing = style == granit_parser::ScalarStyle::Plain && matches!(text, "null" | "~" | "Null" | "NULL");
    if nothing { String::new() } else { text.to_owned() }
}

/// The values of the known keys of a mapping; any other key is refused.
pub(crate) fn members<const N: usize>(node: Node, known: [&str; N]) -> Result<[Option<Node>; N], YamlError> {
    let Value::Map(entries) = node.value else {
        return Err(YamlError::at(node.at, format!("a mapping is due here, with the keys `{}`", known.join("`, `"))));
    };
    let mut values = [const { None }; N];
    for (key, value) in entries {
        let Some(slot) = known.iter().position(|name| *name == key) else {
            return Err(YamlError::at(value.at, format!("the key `{}` is not known here: write one of `{}`", Printable(&key), known.join("`, `"))));
        };
        values[slot] = Some(value);
    }
    Ok(values)
}

/// The entries of a sequence that must not be empty.
pub(crate) fn entries(node: Node, key: &str) -> Result<Vec<Node>, YamlError> {
    match node.value {
        Value::List(entries) if !entries.is_empty() => Ok(entries),
        _ => Err(YamlError::at(node.at, format!("`{key}` must be a list with at least one entry"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lists_and_texts_are_read_with_their_places() {
        let node = parse("# apps\norgs:\n  - name: acme\n    id: 12\n").unwrap();
        let Value::Map(entries) = node.value else { panic!("a map") };
        let Value::List(orgs) = &entries[0].1.value else { panic!("a list") };
        let Value::Map(org) = &orgs[0].value else { panic!("a map") };
        assert!(matches!(&org[1].1.value, Value::Text(text) if text == "12"));
        assert_eq!(org[1].1.at, (4, 9));
    }

    #[test]
    fn what_could_surprise_is_refused() {
        let deep = format!("a: {}1{}", "[".repeat(20), "]".repeat(20));
        for text in ["", "# nothing\n", "a: 1\na: 2\n", "a: &x 1\nb: *x\n", "a: !!str 1\n", "a: 1\n---\nb: 2\n", "? [a]\n: 1\n", "a: [1\n", &deep] {
            assert!(parse(text).is_err(), "Input: {text:?}");
        }
    }
}
