//! Expressions under construction: what Go's parser keeps on its stack.

use regex_syntax::hir::{Capture, Hir};

use super::flags::Flags;

/// Most nested operators, as in Go.
const HIGHEST: u32 = 1_000;

/// One finished operand.
pub(super) struct Item {
    pub(super) hir: Hir,
    /// The largest product of counted repetitions inside it: Go admits 1,000.
    pub(super) weight: u32,
    /// How deeply operators nest inside it.
    pub(super) height: u32,
}

/// One open group, or the whole pattern.
pub(super) struct Frame {
    /// The flags to go back to at its `)`.
    pub(super) outer: Flags,
    /// Its number when it captures.
    pub(super) capture: Option<u32>,
    pub(super) operands: Vec<Item>,
    branches: Vec<Item>,
}

impl Item {
    pub(super) fn leaf(hir: Hir) -> Self {
        Self { hir, weight: 1, height: 1 }
    }

    pub(super) fn nests_too_deeply(&self) -> bool {
        self.height > HIGHEST
    }

    fn join(items: Vec<Self>, join: fn(Vec<Hir>) -> Hir) -> Self {
        let weight = items.iter().map(|item| item.weight).max().unwrap_or(1);
        let height = items.iter().map(|item| item.height).max().unwrap_or(0) + u32::from(items.len() > 1);
        Self { hir: join(items.into_iter().map(|item| item.hir).collect()), weight, height }
    }
}

impl Frame {
    pub(super) fn new(outer: Flags, capture: Option<u32>) -> Self {
        Self { outer, capture, operands: Vec::new(), branches: Vec::new() }
    }

    /// At `|`: what was read so far is one branch.
    pub(super) fn end_branch(&mut self) {
        let operands = std::mem::take(&mut self.operands);
        self.branches.push(Item::join(operands, Hir::concat));
    }

    /// At `)`, or at the end: the whole group.
    pub(super) fn finish(mut self) -> Item {
        self.end_branch();
        let item = Item::join(self.branches, Hir::alternation);
        let Some(index) = self.capture else { return item };
        // The engine refuses equal names and nobody asks for one: groups are numbered only.
        let hir = Hir::capture(Capture { index, name: None, sub: Box::new(item.hir) });
        Item { hir, height: item.height + 1, ..item }
    }
}
