//! From text to guardrails.

use std::time::Duration;

use octo_sts_types::{Level, Permission, Permissions, RepositoryName};

use super::{
    Guardrails,
    rules::{Delegation, IssuerRule, Reach, RequiredClaims},
};
use crate::{
    Requirement,
    diagnostics::{Code, Reporter, closest},
    duration,
    fields::{self, Fields, Located},
    issuer_allowlist,
    trust_policy::{read_names, read_permission, read_permissions},
    yaml::{self, Entry, Node, Value},
};

/// The fields of the file.
const FIELDS: &[&str] = &[
    "mode",
    "policy_source",
    "permissions",
    "denied_permissions",
    "issuers",
    "require_claims",
    "refuse_events",
    "delegation",
    "max_token_life",
    "single_use",
];

/// Reads guardrails; `None` when an error was reported.
pub(super) fn guardrails(reporter: &mut Reporter<'_>) -> Option<Guardrails> {
    let root = yaml::read(reporter)?;
    let fields = Fields::of(&root, FIELDS, reporter);
    let mode = issuer_allowlist::mode(&fields, reporter).unwrap_or_default();
    let guardrails = Guardrails {
        mode,
        organization_only: policy_source(&fields, reporter),
        ceiling: fields.entry("permissions").and_then(|entry| permissions(entry, reporter)),
        denied: denied(&fields, reporter),
        issuers: issuers(&fields, reporter),
        required_claims: each(&fields, "require_claims", reporter, required_claims),
        refused_events: texts(&fields, "refuse_events", reporter),
        delegations: each(&fields, "delegation", reporter, delegation),
        longest_life: longest_life(&fields, reporter),
        single_use: flag(&fields, "single_use", reporter),
    };
    (!reporter.has_errors()).then_some(guardrails)
}

fn policy_source(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> bool {
    let Some(text) = fields.text("policy_source", reporter) else { return false };
    match text.text {
        "org" => return true,
        "any" => {}
        _ => reporter.report(
            Code::InvalidGuardrail,
            text.span,
            format!("There is no policy source `{}`.", text.text),
            "write `org` or `any`".to_owned(),
        ),
    }
    false
}

fn flag(fields: &Fields<'_>, name: &str, reporter: &mut Reporter<'_>) -> bool {
    let Some(text) = fields.text(name, reporter) else { return false };
    match text.text {
        "true" if text.verbatim => return true,
        "false" if text.verbatim => {}
        _ => reporter.report(Code::WrongType, text.span, format!("`{name}` is `true` or `false`."), format!("write `{name}: true`")),
    }
    false
}

/// A set of permissions that would give nothing is a mistake: it would refuse everybody.
fn permissions(entry: &Entry, reporter: &mut Reporter<'_>) -> Option<Permissions> {
    let listed = read_permissions(&entry.value, &format!("`{}`", entry.key), reporter);
    if listed.is_empty() && !reporter.has_errors() {
        says_nothing(entry, "name a permission and its highest level, for instance `contents: write`", reporter);
    }
    Permissions::new(listed.into_iter().map(|(_, permission, level)| (permission, level))).ok()
}

fn says_nothing(entry: &Entry, hint: &str, reporter: &mut Reporter<'_>) {
    let message = format!("`{}` is there and says nothing.", entry.key);
    reporter.report(Code::InvalidGuardrail, entry.key_span.clone(), message, hint.to_owned());
}

/// The entries of a list field that is not empty when it is there.
fn nodes<'n>(fields: &Fields<'n>, name: &str, reporter: &mut Reporter<'_>) -> &'n [Node] {
    let Some(entry) = fields.entry(name) else { return &[] };
    let nodes = match &entry.value.value {
        Value::Null => &[],
        _ => match fields::items(&entry.value, &format!("`{name}`"), reporter) {
            Some(nodes) => nodes,
            None => return &[],
        },
    };
    if nodes.is_empty() {
        says_nothing(entry, "list something, or delete the field", reporter);
    }
    nodes
}

fn each<T>(fields: &Fields<'_>, name: &str, reporter: &mut Reporter<'_>, read: fn(&Node, &mut Reporter<'_>) -> Option<T>) -> Vec<T> {
    nodes(fields, name, reporter).iter().filter_map(|node| read(node, reporter)).collect()
}

fn texts(fields: &Fields<'_>, name: &str, reporter: &mut Reporter<'_>) -> Vec<Box<str>> {
    let text = |node, reporter: &mut Reporter<'_>| fields::text(node, "An entry", reporter).map(|text| text.text.into());
    nodes(fields, name, reporter).iter().filter_map(|node| text(node, reporter)).collect()
}

fn denied(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Vec<Permission> {
    let mut denied = Vec::new();
    for node in nodes(fields, "denied_permissions", reporter) {
        denied.extend(fields::text(node, "A permission", reporter).and_then(|name| read_permission(&name, reporter)));
    }
    denied
}

fn issuers(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Vec<IssuerRule> {
    let Some(node) = fields.value("issuers") else { return Vec::new() };
    let mut rules = Vec::new();
    for entry in fields::entries(node, "`issuers`", reporter) {
        let Some(reach) = reach(entry, reporter) else { continue };
        let listed = fields::items(&entry.value, &format!("`{}`", entry.key), reporter).unwrap_or_default();
        let issuers: Vec<_> = listed.iter().filter_map(|node| issuer(node, reporter)).collect();
        if listed.is_empty() && !reporter.has_errors() {
            says_nothing(entry, "list the issuers that may have it; to deny it to all use `denied_permissions`", reporter);
        }
        rules.push(IssuerRule { reach, issuers });
    }
    rules
}

fn reach(entry: &Entry, reporter: &mut Reporter<'_>) -> Option<Reach> {
    if entry.key == "any" {
        return Some(Reach::Any);
    }
    if let Ok(level) = entry.key.parse::<Level>() {
        return Some(Reach::From(level));
    }
    let key = Located { text: &entry.key, span: entry.key_span.clone(), verbatim: true };
    if closest(key.text, ["any", "read", "write", "admin"]).is_none() {
        return read_permission(&key, reporter).map(Reach::Permission);
    }
    let message = format!("`{}` is neither `any`, nor a level, nor a permission.", entry.key);
    reporter.report(Code::InvalidGuardrail, key.span, message, "write `any`, `read`, `write`, `admin` or a permission".to_owned());
    None
}

/// An issuer: its text, or `{issuer_pattern: …}` under the rule of the allowlist.
fn issuer(node: &Node, reporter: &mut Reporter<'_>) -> Option<Requirement> {
    if !matches!(node.value, Value::Map(_)) {
        let text = fields::text(node, "An issuer", reporter)?;
        return Some(Requirement::Exact(issuer_allowlist::exact(&text, reporter)));
    }
    let fields = Fields::of(node, &["issuer", "issuer_pattern"], reporter);
    let requirement = issuer_of(&fields, reporter);
    if requirement.is_none() && !reporter.has_errors() {
        let hint = "write `- https://…` or `- issuer_pattern: …`".to_owned();
        reporter.report(Code::InvalidGuardrail, node.span.clone(), "This entry names no issuer.", hint);
    }
    requirement
}

fn issuer_of(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Option<Requirement> {
    match fields.either("issuer", "issuer_pattern", Code::TwoIssuers, reporter)? {
        fields::Choice::Exact(text) => Some(Requirement::Exact(issuer_allowlist::exact(&text, reporter))),
        fields::Choice::Pattern(text) => issuer_allowlist::pattern_without_slash(&text, reporter).map(Requirement::Pattern),
    }
}

/// A claim; a list of claims of which one is enough; or `{issuer, any_of}`.
fn required_claims(node: &Node, reporter: &mut Reporter<'_>) -> Option<RequiredClaims> {
    match &node.value {
        Value::List(nodes) => any_of(node, nodes, None, reporter),
        Value::Map(_) => {
            let fields = Fields::of(node, &["issuer", "issuer_pattern", "any_of"], reporter);
            let issuer = issuer_of(&fields, reporter);
            let nodes = match fields.value("any_of") {
                Some(list) => fields::items(list, "`any_of`", reporter)?,
                None => &[],
            };
            any_of(node, nodes, issuer, reporter)
        }
        _ => any_of(node, std::slice::from_ref(node), None, reporter),
    }
}

fn any_of(node: &Node, nodes: &[Node], issuer: Option<Requirement>, reporter: &mut Reporter<'_>) -> Option<RequiredClaims> {
    let mut any_of: Vec<Box<str>> = Vec::new();
    for claim in nodes {
        any_of.extend(fields::text(claim, "A claim", reporter).filter(|claim| !claim.text.is_empty()).map(|claim| claim.text.into()));
    }
    if any_of.is_empty() {
        let hint = "write for instance `- [repository_id, job_workflow_ref]`".to_owned();
        reporter.report(Code::InvalidGuardrail, node.span.clone(), "This entry names no claim.", hint);
        return None;
    }
    Some(RequiredClaims { issuer, any_of })
}

fn delegation(node: &Node, reporter: &mut Reporter<'_>) -> Option<Delegation> {
    let fields = Fields::of(node, &["from", "to", "permissions"], reporter);
    let from = repositories(&fields, "from", node, reporter);
    let to = repositories(&fields, "to", node, reporter);
    let permissions = match fields.entry("permissions") {
        Some(entry) => Some(permissions(entry, reporter)?),
        None => None,
    };
    Some(Delegation { from: from?, to: to?, permissions })
}

fn repositories(fields: &Fields<'_>, name: &str, node: &Node, reporter: &mut Reporter<'_>) -> Option<Vec<RepositoryName>> {
    let Some(list) = fields.value(name).filter(|list| !matches!(&list.value, Value::List(nodes) if nodes.is_empty())) else {
        let hint = format!("write `{name}: [app]` with the names of repositories");
        reporter.report(Code::InvalidGuardrail, node.span.clone(), format!("A delegation needs `{name}`."), hint);
        return None;
    };
    read_names(list, &format!("`{name}`"), None, reporter).map(|listed| listed.names)
}

fn longest_life(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Option<Duration> {
    let text = fields.text("max_token_life", reporter)?;
    let life = duration::parse(text.text).filter(|life| !life.is_zero());
    if life.is_none() {
        let message = format!("`{}` is not a length of time.", text.text);
        reporter.report(Code::InvalidDuration, text.span, message, "write for instance `15m`".to_owned());
    }
    life
}
