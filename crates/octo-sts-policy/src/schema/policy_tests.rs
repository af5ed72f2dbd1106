//! Test cases.

use serde_json::{Value, json};

use super::parts::{object, text};

pub(super) fn schema() -> Value {
    let mut case = object(
        "",
        "A token, and what is to become of it.",
        &json!({
            "name": text("What the case shows."),
            "scope": text("The scope asked for."),
            "claims": {"description": "The members of the token.", "type": "object", "required": ["iss", "sub"]},
            "expect": {"description": "What is to happen.", "enum": ["allow", "refuse"]},
            "why": text("What fails: `issuer`, `subject`, `audience`, or the name of a claim."),
        }),
    );
    case["required"] = json!(["claims", "expect"]);
    let mut schema = object(
        "Policy tests",
        "Cases beside a policy: `NAME.sts.test.yaml`.",
        &json!({"scope": text("The scope asked for: `OWNER` or `OWNER/REPOSITORY`."), "cases": {"type": "array", "minItems": 1, "items": case}}),
    );
    schema["required"] = json!(["cases"]);
    schema
}
