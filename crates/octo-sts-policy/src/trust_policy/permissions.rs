//! `permissions`: names, levels, and what a policy of which kind may give.

use octo_sts_types::{Category, Level, Permission, Permissions};

use super::{OrgPermissions, PolicyKind};
use crate::{
    diagnostics::{Code, Reporter},
    fields::{self, Fields, Located, list},
    yaml::{Entry, Node, Value},
};

/// What people write for the projects permissions, by its own name.
const PROJECTS: &str = "write `repository_projects` or `organization_projects`";

pub(super) fn of_policy(fields: &Fields<'_>, kind: PolicyKind, org: OrgPermissions, reporter: &mut Reporter<'_>) -> Option<Permissions> {
    let entry = fields.entry("permissions");
    let Some(entry) = entry.filter(|entry| !is_empty(&entry.value)) else {
        let span = entry.map_or(0..0, |entry| entry.key_span.clone());
        let message = "The policy gives no permissions, which GitHub would read as all of them.";
        reporter.report(Code::MissingPermissions, span, message, "write for instance `permissions: {contents: read}`".to_owned());
        return None;
    };
    let listed = read_permissions(&entry.value, "`permissions`", reporter);
    for (entry, permission, level) in &listed {
        check_reach(entry, *permission, *level, kind, org, reporter);
    }
    Permissions::new(listed.iter().map(|(_, permission, level)| (*permission, *level))).ok()
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A mapping of permissions to levels; what is no such pair is reported and left out.
pub(crate) fn read_permissions<'n>(node: &'n Node, what: &str, reporter: &mut Reporter<'_>) -> Vec<(&'n Entry, Permission, Level)> {
    let mut listed = Vec::new();
    for entry in fields::entries(node, what, reporter) {
        let key = Located { text: &entry.key, span: entry.key_span.clone(), verbatim: true };
        let permission = read_permission(&key, reporter);
        let level = read_level(&entry.value, permission, reporter);
        if let (Some(permission), Some(level)) = (permission, level) {
            listed.push((entry, permission, level));
        }
    }
    listed
}

/// The permission of this name, or a report of what was probably meant.
pub(crate) fn read_permission(name: &Located<'_>, reporter: &mut Reporter<'_>) -> Option<Permission> {
    if let Ok(permission) = name.text.parse::<Permission>() {
        if !permission.is_documented() {
            let message = format!("GitHub's list of App permissions lacks `{permission}`.");
            reporter.report(Code::UndocumentedPermission, name.span.clone(), message, "check that the App has it".to_owned());
        }
        return Some(permission);
    }
    let hint = match name.text {
        "projects" | "project" => Some(PROJECTS.to_owned()),
        text => reporter.suggest(text, Permission::all().map(Permission::name)).map(|meant| format!("write `{meant}`")),
    };
    let hint = hint.unwrap_or_else(|| "the names are those of GitHub's API, for instance `contents` or `pull_requests`".to_owned());
    reporter.report(Code::UnknownPermission, name.span.clone(), format!("There is no permission `{}`.", name.text), hint);
    None
}

/// A level that the permission knows, or a report of those it does.
pub(crate) fn read_level(node: &Node, permission: Option<Permission>, reporter: &mut Reporter<'_>) -> Option<Level> {
    let text = match &node.value {
        Value::Null => "",
        _ => fields::text(node, "A level", reporter)?.text,
    };
    let levels: &[Level] = permission.map_or(&[Level::Read, Level::Write, Level::Admin], Permission::levels);
    let level = text.parse::<Level>();
    if let Some(level) = level.as_ref().ok().filter(|level| levels.contains(level)) {
        return Some(*level);
    }
    let names: Vec<_> = levels.iter().map(|level| level.as_str()).collect();
    let message = match (level, permission) {
        (Ok(level), Some(permission)) => format!("`{permission}` has no level `{level}`."),
        _ => format!("There is no level `{text}`."),
    };
    let hint =
        reporter.suggest(text, names.iter().copied()).map_or_else(|| format!("its levels are {}", list(&names)), |meant| format!("write `{meant}`"));
    reporter.report(Code::UnknownLevel, node.span.clone(), message, hint);
    None
}

/// The levels that a policy of this kind may give of a permission.
pub(crate) fn allowed_levels(permission: Permission, kind: PolicyKind, org: OrgPermissions) -> &'static [Level] {
    match (permission.category(), kind, org) {
        (Category::Enterprise, ..) => &[],
        (Category::Repository, ..) | (_, PolicyKind::Organization, _) | (_, _, OrgPermissions::Allow) => permission.levels(),
        (_, _, OrgPermissions::Read) if permission.levels().contains(&Level::Read) => &[Level::Read],
        (_, _, OrgPermissions::Read | OrgPermissions::Deny) => &[],
    }
}

/// Design: `read` levels over the organisation are given by default, `write` and `admin` only where the operator allows it.
fn check_reach(entry: &Entry, permission: Permission, level: Level, kind: PolicyKind, org: OrgPermissions, reporter: &mut Reporter<'_>) {
    let allowed = allowed_levels(permission, kind, org);
    if allowed.contains(&level) {
        return;
    }
    let reach = match permission.category() {
        Category::Enterprise => "the enterprise",
        Category::Account => "a user's own account",
        Category::Organization | Category::Repository => "the whole organisation",
    };
    let message = format!("`{permission}: {level}` concerns {reach}, and this policy may not give it.");
    let hint = match (allowed, permission.category()) {
        (_, Category::Enterprise) => "delete this line".to_owned(),
        ([lower, ..], _) => format!("write `{permission}: {lower}`, or move the policy to the organisation's policy repository"),
        ([], _) => "move the policy to the organisation's policy repository".to_owned(),
    };
    reporter.report(Code::PermissionOutOfReach, entry.key_span.start..entry.value.span.end, message, hint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_is_named_that_a_permission_does_not_have() {
        for permission in Permission::all() {
            for kind in [PolicyKind::Repository, PolicyKind::Organization] {
                for org in [OrgPermissions::Deny, OrgPermissions::Read, OrgPermissions::Allow] {
                    let allowed = allowed_levels(permission, kind, org);
                    assert!(allowed.iter().all(|level| permission.levels().contains(level)), "{permission}, {kind:?}, {org:?}: {allowed:?}");
                }
            }
        }
    }
}
