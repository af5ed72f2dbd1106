//! Go's regular expressions: its grammar, its classes and its error texts, on the engine of `regex-automata`.
//!
//! Policies were written for Go's `regexp` (package version 1.26, Perl flags). Both engines match in linear time, but their
//! syntaxes part: `\d` is ASCII in Go, `[a&&b]` is a set of two letters, `\Q…\E` quotes, `a**` is an error. So the pattern
//! is read here, by Go's grammar, into the engine's own syntax tree; the engine's parser never sees it.
//!
//! | File | Reads |
//! |---|---|
//! | `parser` | alternations, groups, repetitions |
//! | `flags` | `(?i)`, `(?P<name>…)` |
//! | `escape` | `\n`, `\x{…}`, `\Q…\E`, `\b` |
//! | `class` | `[…]` |
//! | `named` | `\d`, `[[:alpha:]]` |
//! | `property` | `\p{…}` |
//! | `fold` | letter case |
//! | `cost` | how large the compiled pattern would be |

mod class;
mod cost;
mod cursor;
mod error;
mod escape;
mod flags;
mod fold;
mod named;
mod parser;
mod property;
mod stack;

pub(crate) use cost::{MOST_STATES, MOST_WORK, compiling, states};
pub use error::{SyntaxError, SyntaxErrorKind};

/// Reads a pattern by Go's grammar, and says how much work that was; more than [`MOST_WORK`] and the pattern means nothing.
pub(crate) fn parse(pattern: &str) -> (Result<regex_syntax::hir::Hir, SyntaxError>, u64) {
    let mut parser = parser::Parser::new(pattern);
    (parser.parse(), parser.work)
}
