//! GitHub's two forms of a subject: `repo:org/name:…`, and with ids `repo:org@1/name@2:…`.

use crate::{Requirement, diagnostics::quoted};

/// What to say when a subject fails only because one side has ids and the other has not.
pub(super) fn immutable_form(required: &Requirement, actual: &str) -> Option<String> {
    if let Some(by_name) = without_ids(actual).filter(|by_name| required.admits(by_name)) {
        return Some(format!(
            "only the form differs: the policy admits `{by_name}`, and this repository's tokens carry ids; write `subject: {}`",
            quoted(actual)
        ));
    }
    let exact = required.exact()?;
    let by_name = without_ids(exact)?;
    (by_name == actual).then(|| "only the form differs: the policy has ids, and this token has not".to_owned())
}

/// The subject by name only; `None` when it has no ids.
fn without_ids(subject: &str) -> Option<String> {
    let (owner, rest) = subject.strip_prefix("repo:")?.split_once('/')?;
    let (name, rest) = rest.split_once(':')?;
    Some(format!("repo:{}/{}:{rest}", without_id(owner)?, without_id(name)?))
}

fn without_id(part: &str) -> Option<&str> {
    let (name, id) = part.rsplit_once('@')?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_off_both_names_or_not_at_all() {
        assert_eq!(without_ids("repo:o@1/r@2:ref:refs/heads/a@b").as_deref(), Some("repo:o/r:ref:refs/heads/a@b"));
        for subject in ["repo:o/r:x", "repo:o@1/r:x", "repo:o@1/r@:x", "repo:o@x/r@2:x", "repo:o@1/r@2", "org:o@1/r@2:x"] {
            assert_eq!(without_ids(subject), None, "Input: {subject}");
        }
    }
}
