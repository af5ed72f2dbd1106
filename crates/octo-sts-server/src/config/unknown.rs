//! Variables that nothing reads.

use std::collections::BTreeSet;

use clap::Args as _;

use super::ServeArgs;

/// The most edits between a name and one that may have been meant.
const NEAR: usize = 3;
/// Variables of ours that other commands read, or that take effect outside of the configuration.
const ELSEWHERE: [&str; 1] = ["STS_URL"];

/// A warning for each name that begins with `STS_` and that nothing reads, with the nearest name that something does.
pub fn warnings_for<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = known_names();
    let unknown = names.filter(|name| name.starts_with("STS_") && !known.contains(*name) && !ELSEWHERE.contains(name));
    unknown
        .map(|name| match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("the variable {name} is not known; {near} is"),
            None => format!("the variable {name} is not known"),
        })
        .collect()
}

fn known_names() -> BTreeSet<String> {
    let command = ServeArgs::augment_args(clap::Command::new("serve"));
    command.get_arguments().filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned())).collect()
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.map(|other| (distance(name, other), other)).filter(|(distance, _)| *distance <= NEAR).min().map(|(_, other)| other)
}

/// The number of insertions, deletions and replacements between two names.
fn distance(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variable_is_named_with_its_neighbour() {
        let names = ["STS_DOMAIN", "STS_DOMIAN", "PATH", "STS_SOMETHING_ELSE_ENTIRELY", "STS_DRAIN_TIMOUT"];
        let warnings = warnings_for(names.into_iter());
        assert_eq!(
            warnings,
            [
                "the variable STS_DOMIAN is not known; STS_DOMAIN is",
                "the variable STS_SOMETHING_ELSE_ENTIRELY is not known",
                "the variable STS_DRAIN_TIMOUT is not known; STS_DRAIN_TIMEOUT is",
            ]
        );
    }
}
