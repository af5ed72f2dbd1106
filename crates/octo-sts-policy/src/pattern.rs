//! A regular expression that must match the whole value.

use std::fmt;

use regex_automata::{
    meta::{Config, Regex},
    nfa::thompson::WhichCaptures,
};
use regex_syntax::hir::{Hir, Look};

use crate::go_regex::{self, SyntaxError};

/// Longest pattern, in bytes.
pub const LONGEST_PATTERN: usize = 1_024;
/// Largest automaton, in bytes.
const LARGEST: usize = 1 << 20;
/// Longest value that is matched, in bytes; a longer one matches nothing.
const LONGEST_VALUE: usize = 8 << 10;

/// A Go regular expression that must match the whole value.
///
/// The pattern is compiled alone first, so that `a)|(b` cannot close the group around it, and then matched as
/// `\A(?:…)\z`: `a|b` means `a` or `b` and nothing longer, and `(?m)` inside does not loosen the ends.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More than 1,024 bytes.
    #[error("the pattern is {0} bytes long; {LONGEST_PATTERN} is the most")]
    TooLong(usize),
    /// Go's `regexp` refuses it, in these words.
    #[error(transparent)]
    Syntax(SyntaxError),
    /// Compiled, it would take more than a mebibyte.
    #[error("the pattern is too large when its repetitions are written out")]
    TooLarge,
}

impl Pattern {
    /// Compiles a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::compile(text, &Self::syntax(text)?)
    }

    /// The syntax tree of the pattern alone.
    pub(crate) fn syntax(text: &str) -> Result<Hir, PatternError> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternError::TooLong(text.len()));
        }
        go_regex::parse(text).map_err(PatternError::Syntax)
    }

    /// Compiles what [`Self::syntax`] read from `text`, with both ends fixed.
    pub(crate) fn compile(text: &str, syntax: &Hir) -> Result<Self, PatternError> {
        if !go_regex::is_affordable(syntax) {
            return Err(PatternError::TooLarge);
        }
        let whole = Hir::concat(vec![Hir::look(Look::Start), syntax.clone(), Hir::look(Look::End)]);
        let config = Config::new()
            .nfa_size_limit(Some(LARGEST))
            .onepass_size_limit(Some(LARGEST))
            .hybrid_cache_capacity(LARGEST)
            .which_captures(WhichCaptures::Implicit);
        let regex = Regex::builder().configure(config).build_from_hir(&whole).map_err(|_| PatternError::TooLarge)?;
        Ok(Self { text: text.into(), regex })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `value` matches.
    pub fn matches(&self, value: &str) -> bool {
        value.len() <= LONGEST_VALUE && self.regex.is_match(value)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(value)
    }

    /// T-070
    #[test]
    fn alternation_stays_inside_the_ends() {
        for value in ["a", "b"] {
            assert!(matches("a|b", value) && matches("^a|b$", value), "Input: {value}");
        }
        for value in ["axxx", "xxxb", "ab", ""] {
            assert!(!matches("a|b", value) && !matches("^a|b$", value), "Input: {value}");
        }
    }

    /// T-070
    #[test]
    fn a_pattern_cannot_close_the_group_around_it() {
        for pattern in [")|(", "a)|(b", "a)(?:b", "(", ")"] {
            assert!(matches!(Pattern::parse(pattern), Err(PatternError::Syntax(_))), "Input: {pattern}");
        }
    }

    /// T-071, T-072
    #[test]
    fn a_line_end_is_no_end() {
        assert!(!matches("(?m)a", "a\nb"));
        assert!(!matches("(?m)^a$", "a\nb"));
        assert!(!matches("a$", "a\n"));
        assert!(!matches(".*", "a\nb") && matches("(?s).*", "a\nb"));
    }

    /// T-074
    #[test]
    fn folding_is_go_s_folding() {
        assert!(matches("(?i)k", "\u{212a}"));
        assert!(matches("(?i)[k]", "K") && !matches("(?i)[^k]", "K"));
        // U+A7CB is the upper case of U+0264 since Unicode 16 only.
        assert!(!matches("(?i)\u{264}", "\u{a7cb}"));
    }

    /// T-075
    #[test]
    fn bombs_are_refused() {
        for pattern in [r"\pL{1000}", r"(?i)\pL{1000}", r"(a{1,500}b{1,500}){1,2}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}", r"(?:\PL{100}){10}"] {
            assert_eq!(Pattern::parse(pattern), Err(PatternError::TooLarge), "Input: {pattern}");
        }
        assert!(matches!(Pattern::parse("(x{0,1000}){0,1000}"), Err(PatternError::Syntax(_))));
        assert_eq!(Pattern::parse(&"a".repeat(1_025)), Err(PatternError::TooLong(1_025)));
        assert!(Pattern::parse(&"a".repeat(1_024)).is_ok());
    }

    /// T-075
    #[test]
    fn a_value_beyond_eight_kibibytes_matches_nothing() {
        assert!(matches("a*", &"a".repeat(8 << 10)));
        assert!(!matches("a*", &"a".repeat((8 << 10) + 1)));
    }
}
