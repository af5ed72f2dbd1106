//! The faults in force, and what they do to a call.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Fault, Plan};
use crate::{call::Service, lock::lock, transport::Request};

/// The faults in force.
pub(crate) struct FaultBook {
    faults: Mutex<Vec<Fault>>,
    /// How many there are, so that calls without any fault take no lock.
    count: AtomicUsize,
    random: AtomicU64,
}

impl FaultBook {
    pub(crate) fn new(seed: u64) -> Self {
        Self { faults: Mutex::default(), count: AtomicUsize::new(0), random: AtomicU64::new(seed) }
    }

    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = lock(&self.faults);
        faults.push(fault);
        self.count.store(faults.len(), Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        let mut faults = lock(&self.faults);
        faults.clear();
        self.count.store(0, Ordering::Release);
    }

    /// What befalls this call. Counts it against the faults that fit.
    pub(crate) fn plan(&self, service: Service, class: &str, request: &Request) -> Plan {
        let mut plan = Plan::default();
        if self.count.load(Ordering::Acquire) == 0 {
            return plan;
        }
        let mut faults = lock(&self.faults);
        for fault in faults.iter_mut().filter(|fault| fault.fits(service, class, request)) {
            if plan.effect.is_some() && fault.effect.is_some() || !self.strikes(fault) {
                continue;
            }
            let delay = if fault.executes { &mut plan.after } else { &mut plan.before };
            *delay += fault.delay;
            if plan.effect.is_none() {
                plan.effect.clone_from(&fault.effect);
                plan.executes = fault.executes;
            }
        }
        faults.retain(|fault| fault.times != Some(0));
        self.count.store(faults.len(), Ordering::Release);
        plan
    }

    fn strikes(&self, fault: &mut Fault) -> bool {
        if fault.times == Some(0) || fault.share.is_some_and(|share| self.random() >= share) {
            return false;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            return false;
        }
        fault.times = fault.times.map(|times| times - 1);
        true
    }

    /// A number from 0 up to 1, by `SplitMix64`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which is what an f64 holds")]
    fn random(&self) -> f64 {
        let mut z = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Method;

    use super::{super::Effect, *};

    fn request(method: Method, path: &str) -> Request {
        Request { method, path: path.to_owned(), query: None, headers: http::HeaderMap::new(), body: Bytes::new() }
    }

    fn struck(book: &FaultBook) -> bool {
        book.plan(Service::GitHub, "contents", &request(Method::GET, "/repos/acme/app/contents/x")).effect.is_some()
    }

    #[test]
    fn a_fault_spares_and_then_strikes_as_often_as_it_says() {
        let book = FaultBook::new(1);
        book.add(Fault::on(Method::GET, "contents").after(1).times(2).hang());
        assert_eq!([struck(&book), struck(&book), struck(&book), struck(&book)], [false, true, true, false]);
    }

    #[test]
    fn a_fault_keeps_to_its_method_class_path_and_service() {
        let call = request(Method::GET, "/repos/acme/app/contents/x");
        for (fault, strikes) in [
            (Fault::on(Method::POST, "contents"), false),
            (Fault::on(Method::GET, "mint"), false),
            (Fault::on(Method::GET, "acme/app"), true),
            (Fault::on_any("contents").of(Service::Issuer), false),
            (Fault::on_any(""), true),
        ] {
            let book = FaultBook::new(1);
            book.add(fault.clone().hang());
            assert_eq!(book.plan(Service::GitHub, "contents", &call).effect.is_some(), strikes, "Input: {fault:?}");
        }
    }

    #[test]
    fn delays_add_up_and_the_first_ending_counts() {
        let book = FaultBook::new(1);
        book.add(Fault::on_any("contents").delay(Duration::from_millis(5)));
        book.add(Fault::on_any("contents").delay(Duration::from_millis(7)).times(1).reset());
        book.add(Fault::on_any("contents").times(1).hang());
        book.add(Fault::on_any("contents").delay(Duration::from_millis(9)).executed());
        let plan = book.plan(Service::GitHub, "contents", &request(Method::GET, "/"));
        assert_eq!((plan.before, plan.after), (Duration::from_millis(12), Duration::from_millis(9)));
        assert!(matches!(plan, Plan { effect: Some(Effect::Reset), executes: false, .. }));
        assert!(struck(&book), "the second ending was not used up");
    }

    #[test]
    fn a_share_is_met_closely() {
        let book = FaultBook::new(7);
        book.add(Fault::on_any("").share(0.01).hang());
        let strikes = (0..20_000).filter(|_| struck(&book)).count();
        assert!((140..260).contains(&strikes), "{strikes} of 20,000");
    }
}
