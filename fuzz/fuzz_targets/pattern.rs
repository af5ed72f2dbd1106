//! Patterns: what compiles matches without a crash, and an alternation stays inside the anchors.

#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_sts_policy::Pattern;

fuzz_target!(|input: (&str, &str)| {
    let (text, value) = input;
    let Ok(pattern) = Pattern::parse(text) else { return };
    let alone = pattern.matches(value);
    if let Ok(grouped) = Pattern::parse(&format!("(?:{text})")) {
        assert_eq!(alone, grouped.matches(value));
    }
});
