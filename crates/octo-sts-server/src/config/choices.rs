//! Variables that choose one of a few words.

use octo_sts_exchange::{OrgGuardrails, Replay};
use octo_sts_policy::OrgPermissions;
use octo_sts_types::Printable;

/// What a repository's policy may grant over its organisation.
pub(super) fn org_permissions(text: &str) -> Result<OrgPermissions, String> {
    match text {
        "deny" => Ok(OrgPermissions::Deny),
        "read" => Ok(OrgPermissions::Read),
        "allow" => Ok(OrgPermissions::Allow),
        _ => Err(format!("`{}` is not known: write `deny`, `read` or `allow`", Printable(text))),
    }
}

/// How often one token may be exchanged.
pub(super) fn replay(text: &str) -> Result<Replay, String> {
    match text {
        "allow" => Ok(Replay::Allow),
        "once" => Ok(Replay::Once),
        _ => Err(format!("`{}` is not known: write `allow` or `once`", Printable(text))),
    }
}

/// Where the guardrails of organisations are read.
pub(super) fn org_guardrails(text: &str) -> Result<OrgGuardrails, String> {
    match text {
        "with-allowlist" => Ok(OrgGuardrails::WithAllowlist),
        "always" => Ok(OrgGuardrails::Always),
        _ => Err(format!("`{}` is not known: write `with-allowlist` or `always`", Printable(text))),
    }
}
