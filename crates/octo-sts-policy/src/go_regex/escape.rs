//! What follows a backslash outside brackets, and the escapes that stand for one code point anywhere.

use regex_syntax::hir::{ClassUnicode, Hir, Look};

use super::{
    error::{SyntaxError, SyntaxErrorKind as Kind},
    parser::Parser,
};

impl Parser<'_> {
    /// At `\`, outside brackets.
    pub(super) fn backslash(&mut self) -> Result<(), SyntaxError> {
        match self.cursor.peek(1) {
            Some(b'A') => self.push_after(2, Hir::look(Look::Start)),
            Some(b'z') => self.push_after(2, Hir::look(Look::End)),
            Some(b'b') => self.push_after(2, Hir::look(Look::WordAscii)),
            Some(b'B') => self.push_after(2, Hir::look(Look::WordAsciiNegate)),
            Some(b'C') => {
                let start = self.cursor.at;
                self.cursor.at += 2;
                return self.cursor.error(Kind::InvalidEscape, start);
            }
            Some(b'Q') => self.quotation(),
            _ => {
                let mut class = ClassUnicode::empty();
                if self.class_escape(&mut class)? {
                    self.push_class(class);
                } else {
                    let code_point = self.escape()?;
                    self.literal(code_point);
                }
            }
        }
        Ok(())
    }

    /// `\Q…\E`, or `\Q…` to the end.
    fn quotation(&mut self) {
        let body = &self.cursor.rest()[2..];
        let (quoted, after) = body.split_once("\\E").unwrap_or((body, ""));
        self.cursor.at = self.cursor.pattern.len() - after.len();
        quoted.chars().for_each(|c| self.literal(u32::from(c)));
    }

    /// An escape that stands for one code point, at its backslash.
    pub(super) fn escape(&mut self) -> Result<u32, SyntaxError> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let Some(c) = self.cursor.next() else { return self.cursor.error_to_end(Kind::TrailingBackslash, self.cursor.at) };
        let code_point = match c {
            '0'..='7' => self.octal(c),
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0C),
            'n' => Some(0x0A),
            'r' => Some(0x0D),
            't' => Some(0x09),
            'v' => Some(0x0B),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        match code_point {
            Some(code_point) => Ok(code_point),
            None => self.cursor.error(Kind::InvalidEscape, start),
        }
    }

    /// `\0`, `\07`, `\012`, `\123`; a lone digit from 1 to 7 would be a back reference, which Go has not.
    fn octal(&mut self, first: char) -> Option<u32> {
        if first != '0' && !matches!(self.cursor.peek(0), Some(b'0'..=b'7')) {
            return None;
        }
        let mut value = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.cursor.peek(0) else { break };
            self.cursor.at += 1;
            value = value * 8 + u32::from(digit - b'0');
        }
        Some(value)
    }

    /// `\x7F` or `\x{10FFFF}`, behind the `x`.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.cursor.next()?;
        if first != '{' {
            let high = first.to_digit(16)?;
            return Some(high * 16 + self.cursor.next()?.to_digit(16)?);
        }
        let (mut value, mut digits) = (0, 0);
        loop {
            match self.cursor.next()? {
                '}' => return (digits > 0).then_some(value),
                digit => value = value * 16 + digit.to_digit(16)?,
            }
            digits += 1;
            if value > u32::from(char::MAX) {
                return None;
            }
        }
    }
}
