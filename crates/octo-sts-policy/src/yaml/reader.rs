//! From events to a tree, under the strict profile.

use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag};

use super::{Entry, LARGEST_FILE, Node, Plain, Text, Value, characters, plain};
use crate::diagnostics::{Code, Reporter, quoted};

/// Deepest nesting of lists and mappings.
const DEEPEST: usize = 8;
/// Most keys, scalars, lists and mappings together.
const MOST_NODES: usize = 2_000;

/// Reads the one document of a file; `None` when that is impossible, which has been reported then.
///
/// A file without content is an empty mapping: whatever it lacks is reported by who knows.
pub(crate) fn read(reporter: &mut Reporter<'_>) -> Option<Node> {
    let text = reporter.text();
    if text.len() > LARGEST_FILE {
        let message = format!("The file is {} bytes long; {LARGEST_FILE} is the most.", text.len());
        reporter.report(Code::TooLarge, 0..0, message, None);
        return None;
    }
    characters::check(reporter);
    let options = granit_parser::options! {
        disallow_directives: true,
        block_scalar_eof_without_line_feed: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    Reader { events: Parser::new_from_str_with_options(text, options), reporter, nodes: 0, brackets: 0 }.document()
}

struct Reader<'r, 't> {
    events: Parser<'t, StrInput<'t>>,
    reporter: &'r mut Reporter<'t>,
    nodes: usize,
    /// How many brackets and braces are open.
    brackets: usize,
}

type Step<'t> = (Event<'t>, Range<usize>);

impl<'t> Reader<'_, 't> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        let mut documents = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if documents == 0 => documents = 1,
                Event::DocumentStart(..) => {
                    let hint = "keep one document, and delete the `---` or `...` behind it".to_owned();
                    self.reporter.report(Code::SeveralDocuments, span, "A second document begins here; only one is allowed.", hint);
                    return None;
                }
                Event::StreamEnd => break,
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        Some(root.unwrap_or(Node { span: 0..0, value: Value::Null }))
    }

    fn next(&mut self) -> Option<Step<'t>> {
        match self.events.next_event()? {
            Ok((event, span)) => Some((event, bytes(span))),
            Err(error) => {
                self.syntax_error(&error);
                None
            }
        }
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0);
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_much(at..at + 1),
            ErrorKind::DirectiveDisallowed => {
                self.reporter.report(Code::InvalidYaml, at..at + 1, "Directives such as `%YAML` are not allowed.", "delete this line".to_owned());
            }
            kind => self.reporter.report(Code::InvalidYaml, at..at + 1, format!("This is not YAML: {kind}."), None),
        }
    }

    fn too_much(&mut self, span: Range<usize>) {
        let message = format!("The file nests deeper than {DEEPEST} levels, or has more than {MOST_NODES} values.");
        self.reporter.report(Code::TooDeep, span, message, None);
    }

    /// The node that begins with `event`, `depth` collections down.
    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > DEEPEST || self.nodes > MOST_NODES {
            self.too_much(span);
            return None;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.properties(&span, anchor, tag.as_deref());
                Some(self.scalar(&text, style == ScalarStyle::Plain, span))
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.properties(&span, anchor, tag.as_deref());
                self.within(style, |reader| reader.list(&span, depth))
            }
            Event::MappingStart(style, anchor, tag) => {
                self.properties(&span, anchor, tag.as_deref());
                self.within(style, |reader| reader.map(&span, depth))
            }
            _ => {
                self.alias(span.clone());
                Some(Node { span, value: Value::Null })
            }
        }
    }

    fn within<T>(&mut self, style: StructureStyle, read: impl FnOnce(&mut Self) -> T) -> T {
        let brackets = usize::from(style == StructureStyle::Flow);
        self.brackets += brackets;
        let value = read(self);
        self.brackets -= brackets;
        value
    }

    fn alias(&mut self, span: Range<usize>) {
        let hint = "write the value out".to_owned();
        self.reporter.report(Code::AnchorOrAlias, span, "Anchors, aliases and merge keys are not allowed.", hint);
    }

    fn properties(&mut self, span: &Range<usize>, anchor: usize, tag: Option<&Tag>) {
        if anchor != 0 {
            self.alias(span.clone());
        }
        if let Some(tag) = tag.filter(|_| self.reporter.takes(Code::Tag)) {
            let message = format!("The tag `{}` is not allowed.", tag.original());
            self.reporter.report(Code::Tag, span.clone(), message, "delete it; put text in quotes to keep it text".to_owned());
        }
    }

    fn scalar(&mut self, text: &str, is_plain: bool, span: Range<usize>) -> Node {
        if !is_plain {
            return Node { span, value: Value::Text(Text { text: text.to_owned(), plain: false }) };
        }
        let otherwise = match plain(text) {
            Plain::Null => return Node { span, value: Value::Null },
            Plain::OtherBoolean => Some("is read as a boolean and becomes another text"),
            Plain::OtherNumber => Some("is read as a number and becomes another text"),
            // Upstream takes a question mark there for the beginning of a key, with and without a space behind it.
            _ if self.brackets > 0 && (text.contains('?') || text.starts_with(':')) => Some("is read in two ways between brackets or braces"),
            Plain::Text | Plain::Boolean | Plain::Number => None,
        };
        if let Some(otherwise) = otherwise.filter(|_| self.reporter.takes(Code::AmbiguousScalar)) {
            let message = format!("Without quotes, `{text}` {otherwise}.");
            self.reporter.report(Code::AmbiguousScalar, span.clone(), message, format!("write {}", quoted(text)));
        }
        Node { span, value: Value::Text(Text { text: text.to_owned(), plain: true }) }
    }

    fn list(&mut self, start: &Range<usize>, depth: usize) -> Option<Node> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Some(Node { span: start.start..span.end, value: Value::List(nodes) });
            }
            self.refuse_tabs_before(span.start);
            nodes.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, start: &Range<usize>, depth: usize) -> Option<Node> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                self.refuse_equal_keys(&entries);
                return Some(Node { span: start.start..span.end, value: Value::Map(entries) });
            }
            self.refuse_tabs_before(span.start);
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if let Some(text) = self.key(&key) {
                entries.push(Entry { key: text, key_span: key.span, value });
            }
        }
    }

    /// How far in an entry stands is counted in spaces; what a tab counts, nobody agrees about.
    fn refuse_tabs_before(&mut self, entry: usize) {
        if self.brackets > 0 {
            return;
        }
        let text = self.reporter.text();
        let line = text[..entry].rfind(['\n', '\r']).map_or(0, |end| end + 1);
        if let Some(at) = text[line..entry].find('\t') {
            self.reporter.report(Code::InvalidYaml, line + at..line + at + 1, "A tab stands before an entry.", "indent with spaces".to_owned());
        }
    }

    fn key(&mut self, key: &Node) -> Option<String> {
        match &key.value {
            Value::Text(Text { text, plain: true }) if text == "<<" => {
                self.alias(key.span.clone());
                None
            }
            Value::Text(text) => Some(text.text.clone()),
            _ => {
                let message = format!("A key must be text, and this is {}.", key.describe());
                self.reporter.report(Code::WrongType, key.span.clone(), message, None);
                None
            }
        }
    }

    fn refuse_equal_keys(&mut self, entries: &[Entry]) {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by(|a, b| (&a.key, a.key_span.start).cmp(&(&b.key, b.key_span.start)));
        for pair in sorted.windows(2).filter(|pair| pair[0].key == pair[1].key) {
            let message = format!("The key `{}` stands twice in this mapping.", pair[1].key);
            self.reporter.report(Code::DuplicateKey, pair[1].key_span.clone(), message, "delete one of the two".to_owned());
        }
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}
