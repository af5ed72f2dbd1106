//! Where something stands in a file.

use std::ops::Range;

use serde::Serialize;

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its bytes.
    pub bytes: Range<usize>,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The character it begins at in its line, from 1.
    pub column: usize,
    /// The line it ends on.
    pub end_line: usize,
    /// The character behind its last one.
    pub end_column: usize,
}

/// A file's text, with the places of its lines.
pub(crate) struct Source<'t> {
    pub(crate) text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, line_starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The span of these bytes, kept inside the text and on character boundaries.
    pub(crate) fn span(&self, bytes: Range<usize>) -> Span {
        let start = self.boundary(bytes.start);
        let end = self.boundary(bytes.end).max(start);
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end);
        Span { bytes: start..end, line, column, end_line, end_column }
    }

    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        (line, self.text[start..at].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = Source::new("a\né: b\r\nc");
        let at = |bytes: Range<usize>| {
            let span = source.span(bytes);
            (span.line, span.column, span.end_line, span.end_column)
        };
        assert_eq!(at(0..1), (1, 1, 1, 2));
        assert_eq!(at(4..6), (2, 2, 2, 4));
        assert_eq!(at(9..10), (3, 1, 3, 2));
        assert_eq!(at(9..99), (3, 1, 3, 2));
        assert_eq!(source.span(3..3).bytes, 2..2);
    }
}
