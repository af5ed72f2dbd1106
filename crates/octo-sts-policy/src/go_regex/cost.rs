//! What a pattern costs, told before the price is paid.
//!
//! Work is counted in units of about ten nanoseconds, not measured, so that one file always gets one verdict.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};

/// Most states that a pattern may need: a few milliseconds of work, about a mebibyte. The engine's own limit in bytes is
/// reached at about the same size, but only once the work has been done.
pub(crate) const MOST_STATES: u64 = 8_000;
/// Most work that all patterns of one file may make together.
pub(crate) const MOST_WORK: u64 = 400_000;

/// Reading a letter or digit; an operator, group or class; each range of a class is one more.
pub(super) const LITERAL: u64 = 10;
pub(super) const OPERATOR: u64 = 40;
/// Making one state.
const STATE: u64 = 40;

/// The work of finding the other cases of a class: every character is looked up, of those beyond ASCII only the about
/// 3,000 that have cases.
pub(super) fn folding(class: &ClassUnicode) -> u64 {
    if class.ranges().last().is_none_or(|last| last.end().is_ascii()) {
        return OPERATOR;
    }
    let characters: u64 = class.ranges().iter().map(|range| u64::from(u32::from(range.end()) - u32::from(range.start())) + 1).sum();
    2_000 + class.ranges().len() as u64 + 8 * characters.min(3_000)
}

/// The work of compiling a pattern that has been read.
pub(crate) fn compiling(hir: &Hir) -> u64 {
    if let HirKind::Literal(_) = hir.kind() { 0 } else { states(hir).saturating_mul(STATE) }
}

/// An estimate of automaton states, repetitions multiplied out.
pub(crate) fn states(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(class) => class_states(class),
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min)).max(1);
            states(&repetition.sub).saturating_add(1).saturating_mul(times)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().fold(1, |sum, part| sum.saturating_add(states(part))),
    }
}

/// ASCII ranges are one transition each; others become sequences of bytes, which share states once there are many.
fn class_states(class: &Class) -> u64 {
    match class {
        Class::Unicode(class) => {
            let wide = class.ranges().iter().filter(|range| !range.end().is_ascii()).count() as u64;
            1 + class.ranges().len() as u64 / 4 + wide + 4 * wide.min(4)
        }
        Class::Bytes(class) => 1 + class.ranges().len() as u64 / 4,
    }
}
