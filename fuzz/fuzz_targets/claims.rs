//! Claims: strict JSON, and what is read from it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_sts_types::{ClaimSet, json};

fuzz_target!(|bytes: &[u8]| {
    let Ok(members) = json::parse_strict_object(bytes) else { return };
    for name in members.keys().cloned().collect::<Vec<_>>() {
        if let Ok(claims) = ClaimSet::from_members(members.clone()) {
            let _ = octo_sts_policy::find_claim(&claims, &name);
            let _ = claims.time("exp");
        }
    }
});
