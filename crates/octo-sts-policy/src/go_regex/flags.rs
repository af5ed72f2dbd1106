//! What follows `(?`: flags, groups with flags, named groups.

use super::{error::SyntaxError, error::SyntaxErrorKind as Kind, parser::Parser};

/// The switches of a part of a pattern.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the four switches of the syntax, free of each other")]
pub(super) struct Flags {
    /// `i`: letter case does not matter.
    pub(super) fold: bool,
    /// `m`: `^` and `$` match at line ends, too.
    pub(super) lines: bool,
    /// `s`: `.` matches a line feed, too.
    pub(super) dot_all: bool,
    /// `U`: `*` takes little and `*?` much.
    pub(super) lazy: bool,
}

impl Flags {
    fn set(&mut self, letter: char, on: bool) -> bool {
        match letter {
            'i' => self.fold = on,
            'm' => self.lines = on,
            's' => self.dot_all = on,
            'U' => self.lazy = on,
            _ => return false,
        }
        true
    }
}

impl Parser<'_> {
    /// At `(?`.
    pub(super) fn special_group(&mut self) -> Result<(), SyntaxError> {
        let rest = self.cursor.rest();
        if rest.len() > 4 && rest.starts_with("(?P<") {
            return self.named_group(4);
        }
        if rest.len() > 3 && rest.starts_with("(?<") {
            return self.named_group(3);
        }
        self.flag_group()
    }

    /// `(?P<name>` or `(?<name>`, whose name begins `skip` bytes on.
    fn named_group(&mut self, skip: usize) -> Result<(), SyntaxError> {
        let start = self.cursor.at;
        let Some(end) = self.cursor.rest().find('>') else { return self.cursor.error_to_end(Kind::InvalidNamedCapture, start) };
        let name = &self.cursor.rest()[skip..end];
        self.cursor.at += end + 1;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return self.cursor.error(Kind::InvalidNamedCapture, start);
        }
        self.open_capture();
        Ok(())
    }

    /// `(?i)`, `(?i:`, `(?i-s:`.
    fn flag_group(&mut self) -> Result<(), SyntaxError> {
        let start = self.cursor.at;
        self.cursor.at += 2;
        let (mut flags, mut on, mut seen) = (self.flags, true, false);
        while let Some(c) = self.cursor.next() {
            match c {
                '-' if on => (on, seen) = (false, false),
                ':' | ')' if on || seen => {
                    if c == ':' {
                        self.open(None);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                letter if flags.set(letter, on) => seen = true,
                _ => return self.cursor.error(Kind::InvalidPerlOp, start),
            }
        }
        self.cursor.error(Kind::InvalidPerlOp, start)
    }
}
