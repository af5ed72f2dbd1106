//! A regular expression that must match the whole value.

use std::{fmt, sync::Arc};

use regex_syntax::hir::{Hir, HirKind, Literal};

use crate::{
    automaton::Automaton,
    go_regex::{self, SyntaxError},
};

/// Longest pattern, in bytes.
pub const LONGEST_PATTERN: usize = 1_024;
/// Longest value that is matched, in bytes; a longer one matches nothing.
const LONGEST_VALUE: u64 = 8 << 10;
/// Most steps that one match may take, bytes times states: whoever writes both policy and token gets no more of our time.
const MOST_STEPS: u64 = 2_000_000;

/// A Go regular expression that must match the whole value.
///
/// The pattern is compiled alone first, so that `a)|(b` cannot close the group around it, and then matched as
/// `\A(?:…)\z`: `a|b` means `a` or `b` and nothing longer, and `(?m)` inside does not loosen the ends.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    engine: Engine,
}

/// Many patterns are one text with its dots escaped, and need no automaton.
#[derive(Clone)]
enum Engine {
    Literal(Box<[u8]>),
    Automaton {
        automaton: Arc<Automaton>,
        /// Longest value that it is tried on, in bytes: 8 KiB for patterns of up to 244 states, less for larger ones.
        longest: u64,
    },
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
    /// The patterns of its file would take too long to compile.
    #[error("the patterns of this file are too large together")]
    TooMuchTogether,
}

impl Pattern {
    /// Compiles a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::compile(text, &Self::syntax(text)?)
    }

    /// Compiles a pattern as far as `spend` agrees to the work, which is asked with 0 whether any is left.
    pub(crate) fn parse_within(text: &str, mut spend: impl FnMut(u64) -> bool) -> Result<Self, PatternError> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternError::TooLong(text.len()));
        }
        if !spend(0) {
            return Err(PatternError::TooMuchTogether);
        }
        let (syntax, work) = go_regex::parse(text);
        let syntax = syntax.map_err(PatternError::Syntax);
        let affordable = spend(work);
        let syntax = syntax?;
        if work > go_regex::MOST_WORK || go_regex::states(&syntax) > go_regex::MOST_STATES {
            return Err(PatternError::TooLarge);
        }
        if !affordable || !spend(go_regex::compiling(&syntax)) {
            return Err(PatternError::TooMuchTogether);
        }
        Self::compile(text, &syntax)
    }

    /// The syntax tree of the pattern alone.
    pub(crate) fn syntax(text: &str) -> Result<Hir, PatternError> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternError::TooLong(text.len()));
        }
        let (syntax, work) = go_regex::parse(text);
        if work > go_regex::MOST_WORK { Err(PatternError::TooLarge) } else { syntax.map_err(PatternError::Syntax) }
    }

    /// Compiles what [`Self::syntax`] read from `text`, with both ends fixed.
    pub(crate) fn compile(text: &str, syntax: &Hir) -> Result<Self, PatternError> {
        if let HirKind::Literal(Literal(bytes)) = syntax.kind() {
            return Ok(Self { text: text.into(), engine: Engine::Literal(bytes.clone()) });
        }
        let states = go_regex::states(syntax);
        if states > go_regex::MOST_STATES {
            return Err(PatternError::TooLarge);
        }
        let automaton = Automaton::new(syntax).ok_or(PatternError::TooLarge)?;
        let longest = (MOST_STEPS / states.max(1)).min(LONGEST_VALUE);
        Ok(Self { text: text.into(), engine: Engine::Automaton { automaton: Arc::new(automaton), longest } })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `value` matches.
    pub fn matches(&self, value: &str) -> bool {
        match &self.engine {
            Engine::Literal(bytes) => **bytes == *value.as_bytes(),
            Engine::Automaton { automaton, longest } => value.len() as u64 <= *longest && automaton.matches(value),
        }
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
        assert!(matches(".{1,255}", &"a".repeat(255)));
        assert!(matches("(a?){1000}", &"a".repeat(300)) && !matches("a*(a?){1000}", &"a".repeat(2_000)));
    }
}
