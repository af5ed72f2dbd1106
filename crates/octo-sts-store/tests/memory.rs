//! What a store in memory costs. Alone in its process, whose memory it measures.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

use std::sync::Arc;

use octo_sts_store::{Key, MemoryRoutes, ROUTE_TTL, StickyStore as _};
use octo_sts_types::{AppId, SystemClock};

/// Memory of this process that is in use, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// T-102
#[tokio::test]
async fn a_million_subjects_cost_no_more_than_64_mib() {
    let before = resident();
    let routes = MemoryRoutes::new(MemoryRoutes::CAPACITY, ROUTE_TTL, Arc::new(SystemClock));
    let key = |number: u64| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        Key::from_digest(digest)
    };
    for number in 0..1_000_000 {
        routes.assign(&key(number), AppId(number), None).await.unwrap();
    }
    assert_eq!((routes.get(&key(0)).await.unwrap(), routes.get(&key(999_999)).await.unwrap()), (None, Some(AppId(999_999))));
    let grown = resident().saturating_sub(before);
    assert!(grown <= 64 * 1024 * 1024, "{} MiB", grown / 1024 / 1024);
    println!("{} KiB for {} routes", grown / 1024, MemoryRoutes::CAPACITY);
}
