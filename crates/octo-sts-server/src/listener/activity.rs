//! What a connection is doing, as its reader, its requests and its supervisor each see a part of it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::exchange::Receipt;

/// How long the head of a request may take from its first byte.
pub(crate) const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may do nothing.
pub(crate) const IDLE: Duration = Duration::from_mins(1);
/// How long one request may take from its head until its answer has been taken: its own deadline, and time to read.
pub(crate) const REQUEST: Duration = Duration::from_secs(30);
/// How often a connection is looked at when nothing is due earlier.
const LOOK: Duration = Duration::from_secs(5);

/// The state of one connection, shared by those who serve it.
#[derive(Debug)]
pub(crate) struct Activity {
    state: Mutex<State>,
    /// How many requests have ended.
    ended: AtomicU64,
    /// Tokens that were written to the connection and not yet flushed.
    unflushed: Mutex<Vec<Receipt>>,
    has_unflushed: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// When each request under way began.
    under_way: Vec<Instant>,
    /// How many streams of answers are open.
    streams: usize,
    idle_since: Instant,
    /// When the first byte of the next head came.
    head_since: Option<Instant>,
}

/// What is due for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing before this time.
    Wait(Instant),
    /// It has done nothing for too long: let it end in good order.
    Idle,
    /// A head or a request takes too long: end it.
    Stuck,
}

impl Activity {
    pub(crate) fn new(now: Instant) -> Self {
        let state = State { under_way: Vec::new(), streams: 0, idle_since: now, head_since: None };
        Self { state: Mutex::new(state), ended: AtomicU64::new(0), unflushed: Mutex::default(), has_unflushed: AtomicBool::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins; it must be ended with the same time.
    pub(crate) fn begin(&self, now: Instant) {
        let mut state = self.state();
        state.under_way.push(now);
        state.head_since = None;
    }

    /// The request that began at `began` has its answer, or never gets one.
    pub(crate) fn end(&self, began: Instant, now: Instant) {
        let mut state = self.state();
        if let Some(at) = state.under_way.iter().position(|other| *other == began) {
            state.under_way.swap_remove(at);
        }
        state.idle_since = now;
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// A stream of answers begins: while it is open the connection is not idle.
    pub(crate) fn stream_begins(&self) {
        self.state().streams += 1;
    }

    /// A stream of answers has ended.
    pub(crate) fn stream_ends(&self, now: Instant) {
        let mut state = self.state();
        state.streams = state.streams.saturating_sub(1);
        state.idle_since = now;
    }

    /// How many requests have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Bytes came that belong to no request under way.
    pub(crate) fn bytes_came(&self, now: Instant) {
        let mut state = self.state();
        if state.under_way.is_empty() && state.head_since.is_none() {
            state.head_since = Some(now);
        }
    }

    /// What is due.
    pub(crate) fn verdict(&self, now: Instant) -> Verdict {
        let state = self.state();
        let soonest = match (state.under_way.iter().min(), state.head_since) {
            (Some(oldest), _) => *oldest + REQUEST,
            (None, Some(since)) => since + HEAD,
            (None, None) if state.streams > 0 => return Verdict::Wait(now + LOOK),
            (None, None) if state.idle_since + IDLE <= now => return Verdict::Idle,
            (None, None) => state.idle_since + IDLE,
        };
        if soonest <= now { Verdict::Stuck } else { Verdict::Wait(soonest.min(now + LOOK)) }
    }

    /// An answer with a token was handed to the connection: the next flush delivers it.
    pub(crate) fn written(&self, receipt: Receipt) {
        self.unflushed.lock().unwrap_or_else(PoisonError::into_inner).push(receipt);
        self.has_unflushed.store(true, Ordering::Release);
    }

    /// Everything written so far has left this process.
    pub(crate) fn flushed(&self) {
        if self.has_unflushed.swap(false, Ordering::AcqRel) {
            let receipts = std::mem::take(&mut *self.unflushed.lock().unwrap_or_else(PoisonError::into_inner));
            receipts.into_iter().for_each(Receipt::delivered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    /// T-057
    #[test]
    fn each_phase_has_its_own_limit() {
        let start = Instant::now();
        let activity = Activity::new(start);
        assert_eq!(activity.verdict(after(start, 58)), Verdict::Wait(after(start, 60)));
        assert_eq!(activity.verdict(after(start, 60)), Verdict::Idle);
        activity.bytes_came(after(start, 50));
        activity.bytes_came(after(start, 58));
        assert_eq!(activity.verdict(after(start, 59)), Verdict::Wait(after(start, 60)));
        assert_eq!(activity.verdict(after(start, 60)), Verdict::Stuck);
        activity.begin(after(start, 59));
        assert_eq!(activity.verdict(after(start, 61)), Verdict::Wait(after(start, 66)));
        assert_eq!(activity.verdict(after(start, 89)), Verdict::Stuck);
        activity.end(after(start, 59), after(start, 70));
        assert_eq!(activity.verdict(after(start, 129)), Verdict::Wait(after(start, 130)));
    }

    #[test]
    fn a_token_is_delivered_by_the_flush_after_it_was_written() {
        let activity = Activity::new(Instant::now());
        let (receipt, fate) = Receipt::fake();
        activity.flushed();
        activity.written(receipt);
        assert_eq!(fate.get(), None);
        activity.flushed();
        assert_eq!(fate.get(), Some(true));
        let (receipt, fate) = Receipt::fake();
        activity.written(receipt);
        drop(activity);
        assert_eq!(fate.get(), Some(false));
    }
}
