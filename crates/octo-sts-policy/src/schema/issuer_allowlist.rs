//! The issuer allowlist.

use serde_json::{Value, json};

use super::parts::{mode, object};

pub(super) fn schema() -> Value {
    let issuers = |description: &str, most: usize| json!({"description": description, "type": ["array", "null"], "maxItems": most, "items": {"type": ["string", "number", "boolean"]}});
    let properties = json!({
        "mode": mode("Whether other issuers are refused, or only recorded."),
        "issuers": issuers("Issuers that are admitted, byte for byte.", 256),
        "issuer_patterns": issuers("Go regular expressions for issuers that are admitted. None may match a slash that is not written in it.", 64),
    });
    object(
        "Trusted token issuers",
        "Which issuers an organisation admits: `.github/chainguard/trusted-token-issuers.yaml` in its policy repository.",
        &properties,
    )
}
