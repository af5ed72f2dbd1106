//! Trust policies, in repositories and of organisations.

use serde_json::{Value, json};

use super::parts::{excludes, list, object, one_required, pattern, permissions, repository, text};
use crate::PolicyKind;

pub(super) fn schema(kind: PolicyKind) -> Value {
    let (title, file, repositories) = match kind {
        PolicyKind::Repository => (
            "Trust policy",
            "`.github/chainguard/NAME.sts.yaml` in a repository",
            "The repositories the token holds for. Each but this one has to consent, by its own policy of the same name.",
        ),
        PolicyKind::Organization => (
            "Organisation trust policy",
            "`.github/chainguard/NAME.sts.yaml` in the organisation's policy repository",
            "The repositories the token holds for. Without it, asked for the whole organisation: all that the App can see.",
        ),
    };
    let properties = json!({
        "issuer": text("The `iss` of the tokens that are trusted, byte for byte."),
        "issuer_pattern": pattern("Which `iss` is trusted."),
        "subject": text("The `sub` of the tokens that are trusted, byte for byte."),
        "subject_pattern": pattern("Which `sub` is trusted."),
        "audience": text("The `aud` that tokens must have. Without it: the service's own."),
        "audience_pattern": pattern("Which `aud` tokens must have."),
        "claim_pattern": {
            "description": "Further claims that tokens must have: name, or path such as `kubernetes.io/namespace`, to pattern.",
            "type": ["object", "null"],
            "maxProperties": 64,
            "additionalProperties": {"type": ["string", "number", "boolean"], "maxLength": crate::LONGEST_PATTERN},
        },
        "permissions": permissions("What the token may do: at least one.", kind),
        "repositories": list(repositories, &repository(), 500),
        "app": text("The configured name of the App that may mint the token."),
        "app_pattern": pattern("Which App may mint the token, by its configured name."),
        "jwks": {
            "description": "The public keys of `issuer`, where the service cannot ask it: a JSON Web Key Set, as text or written out.",
            "type": ["object", "string", "null"],
            "maxLength": crate::trust_policy::LONGEST_KEYS,
            "required": ["keys"],
            "properties": {"keys": {"type": "array", "minItems": 1, "maxItems": crate::trust_policy::MOST_KEYS, "items": {"type": "object"}}},
        },
    });
    let mut schema = object(title, &format!("Who may act as NAME, and what they receive: {file}."), &properties);
    schema["required"] = json!(["permissions"]);
    schema["allOf"] = json!([
        one_required(["issuer", "issuer_pattern"]),
        one_required(["subject", "subject_pattern"]),
        excludes(["issuer", "issuer_pattern"]),
        excludes(["subject", "subject_pattern"]),
        excludes(["audience", "audience_pattern"]),
        excludes(["app", "app_pattern"]),
        {"if": {"required": ["jwks"], "properties": {"jwks": {"type": ["object", "string"]}}}, "then": {"required": ["issuer"]}},
    ]);
    schema
}
