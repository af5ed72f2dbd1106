//! What several schemas share.

use octo_sts_types::{Category, Level, Permission};
use serde_json::{Map, Value, json};

use crate::{LONGEST_PATTERN, OrgPermissions, PolicyKind, trust_policy::allowed_levels};

/// A mapping with these fields and no others.
pub(super) fn object(title: &str, description: &str, properties: &Value) -> Value {
    json!({"title": title, "description": description, "type": "object", "additionalProperties": false, "properties": properties})
}

/// Text; YAML readers hand over unquoted numbers and booleans as such, and null is as if absent.
pub(super) fn text(description: &str) -> Value {
    json!({"description": description, "type": ["string", "number", "boolean", "null"]})
}

pub(super) fn pattern(description: &str) -> Value {
    let mut schema = text(&format!("{description} A Go (RE2) regular expression that must match the whole value."));
    schema["maxLength"] = LONGEST_PATTERN.into();
    schema
}

/// A list that is not empty where it stands.
pub(super) fn list(description: &str, items: &Value, most: usize) -> Value {
    json!({"description": description, "type": "array", "minItems": 1, "maxItems": most, "items": items})
}

pub(super) fn mode(description: &str) -> Value {
    json!({"description": description, "enum": ["enforce", "audit", "", null], "default": "enforce"})
}

pub(super) fn repository() -> Value {
    json!({"description": "A repository, alone or behind its owner.", "type": ["string", "number", "boolean"]})
}

/// Two fields that exclude each other, unless one is empty.
pub(super) fn excludes(names: [&str; 2]) -> Value {
    let given = json!({"not": {"enum": ["", null]}});
    json!({"not": {"required": names, "properties": {names[0]: given, names[1]: given}}})
}

pub(super) fn one_required(names: [&str; 2]) -> Value {
    json!({"anyOf": [{"required": [names[0]]}, {"required": [names[1]]}]})
}

/// Names and levels that a policy of this kind may give.
pub(super) fn permissions(description: &str, kind: PolicyKind) -> Value {
    permissions_where(description, |permission| allowed_levels(permission, kind, OrgPermissions::default()))
}

/// Every name at every level.
pub(super) fn all_permissions(description: &str) -> Value {
    permissions_where(description, Permission::levels)
}

fn permissions_where(description: &str, levels: impl Fn(Permission) -> &'static [Level]) -> Value {
    let properties: Map<_, _> = Permission::all()
        .filter(|permission| !levels(*permission).is_empty())
        .map(|permission| (permission.name().to_owned(), json!({"description": reach(permission), "enum": level_names(levels(permission))})))
        .collect();
    json!({"description": description, "type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties})
}

fn level_names(levels: &[Level]) -> Vec<&'static str> {
    levels.iter().map(|level| level.as_str()).collect()
}

fn reach(permission: Permission) -> &'static str {
    match (permission.category(), permission.is_documented()) {
        (Category::Repository, true) => "Over repositories.",
        (Category::Organization, true) => "Over the organisation.",
        (Category::Account, true) => "Over a user's own account.",
        (Category::Enterprise, true) => "Over the enterprise.",
        (_, false) => "Not in GitHub's published list.",
    }
}

pub(super) fn permission_names() -> Vec<&'static str> {
    Permission::all().map(Permission::name).collect()
}
