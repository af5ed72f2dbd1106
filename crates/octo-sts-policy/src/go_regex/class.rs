//! Bracketed classes, and the escapes that stand for a class.

use regex_syntax::hir::ClassUnicode;

use super::{
    cost::folding,
    error::{SyntaxError, SyntaxErrorKind as Kind},
    fold, named,
    parser::Parser,
    property,
};

impl<'p> Parser<'p> {
    /// At `[`.
    pub(super) fn bracket(&mut self) -> Result<ClassUnicode, SyntaxError> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let negated = self.cursor.peek(0) == Some(b'^');
        self.cursor.at += usize::from(negated);
        let mut class = ClassUnicode::empty();
        // Folded once, all together: the variants of a union are the union of the variants.
        let mut spans = ClassUnicode::empty();
        let mut first = true;
        while first || self.cursor.peek(0) != Some(b']') {
            first = false;
            if !self.posix(&mut class)? && !self.class_escape(&mut class)? {
                self.span(start, &mut spans)?;
            }
        }
        self.cursor.at += 1;
        self.add(&mut class, &spans, false);
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// `[:alpha:]` inside brackets. True when there was one.
    fn posix(&mut self, class: &mut ClassUnicode) -> Result<bool, SyntaxError> {
        let rest = self.cursor.rest();
        let Some(end) = rest.strip_prefix("[:").and_then(|inside| inside.find(":]")) else { return Ok(false) };
        let start = self.cursor.at;
        self.cursor.at += end + 4;
        let name = &rest[2..end + 2];
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let Some(named) = named::posix(name) else { return self.cursor.error(Kind::InvalidCharRange, start) };
        self.add(class, &named, negated);
        Ok(true)
    }

    /// `\d`, `\pL`, `\p{Greek}`, at its backslash. True when there was one.
    pub(super) fn class_escape(&mut self, class: &mut ClassUnicode) -> Result<bool, SyntaxError> {
        if self.cursor.peek(0) != Some(b'\\') {
            return Ok(false);
        }
        match self.cursor.peek(1) {
            Some(b'p' | b'P') => self.property(class)?,
            Some(letter) => {
                let Some(perl) = named::perl(letter) else { return Ok(false) };
                self.cursor.at += 2;
                self.add(class, &perl, letter.is_ascii_uppercase());
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    fn property(&mut self, class: &mut ClassUnicode) -> Result<(), SyntaxError> {
        let start = self.cursor.at;
        let upper = self.cursor.peek(1) == Some(b'P');
        self.cursor.at += 2;
        let Some(c) = self.cursor.next() else { return self.cursor.error_to_end(Kind::InvalidCharRange, start) };
        let name = if c == '{' {
            let Some(end) = self.cursor.rest().find('}') else { return self.cursor.error_to_end(Kind::InvalidCharRange, start) };
            let name = &self.cursor.rest()[..end];
            self.cursor.at += end + 1;
            name
        } else {
            &self.cursor.pattern[start + 2..self.cursor.at]
        };
        let (name, negated) = name.strip_prefix('^').map_or((name, upper), |name| (name, !upper));
        let Some(mut property) = self.known_property(name) else { return self.cursor.error(Kind::InvalidCharRange, start) };
        if negated {
            property.negate();
        }
        self.unite(class, &property);
        Ok(())
    }

    /// The property's class, letter case seen to.
    fn known_property(&mut self, name: &'p str) -> Option<ClassUnicode> {
        let fold = self.flags.fold;
        if let Some((.., class)) = self.properties.iter().find(|(known, folded, _)| *known == name && *folded == fold) {
            return Some(class.clone());
        }
        let class = property::class(name)?;
        let class = if fold && property::folds(name) { self.folded(&class) } else { class };
        self.properties.push((name, fold, class.clone()));
        Some(class)
    }

    /// One code point, or two with `-` between them.
    fn span(&mut self, bracket: usize, spans: &mut ClassUnicode) -> Result<(), SyntaxError> {
        let start = self.cursor.at;
        let low = self.class_code_point(bracket)?;
        let mut high = low;
        if self.cursor.peek(0) == Some(b'-') && self.cursor.peek(1).is_some_and(|byte| byte != b']') {
            self.cursor.at += 1;
            high = self.class_code_point(bracket)?;
            if high < low {
                return self.cursor.error(Kind::InvalidCharRange, start);
            }
        }
        // Surrogates between the ends are code points to Go, and no text holds one.
        for (low, high) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
            if low <= high
                && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            {
                // Each is sorted in.
                self.work += spans.ranges().len() as u64;
                spans.push(fold::range(low, high));
            }
        }
        Ok(())
    }

    fn class_code_point(&mut self, bracket: usize) -> Result<u32, SyntaxError> {
        match self.cursor.peek(0) {
            Some(b'\\') => self.escape(),
            Some(_) => Ok(self.cursor.next().map_or(0, u32::from)),
            None => self.cursor.error_to_end(Kind::MissingBracket, bracket),
        }
    }

    fn add(&mut self, class: &mut ClassUnicode, part: &ClassUnicode, negated: bool) {
        let mut part = if self.flags.fold { self.folded(part) } else { part.clone() };
        if negated {
            part.negate();
        }
        self.unite(class, &part);
    }

    fn unite(&mut self, class: &mut ClassUnicode, part: &ClassUnicode) {
        self.work += (class.ranges().len() + part.ranges().len()) as u64;
        class.union(part);
    }

    /// The class with the other cases of its members.
    pub(super) fn folded(&mut self, class: &ClassUnicode) -> ClassUnicode {
        self.work += folding(class);
        fold::with_other_cases(class)
    }
}
