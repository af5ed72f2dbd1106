//! Alternations, groups and repetitions.

use regex_syntax::hir::{Class, ClassUnicode, Dot, Hir, Look, Repetition};

use super::{
    cost::{LITERAL, MOST_WORK, OPERATOR},
    cursor::Cursor,
    error::{SyntaxError, SyntaxErrorKind as Kind},
    flags::Flags,
    fold,
    stack::{Frame, Item},
};

/// The largest count of a repetition, alone or multiplied through nested ones.
const MOST_REPEATS: u32 = 1_000;

pub(super) struct Parser<'p> {
    pub(super) cursor: Cursor<'p>,
    pub(super) flags: Flags,
    /// The group being read.
    group: Frame,
    /// The groups around it.
    outer: Vec<Frame>,
    captures: u32,
    /// Classes of `\p{…}` met before, by name and whether letter case mattered: a pattern may name one hundreds of times.
    pub(super) properties: Vec<(&'p str, bool, ClassUnicode)>,
    /// What reading has cost so far.
    pub(super) work: u64,
}

/// A repetition as written: `*`, `+?`, `{2,3}`.
struct Repeat {
    start: usize,
    min: u32,
    max: Option<u32>,
    counted: bool,
}

impl<'p> Parser<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        let flags = Flags::default();
        let group = Frame::new(flags, None);
        Self { cursor: Cursor { pattern, at: 0 }, flags, group, outer: Vec::new(), captures: 0, properties: Vec::new(), work: 0 }
    }

    /// The whole pattern; something meaningless, unread to its end, once the work is more than [`MOST_WORK`].
    pub(super) fn parse(&mut self) -> Result<Hir, SyntaxError> {
        let mut last_repeat = None;
        while let Some(byte) = self.cursor.peek(0) {
            self.work += if byte.is_ascii_alphanumeric() { LITERAL } else { OPERATOR };
            last_repeat = self.operator(byte, last_repeat)?;
            if self.work > MOST_WORK {
                return Ok(Hir::fail());
            }
        }
        if !self.outer.is_empty() {
            return self.cursor.error_to_end(Kind::MissingParen, 0);
        }
        let whole = std::mem::replace(&mut self.group, Frame::new(self.flags, None)).finish();
        if whole.nests_too_deeply() {
            return self.cursor.error_to_end(Kind::NestingDepth, 0);
        }
        Ok(whole.hir)
    }

    /// Reads one operator or operand; says where a repetition began, when it was one.
    fn operator(&mut self, byte: u8, last_repeat: Option<usize>) -> Result<Option<usize>, SyntaxError> {
        match byte {
            b'(' if self.cursor.peek(1) == Some(b'?') => self.special_group()?,
            b'(' => {
                self.cursor.at += 1;
                self.open_capture();
            }
            b')' => self.close()?,
            b'|' => {
                self.cursor.at += 1;
                self.group.end_branch();
            }
            b'^' => self.push_after(1, Hir::look(if self.flags.lines { Look::StartLF } else { Look::Start })),
            b'$' => self.push_after(1, Hir::look(if self.flags.lines { Look::EndLF } else { Look::End })),
            b'.' => self.push_after(1, Hir::dot(if self.flags.dot_all { Dot::AnyChar } else { Dot::AnyCharExceptLF })),
            b'[' => {
                let class = self.bracket()?;
                self.push_class(class);
            }
            b'*' | b'+' | b'?' => return self.symbol_repeat(byte, last_repeat),
            b'{' => return self.counted_repeat(last_repeat),
            b'\\' => self.backslash()?,
            _ => {
                if let Some(c) = self.cursor.next() {
                    self.literal(u32::from(c));
                }
            }
        }
        Ok(None)
    }

    fn symbol_repeat(&mut self, symbol: u8, last: Option<usize>) -> Result<Option<usize>, SyntaxError> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let (min, max) = match symbol {
            b'*' => (0, None),
            b'+' => (1, None),
            _ => (0, Some(1)),
        };
        self.repeat(&Repeat { start, min, max, counted: false }, last)
    }

    /// `{2}`, `{2,}`, `{2,3}`; a brace that is none of these stands for itself.
    fn counted_repeat(&mut self, last: Option<usize>) -> Result<Option<usize>, SyntaxError> {
        let start = self.cursor.at;
        let Some((min, max)) = self.counts() else {
            self.cursor.at = start + 1;
            self.literal(u32::from('{'));
            return Ok(None);
        };
        if min > MOST_REPEATS || max.is_some_and(|max| max > MOST_REPEATS || min > max) {
            return self.cursor.error(Kind::InvalidRepeatSize, start);
        }
        self.repeat(&Repeat { start, min, max, counted: true }, last)
    }

    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        self.cursor.at += 1;
        let min = self.number()?;
        let mut max = Some(min);
        if self.cursor.peek(0)? == b',' {
            self.cursor.at += 1;
            max = if self.cursor.peek(0)? == b'}' { None } else { Some(self.number()?) };
        }
        (self.cursor.peek(0)? == b'}').then(|| {
            self.cursor.at += 1;
            (min, max)
        })
    }

    /// A decimal without leading zeros; what is too long to be a count is simply too large.
    fn number(&mut self) -> Option<u32> {
        let rest = self.cursor.rest();
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        if digits.is_empty() || (digits.len() >= 2 && digits.starts_with('0')) {
            return None;
        }
        self.cursor.at += digits.len();
        Some(digits.parse().unwrap_or(u32::MAX))
    }

    fn repeat(&mut self, repeat: &Repeat, last: Option<usize>) -> Result<Option<usize>, SyntaxError> {
        let mut greedy = !self.flags.lazy;
        if self.cursor.peek(0) == Some(b'?') {
            self.cursor.at += 1;
            greedy = !greedy;
        }
        if let Some(last) = last {
            return self.cursor.error(Kind::InvalidRepeatOp, last);
        }
        let Some(operand) = self.group.operands.pop() else { return self.cursor.error(Kind::MissingRepeatArgument, repeat.start) };
        let weight = repeat.weight(operand.weight);
        if weight > MOST_REPEATS {
            return self.cursor.error(Kind::InvalidRepeatSize, repeat.start);
        }
        let hir = Hir::repetition(Repetition { min: repeat.min, max: repeat.max, greedy, sub: Box::new(operand.hir) });
        let item = Item { hir, weight, height: operand.height + 1 };
        if item.nests_too_deeply() {
            return self.cursor.error_to_end(Kind::NestingDepth, 0);
        }
        self.group.operands.push(item);
        Ok(Some(repeat.start))
    }

    pub(super) fn open_capture(&mut self) {
        self.captures += 1;
        self.open(Some(self.captures));
    }

    pub(super) fn open(&mut self, capture: Option<u32>) {
        let inner = Frame::new(self.flags, capture);
        self.outer.push(std::mem::replace(&mut self.group, inner));
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(outer) = self.outer.pop() else { return self.cursor.error_to_end(Kind::UnexpectedParen, 0) };
        self.cursor.at += 1;
        let group = std::mem::replace(&mut self.group, outer);
        self.flags = group.outer;
        let item = group.finish();
        if item.nests_too_deeply() {
            return self.cursor.error_to_end(Kind::NestingDepth, 0);
        }
        self.group.operands.push(item);
        Ok(())
    }

    pub(super) fn push_after(&mut self, bytes: usize, hir: Hir) {
        self.cursor.at += bytes;
        self.group.operands.push(Item::leaf(hir));
    }

    pub(super) fn push_class(&mut self, class: ClassUnicode) {
        self.work += class.ranges().len() as u64;
        self.group.operands.push(Item::leaf(Hir::class(Class::Unicode(class))));
    }

    /// One code point. Go accepts surrogates; no text holds one, so such a literal matches nothing.
    pub(super) fn literal(&mut self, code_point: u32) {
        let Some(c) = char::from_u32(code_point) else { return self.push_after(0, Hir::fail()) };
        if self.flags.fold {
            let folded = self.folded(&ClassUnicode::new([fold::range(c, c)]));
            return self.push_class(folded);
        }
        let mut utf8 = [0; 4];
        self.push_after(0, Hir::literal(c.encode_utf8(&mut utf8).as_bytes()));
    }
}

impl Repeat {
    /// Go multiplies the counts of nested counted repetitions; `{0}` and `{0,0}` end the product.
    fn weight(&self, operand: u32) -> u32 {
        match (self.counted, self.max) {
            (true, Some(0)) => 1,
            (true, max) => max.unwrap_or(self.min).max(1).saturating_mul(operand),
            (false, _) => operand,
        }
    }
}
