//! What is wrong with a pattern, in Go's words.

use std::{fmt, ops::Range};

/// Why a pattern does not parse. `Display` is the text Go's `regexp.Compile` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    kind: SyntaxErrorKind,
    span: Range<usize>,
    excerpt: Box<str>,
}

/// The kinds Go's `regexp/syntax` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// `[[:foo:]]`, `[z-a]`, `\p{Foo}`.
    InvalidCharRange,
    /// `\y`.
    InvalidEscape,
    /// `(?P<n.a>a)`.
    InvalidNamedCapture,
    /// `(?x)`.
    InvalidPerlOp,
    /// `a**`.
    InvalidRepeatOp,
    /// `a{1001}`.
    InvalidRepeatSize,
    /// `[a`.
    MissingBracket,
    /// `(a`.
    MissingParen,
    /// `*a`.
    MissingRepeatArgument,
    /// `a\`.
    TrailingBackslash,
    /// `a)`.
    UnexpectedParen,
    /// More than 1,000 levels.
    NestingDepth,
}

impl SyntaxErrorKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCharRange => "invalid character class range",
            Self::InvalidEscape => "invalid escape sequence",
            Self::InvalidNamedCapture => "invalid named capture",
            Self::InvalidPerlOp => "invalid or unsupported Perl syntax",
            Self::InvalidRepeatOp => "invalid nested repetition operator",
            Self::InvalidRepeatSize => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::NestingDepth => "expression nests too deeply",
        }
    }
}

impl SyntaxError {
    pub(crate) fn new(kind: SyntaxErrorKind, pattern: &str, span: Range<usize>) -> Self {
        Self { kind, excerpt: pattern[span.clone()].into(), span }
    }

    /// What is wrong.
    pub fn kind(&self) -> SyntaxErrorKind {
        self.kind
    }

    /// The bytes of the pattern it is wrong with.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.kind.as_str(), self.excerpt)
    }
}

impl std::error::Error for SyntaxError {}
