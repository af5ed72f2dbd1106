//! Which App of a pool goes first.
//!
//! Quota decides by tiers: Apps well supplied, then Apps below the soft floor, then Apps below the hard floor. Within a
//! tier the chance of an App is what it has left. A token that may write checks goes to one App whoever asks when, because
//! GitHub lets only the App that made a check run change it: rendezvous hashing gives every (scope, identity, subject) a
//! fixed order over the pool, and an App that leaves moves only its own share.

use std::{sync::atomic::AtomicU64, sync::atomic::Ordering, time::Duration, time::Instant};

use aws_lc_rs::digest::{Context, SHA256};
use octo_sts_types::AppId;

/// When an App counts as short of quota.
#[derive(Clone, Copy, Debug)]
pub struct QuotaFloors {
    /// Below this many calls left, an App is the last choice.
    pub hard: u32,
    /// Below this many calls left, an App is a second choice.
    pub soft: u32,
    /// Older readings count as unknown.
    pub stale: Duration,
}

impl Default for QuotaFloors {
    fn default() -> Self {
        Self { hard: 1_500, soft: 5_000, stale: Duration::from_mins(5) }
    }
}

/// What is known of an App's quota with one installation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) left: u32,
    pub(crate) at: Instant,
}

/// Spreads choices evenly: the multiples of the golden ratio leave no gaps.
#[derive(Debug, Default)]
pub(crate) struct Spread(AtomicU64);

impl Spread {
    /// The next point in `[0, 1)`.
    pub(crate) fn next(&self) -> f64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let point = self.0.fetch_add(GOLDEN, Ordering::Relaxed) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
        let point = point as f64 / (1_u64 << 53) as f64;
        point
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Supplied,
    Short,
    Exhausted,
}

/// A reading that is not too old to go by.
fn fresh(quota: Option<Quota>, floors: &QuotaFloors, now: Instant) -> Option<u32> {
    quota.filter(|quota| now.saturating_duration_since(quota.at) <= floors.stale).map(|quota| quota.left)
}

/// An App that nothing is known of counts as much as the best one: nobody has used it lately.
fn tier(left: Option<u32>, best: u32, floors: &QuotaFloors) -> (Tier, u32) {
    match left {
        None => (Tier::Supplied, best),
        Some(left) if left >= floors.soft => (Tier::Supplied, left.max(1)),
        Some(left) if left >= floors.hard => (Tier::Short, left.max(1)),
        Some(left) => (Tier::Exhausted, left.max(1)),
    }
}

/// The order in which to try the Apps, as indices into `quotas`; `point` in `[0, 1)` picks among the best tier.
pub(crate) fn by_quota(quotas: &[Option<Quota>], floors: &QuotaFloors, now: Instant, point: f64) -> Vec<usize> {
    let readings: Vec<_> = quotas.iter().map(|quota| fresh(*quota, floors, now)).collect();
    let best = readings.iter().flatten().copied().max().unwrap_or_default().max(floors.soft).max(1);
    let tiers: Vec<_> = readings.iter().map(|left| tier(*left, best, floors)).collect();
    let mut order: Vec<usize> = (0..quotas.len()).collect();
    order.sort_by_key(|&at| (tiers[at].0, std::cmp::Reverse(tiers[at].1), at));
    let Some(best) = order.first().map(|&at| tiers[at].0) else { return order };
    let same = order.iter().take_while(|&&at| tiers[at].0 == best).count();
    let mut candidates: Vec<usize> = order[..same].to_vec();
    candidates.sort_unstable();
    let total: f64 = candidates.iter().map(|&at| f64::from(tiers[at].1)).sum();
    let mut mark = point * total;
    let chosen = candidates.iter().copied().find(|&at| {
        mark -= f64::from(tiers[at].1);
        mark < 0.0
    });
    if let Some(position) = chosen.and_then(|chosen| order.iter().position(|&at| at == chosen)) {
        order[..=position].rotate_right(1);
    }
    order
}

/// The fixed order of `apps` for one (scope, identity, subject).
///
/// The fields are hashed with their lengths, so that no two of them run into each other.
pub(crate) fn sticky(apps: &[AppId], scope: &str, identity: &str, subject: &str) -> Vec<usize> {
    let weight = |app: &AppId| {
        let mut hash = Context::new(&SHA256);
        for field in [scope, identity, subject] {
            hash.update(&(field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hash.update(&app.0.to_be_bytes());
        hash.finish().as_ref().to_vec()
    };
    let weights: Vec<_> = apps.iter().map(weight).collect();
    let mut order: Vec<usize> = (0..apps.len()).collect();
    order.sort_by(|&a, &b| weights[b].cmp(&weights[a]).then(apps[a].cmp(&apps[b])));
    order
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do to count from")]
mod tests {
    use super::*;

    fn quotas(left: &[Option<u32>], at: Instant) -> Vec<Option<Quota>> {
        left.iter().map(|left| left.map(|left| Quota { left, at })).collect()
    }

    #[test]
    fn an_app_below_a_floor_waits_behind_the_others() {
        let (now, floors) = (Instant::now(), QuotaFloors::default());
        for point in [0.0, 0.3, 0.6, 0.99] {
            let order = by_quota(&quotas(&[Some(100), Some(4_000), Some(9_000), None], now), &floors, now, point);
            assert_eq!(order[2..], [1, 0], "point {point}");
        }
    }

    #[test]
    fn a_stale_reading_counts_as_unknown() {
        let (start, floors) = (Instant::now(), QuotaFloors::default());
        let later = start + Duration::from_secs(301);
        assert_eq!(by_quota(&quotas(&[Some(0), None], start), &floors, later, 0.0)[0], 0);
    }

    #[test]
    fn equal_apps_share_the_load_within_two_percent() {
        let (now, floors, spread) = (Instant::now(), QuotaFloors::default(), Spread::default());
        let mut chosen = [0_u32; 5];
        for _ in 0..10_000 {
            chosen[by_quota(&quotas(&[None; 5], now), &floors, now, spread.next())[0]] += 1;
        }
        assert!(chosen.iter().all(|count| (1_960..=2_040).contains(count)), "{chosen:?}");
    }

    #[test]
    fn the_chance_of_an_app_is_what_it_has_left() {
        let (now, floors, spread) = (Instant::now(), QuotaFloors::default(), Spread::default());
        let readings = quotas(&[Some(15_000), Some(5_000)], now);
        let first = (0..10_000).filter(|_| by_quota(&readings, &floors, now, spread.next())[0] == 0).count();
        assert!((7_400..=7_600).contains(&first), "{first}");
    }

    #[test]
    fn an_app_that_was_not_heard_of_gets_as_much_as_the_best() {
        let (now, floors, spread) = (Instant::now(), QuotaFloors::default(), Spread::default());
        let readings = quotas(&[Some(10_000_000), None], now);
        let first = (0..10_000).filter(|_| by_quota(&readings, &floors, now, spread.next())[0] == 0).count();
        assert!((4_900..=5_100).contains(&first), "{first}");
    }

    /// T-101
    #[test]
    fn fields_of_a_sticky_key_do_not_run_into_each_other() {
        let apps: Vec<_> = (1..=64).map(AppId).collect();
        assert_ne!(sticky(&apps, "acme/app", "ci", "x"), sticky(&apps, "acme/appc", "i", "x"));
        assert_eq!(sticky(&apps, "acme/app", "ci", "x"), sticky(&apps, "acme/app", "ci", "x"));
    }

    #[test]
    fn an_app_that_leaves_moves_only_its_own_share() {
        let (five, four): (Vec<_>, Vec<_>) = ((1..=5).map(AppId).collect(), (1..=4).map(AppId).collect());
        for subject in (0..500).map(|at| format!("repo:acme/app:{at}")) {
            let before = five[sticky(&five, "acme/app", "ci", &subject)[0]];
            let after = four[sticky(&four, "acme/app", "ci", &subject)[0]];
            assert!(before == AppId(5) || before == after);
        }
    }
}
