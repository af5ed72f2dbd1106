//! Guardrails.

use serde_json::{Map, Value, json};

use super::parts::{all_permissions, list, mode, object, pattern, permission_names, repository, text};

/// Lists have no bound of their own; the file has.
const ANY_NUMBER: usize = 2_000;

pub(super) fn schema() -> Value {
    let claim = || json!({"type": ["string", "number", "boolean"]});
    let properties = json!({
        "mode": mode("Whether bounds are enforced, or only recorded."),
        "policy_source": {"description": "`org`: policies in repositories give nothing.", "enum": ["org", "any", "", null], "default": "any"},
        "permissions": all_permissions("The most that any policy gives. What is not listed is not given."),
        "denied_permissions": list("Permissions that no policy gives.", &json!({"enum": permission_names()}), ANY_NUMBER),
        "issuers": issuers(),
        "require_claims": list(
            "Claims that a policy has to pin: a name, a list of which one is enough, or the same for one issuer.",
            &json!({"anyOf": [
                claim(),
                {"type": "array", "minItems": 1, "items": claim()},
                required_claims(),
            ]}),
            ANY_NUMBER,
        ),
        "refuse_events": list("Values of the claim `event_name` that get nothing.", &claim(), ANY_NUMBER),
        "delegation": list("Repositories whose policies may reach other repositories without their consent.", &delegation(), ANY_NUMBER),
        "max_token_life": text("The longest time between `iat` and `exp` of a caller's token, for instance `15m`."),
        "single_use": {"description": "Whether a caller's token, by its `jti`, counts once.", "type": ["boolean", "null", "string"]},
    });
    object("Guardrails", "What bounds every policy of an organisation: `.github/chainguard/guardrails.yaml` in its policy repository.", &properties)
}

fn issuers() -> Value {
    let issuer = json!({"anyOf": [
        {"type": ["string", "number", "boolean"]},
        object("", "An issuer, or a pattern of issuers.", &json!({"issuer": text("Byte for byte."), "issuer_pattern": pattern("Which issuers.")})),
    ]});
    let rule = |description: &str| list(description, &issuer, ANY_NUMBER);
    let mut rules = Map::new();
    rules.insert("any".to_owned(), rule("The issuers whose tokens get anything at all."));
    for level in ["read", "write", "admin"] {
        rules.insert(level.to_owned(), rule(&format!("The issuers whose tokens get permissions at `{level}` and above.")));
    }
    for name in permission_names() {
        rules.insert(name.to_owned(), rule(&format!("The issuers whose tokens get `{name}`.")));
    }
    json!({"description": "Which issuers' tokens get what.", "type": ["object", "null"], "additionalProperties": false, "properties": rules})
}

fn required_claims() -> Value {
    let mut entry = object(
        "",
        "Claims for one issuer's tokens.",
        &json!({
            "issuer": text("Whose tokens."),
            "issuer_pattern": pattern("Whose tokens."),
            "any_of": list("One of these is enough.", &json!({"type": ["string", "number", "boolean"]}), ANY_NUMBER),
        }),
    );
    entry["required"] = json!(["any_of"]);
    entry
}

fn delegation() -> Value {
    let mut entry = object(
        "",
        "Policies in `from` may give tokens over `to`.",
        &json!({
            "from": list("Repositories that hold the policies.", &repository(), 500),
            "to": list("Repositories that the tokens hold for.", &repository(), 500),
            "permissions": all_permissions("The most that they give there."),
        }),
    );
    entry["required"] = json!(["from", "to"]);
    entry
}
