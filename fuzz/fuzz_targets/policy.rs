//! Trust policies: whatever the text, a verdict, and one verdict for one text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_sts_policy::{ParseOptions, PolicyKind, TrustPolicy};

fuzz_target!(|text: &str| {
    for kind in [PolicyKind::Repository, PolicyKind::Organization] {
        let once = TrustPolicy::parse(text, kind, &ParseOptions::default());
        let again = TrustPolicy::parse(text, kind, &ParseOptions::default());
        assert_eq!(once.is_ok(), again.is_ok());
        if let Ok(parsed) = once {
            assert!(parsed.value.permissions().len() > 0);
        }
    }
});
