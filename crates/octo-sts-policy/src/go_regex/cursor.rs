//! A place in a pattern.

use super::error::{SyntaxError, SyntaxErrorKind};

/// A pattern and how far it has been read.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'p> {
    pub(super) pattern: &'p str,
    pub(super) at: usize,
}

impl<'p> Cursor<'p> {
    pub(super) fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    /// The byte `ahead` of the next one.
    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.pattern.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// An error about what was read since `start`.
    pub(super) fn error<T>(&self, kind: SyntaxErrorKind, start: usize) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(kind, self.pattern, start..self.at))
    }

    /// An error about everything from `start`.
    pub(super) fn error_to_end<T>(&self, kind: SyntaxErrorKind, start: usize) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(kind, self.pattern, start..self.pattern.len()))
    }
}
