//! How large a pattern gets when it is compiled, told before compiling it.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most states a pattern may need. The engine's own limit in bytes is reached at about the same size, but only after the
/// work of building up to it has been done.
const MOST_STATES: u64 = 20_000;

/// Whether compiling stays within a few milliseconds and about a mebibyte.
pub(crate) fn is_affordable(hir: &Hir) -> bool {
    states(hir) <= MOST_STATES
}

/// An estimate of automaton states, repetitions multiplied out.
fn states(hir: &Hir) -> u64 {
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

/// ASCII ranges are one transition each; others become sequences of bytes, most of them shared.
fn class_states(class: &Class) -> u64 {
    match class {
        Class::Unicode(class) => {
            let wide = class.ranges().iter().filter(|range| !range.end().is_ascii()).count() as u64;
            1 + class.ranges().len() as u64 / 4 + wide
        }
        Class::Bytes(class) => 1 + class.ranges().len() as u64 / 4,
    }
}
