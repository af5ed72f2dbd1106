//! `repositories`: names of one owner's repositories.

use octo_sts_types::{Owner, RepositoryName};

use super::Repositories;
use crate::{
    diagnostics::{Code, Reporter},
    fields::{self, Fields, Located},
    yaml::{Node, Value},
};

/// Most repositories that GitHub issues one token for.
const MOST: usize = 500;

pub(super) fn of_policy(fields: &Fields<'_>, owner: Option<&Owner>, reporter: &mut Reporter<'_>) -> Option<Repositories> {
    let entry = fields.entry("repositories")?;
    let empty = match &entry.value.value {
        Value::Null => true,
        Value::List(nodes) => nodes.is_empty(),
        _ => false,
    };
    if empty {
        let message = "An empty list of repositories would give every repository.";
        let hint = "name the repositories, or delete `repositories`".to_owned();
        reporter.report(Code::EmptyRepositories, entry.key_span.clone(), message, hint);
        return None;
    }
    read_names(&entry.value, "`repositories`", owner, reporter)
}

/// A list of repository names, bare or behind their owner; each is kept once.
pub(crate) fn read_names(node: &Node, what: &str, owner: Option<&Owner>, reporter: &mut Reporter<'_>) -> Option<Repositories> {
    let nodes = fields::items(node, what, reporter)?;
    if nodes.len() > MOST {
        let message = format!("{what} has {} entries; {MOST} is the most.", nodes.len());
        reporter.report(Code::TooManyRepositories, nodes[MOST].span.clone(), message, None);
        return None;
    }
    let mut listed = Repositories { names: Vec::with_capacity(nodes.len()), owner: None };
    for node in nodes {
        let Some(text) = fields::text(node, "An entry", reporter) else { continue };
        let Some(name) = listed.read(&text, owner, reporter) else { continue };
        // 500 names at the most: looking at each is quick enough.
        if listed.names.contains(&name) {
            reporter.report(Code::DuplicateRepository, text.span, format!("`{name}` is listed twice."), "delete this entry".to_owned());
        } else {
            listed.names.push(name);
        }
    }
    Some(listed)
}

impl Repositories {
    fn read(&mut self, text: &Located<'_>, expected: Option<&Owner>, reporter: &mut Reporter<'_>) -> Option<RepositoryName> {
        let (owner, name) = text.text.split_once('/').map_or((None, text.text), |(owner, name)| (Some(owner), name));
        let parsed = owner.map(str::parse::<Owner>).transpose();
        let (Ok(owner), Ok(name)) = (parsed, name.parse::<RepositoryName>()) else {
            let hint = match text.text {
                "*" => "delete `repositories` to give every repository of the organisation".to_owned(),
                _ => "write the name of one repository, for instance `app` or `acme/app`".to_owned(),
            };
            reporter.report(Code::InvalidRepository, text.span.clone(), format!("`{}` is not a repository.", text.text), hint);
            return None;
        };
        let Some(owner) = owner else { return Some(name) };
        if let Some(expected) = expected.or(self.owner.as_ref()).filter(|expected| **expected != owner) {
            let message = format!("`{owner}/{name}` does not belong to `{expected}`.");
            reporter.report(Code::ForeignRepository, text.span.clone(), message, format!("list repositories of `{expected}` only"));
            return None;
        }
        self.owner = Some(owner);
        Some(name)
    }
}
