//! The engine: a lazy DFA that reads a value once, from its first byte to its last.
//!
//! Every search here begins and ends at the ends of the value and asks for yes or no, so nothing is built for finding where
//! a match lies. States are made when a value first needs them, in a cache of bounded size, and the search is linear in the
//! value whatever the pattern.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use regex_automata::{
    Anchored, Input,
    hybrid::dfa::{self, Cache, DFA},
    nfa::thompson::{self, NFA, WhichCaptures},
    util::pool::Pool,
};
use regex_syntax::hir::{Hir, Look};

/// Largest automaton, and largest cache of states, in bytes.
const LARGEST: usize = 1 << 20;

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// A compiled pattern. Threads that match at the same time take a cache each.
pub(crate) struct Automaton {
    dfa: DFA,
    caches: Pool<Cache, NewCache>,
}

impl Automaton {
    /// Compiles the pattern with both ends fixed; `None` when it is too large.
    pub(crate) fn new(pattern: &Hir) -> Option<Self> {
        let whole = Hir::concat(vec![Hir::look(Look::Start), pattern.clone(), Hir::look(Look::End)]);
        let limits = thompson::Config::new().nfa_size_limit(Some(LARGEST)).which_captures(WhichCaptures::None);
        let nfa = NFA::compiler().configure(limits).build_from_hir(&whole).ok()?;
        let dfa = DFA::builder().configure(dfa::Config::new().cache_capacity(LARGEST)).build_from_nfa(nfa).ok()?;
        let template = dfa.clone();
        let new_cache: NewCache = Box::new(move || template.create_cache());
        Some(Self { dfa, caches: Pool::new(new_cache) })
    }

    /// Whether the whole value matches.
    pub(crate) fn matches(&self, value: &str) -> bool {
        let input = Input::new(value).anchored(Anchored::Yes).earliest(true);
        // No byte makes it quit and no number of emptied caches makes it give up, so there is always an answer.
        matches!(self.dfa.try_search_fwd(&mut self.caches.get(), &input), Ok(Some(_)))
    }
}

impl fmt::Debug for Automaton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automaton").finish_non_exhaustive()
    }
}
