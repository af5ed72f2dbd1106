//! How large a pattern gets when it is compiled, told before compiling it.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most states that a pattern, or all patterns of one file together, may need: a few milliseconds of work, about a mebibyte.
/// The engine's own limit in bytes is reached at about the same size, but only once the work has been done.
pub(crate) const MOST_STATES: u64 = 8_000;

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
