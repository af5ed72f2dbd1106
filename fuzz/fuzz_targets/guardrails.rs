//! Guardrails: whatever the text, a verdict.

#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_sts_policy::Guardrails;

fuzz_target!(|text: &str| {
    let once = Guardrails::parse(text).map(|parsed| parsed.value);
    let again = Guardrails::parse(text).map(|parsed| parsed.value);
    assert_eq!(once.ok(), again.ok());
});
