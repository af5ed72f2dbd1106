//! Issuer allowlists: what is admitted has no more slashes than a pattern of the list writes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_sts_policy::IssuerAllowlist;
use octo_sts_types::Issuer;

fuzz_target!(|input: (&str, &str)| {
    let (text, issuer) = input;
    if let (Ok(list), Ok(issuer)) = (IssuerAllowlist::parse(text), Issuer::parse(issuer))
        && list.value.admits(&issuer)
    {
        let slashes = |text: &str| text.matches('/').count();
        assert!(slashes(issuer.as_str()) <= slashes(text));
    }
});
