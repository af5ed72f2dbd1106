//! Letter case.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::property;

pub(super) fn range(low: char, high: char) -> ClassUnicodeRange {
    ClassUnicodeRange::new(low, high)
}

/// The class with every simple case variant of its members: `k` brings `K` and the Kelvin sign.
///
/// Code points that Go's Unicode version does not assign neither have variants nor are any.
pub(super) fn with_other_cases(class: &ClassUnicode) -> ClassUnicode {
    let mut folded = class.clone();
    let ascii = class.ranges().last().is_none_or(|last| last.end().is_ascii());
    if !ascii {
        // Folding looks at every code point: of large classes only those are left that have variants.
        folded.intersect(property::cased());
    }
    // The tables are compiled in (feature `unicode-case`); without them nothing folds.
    if folded.try_case_fold_simple().is_err() {
        return class.clone();
    }
    if !ascii {
        folded.intersect(property::assigned());
        folded.union(class);
    }
    folded
}
