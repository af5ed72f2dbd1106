//! `push`: commits on a branch.

use std::collections::BTreeMap;

use octo_sts_types::CommitId;
use serde::Deserialize;

use super::{Account, BadPayload, InstallationMember, RepositoryMember, Sender, Told, bad, id, parse};
use crate::{
    job::{Base, Landed, NamedFile, News, Source, Work},
    policy_path::DIRECTORY,
};

/// From this many commits on, the comparison says which files changed, as upstream has it.
const MOST_COMMITS: usize = 20;
/// From this many files on, the list of a commit is not whole.
const MOST_FILES: usize = 3_000;

#[derive(Debug, Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    forced: bool,
    commits: Option<Vec<Commit>>,
    repository: RepositoryMember,
    installation: Option<InstallationMember>,
    pusher: Option<Account>,
    sender: Option<Sender>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    added: Option<Vec<String>>,
    modified: Option<Vec<String>>,
    removed: Option<Vec<String>>,
}

pub(super) fn read(payload: &[u8]) -> Result<Told, BadPayload> {
    let push: Push = parse(payload)?;
    let repository = push.repository.repository()?;
    let Some(after) = &push.after else { return Err(bad("after", &"it is missing")) };
    let head = CommitId::parse_optional(after).map_err(|error| bad("after", &error))?;
    let before = push.before.as_deref().map(CommitId::parse_optional).transpose().map_err(|error| bad("before", &error))?.flatten();
    let branch = push.reference.strip_prefix("refs/heads/");
    let is_default = push.repository.is_default(branch);
    let news = if is_default { News::Policies(repository.clone()) } else { News::Pushes(repository.clone()) };
    let told = Told { owner: Some(repository.owner.clone()), news: vec![news], ..Told::default() };
    let (Some(head), Some(_)) = (head, branch) else { return Ok(Told { answer: "no branch has a new commit", handled: true, ..told }) };
    let Some(installation) = id(push.installation.as_ref()) else { return Ok(Told { answer: "no installation is named", ..told }) };
    let Some(source) = source(&push, before.as_ref(), is_default) else {
        return Ok(Told { answer: "no policy is touched", handled: true, ..told });
    };
    let base = before.filter(|_| is_default).map_or(Base::DefaultBranch, Base::Commit);
    let landed = is_default.then(|| Landed { pusher: pusher(&push) });
    let work = Work { repository, installation, head, base, sources: vec![source], asked_again: false, landed };
    Ok(Told { work: Some(work), ..told })
}

/// Where the changed files are listed; `None` when no policy is among them.
fn source(push: &Push, before: Option<&CommitId>, is_default: bool) -> Option<Source> {
    let commits = push.commits.as_deref();
    let rewritten = push.forced || commits.is_none_or(<[_]>::is_empty);
    match (commits, before) {
        // What the old commits had and the new ones lack stands in no list.
        (_, Some(before)) if is_default && rewritten => Some(Source::Differences(before.clone())),
        (Some(commits), _) if commits.len() < MOST_COMMITS && commits.iter().all(Commit::is_whole) => {
            let named = named(commits);
            (!named.is_empty()).then_some(Source::Named(named))
        }
        (_, Some(before)) => Some(Source::Since(before.clone())),
        (Some(_), None) => Some(Source::Everything),
        (None, None) => None,
    }
}

/// The files of the policy directory, and whether they are there after the last of the commits.
fn named(commits: &[Commit]) -> Vec<NamedFile> {
    let mut removed: BTreeMap<&str, bool> = BTreeMap::new();
    for commit in commits {
        let lists = [(&commit.removed, true), (&commit.added, false), (&commit.modified, false)];
        for (paths, gone) in lists {
            removed.extend(paths.iter().flatten().map(|path| (path.as_str(), gone)));
        }
    }
    let files = removed.into_iter().filter(|(path, _)| path.strip_prefix(DIRECTORY).is_some_and(|rest| rest.starts_with('/')));
    files.map(|(path, removed)| NamedFile { path: path.to_owned(), removed }).collect()
}

fn pusher(push: &Push) -> String {
    let sender = push.sender.as_ref().and_then(|sender| sender.login.as_deref());
    sender.or_else(|| push.pusher.as_ref().and_then(|pusher| pusher.name.as_deref())).unwrap_or_default().to_owned()
}

impl Commit {
    fn is_whole(&self) -> bool {
        [&self.added, &self.modified, &self.removed].into_iter().flatten().map(Vec::len).sum::<usize>() < MOST_FILES
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CI: &str = ".github/chainguard/ci.sts.yaml";

    fn push(change: impl FnOnce(&mut Value)) -> Told {
        let mut payload = json!({
            "ref": "refs/heads/main", "before": "1".repeat(40), "after": "2".repeat(40), "forced": false,
            "commits": [{"added": [], "modified": [CI, "README.md"], "removed": []}],
            "repository": {"name": "app", "owner": {"login": "acme"}, "default_branch": "main"},
            "installation": {"id": 7}, "pusher": {"name": "mona"}, "sender": {"login": "mona"},
        });
        change(&mut payload);
        read(payload.to_string().as_bytes()).unwrap()
    }

    fn commit(digit: &str) -> CommitId {
        digit.repeat(40).parse().unwrap()
    }

    fn source(told: Told) -> Option<Source> {
        told.work.map(|work| work.sources[0].clone())
    }

    fn file(path: &str, removed: bool) -> NamedFile {
        NamedFile { path: path.into(), removed }
    }

    #[test]
    fn a_push_to_the_default_branch_is_news_and_a_check() {
        let told = push(|_| {});
        assert_eq!(told.news, [News::Policies("acme/app".parse().unwrap())]);
        let work = told.work.unwrap();
        assert_eq!((work.base, work.landed.unwrap().pusher.as_str()), (Base::Commit(commit("1")), "mona"));
        assert_eq!(work.sources, [Source::Named(vec![file(CI, false)])]);
    }

    #[test]
    fn a_push_to_another_branch_changes_nothing_yet() {
        let told = push(|payload| payload["ref"] = json!("refs/heads/topic"));
        assert_eq!(told.news, [News::Pushes("acme/app".parse().unwrap())]);
        assert_eq!((told.work.clone().unwrap().base, told.work.unwrap().landed), (Base::DefaultBranch, None));
    }

    #[test]
    fn the_last_commit_says_whether_a_file_is_there() {
        let told = push(|payload| {
            payload["commits"] = json!([
                {"added": [CI, ".github/chainguard/b.sts.yaml"], "removed": [], "modified": []},
                {"added": [], "removed": [CI], "modified": [".github/chainguard/b.sts.yaml"]},
            ]);
        });
        assert_eq!(source(told), Some(Source::Named(vec![file(".github/chainguard/b.sts.yaml", false), file(CI, true)])));
    }

    /// T-150
    #[test]
    fn what_the_payload_cannot_tell_is_compared() {
        let twenty = || json!(vec![json!({"added": []}); 20]);
        assert_eq!(source(push(|payload| payload["commits"] = twenty())), Some(Source::Since(commit("1"))));
        let new_branch = push(|payload| {
            payload["commits"] = twenty();
            payload["before"] = json!("0".repeat(40));
        });
        assert_eq!(source(new_branch), Some(Source::Everything));
        let huge = push(|payload| payload["commits"][0]["added"] = json!(vec!["x"; 3_000]));
        assert_eq!(source(huge), Some(Source::Since(commit("1"))));
    }

    #[test]
    fn a_rewritten_default_branch_is_compared_by_its_directory() {
        for change in [json!([]), Value::Null] {
            assert_eq!(source(push(|payload| payload["commits"] = change)), Some(Source::Differences(commit("1"))));
        }
        assert_eq!(source(push(|payload| payload["forced"] = json!(true))), Some(Source::Differences(commit("1"))));
    }

    #[test]
    fn ordinary_pushes_without_work() {
        for (member, value) in [
            ("after", json!("0".repeat(40))),
            ("ref", json!("refs/tags/v1")),
            ("installation", Value::Null),
            ("installation", json!({})),
            ("commits", json!([{"modified": ["README.md", ".github/chainguard"]}])),
        ] {
            let told = push(|payload| payload[member] = value.clone());
            assert_eq!(told.work, None, "Input: {member} {value}");
            assert!(!told.answer.is_empty());
        }
        assert!(push(|payload| payload["before"] = Value::Null).work.is_some());
        let new_and_empty = push(|payload| {
            payload["ref"] = json!("refs/heads/new");
            payload["before"] = json!("0".repeat(40));
            payload["commits"] = json!([]);
        });
        assert_eq!(new_and_empty.work, None);
    }

    /// T-147
    #[test]
    fn commits_pass_the_grammar_of_commits() {
        for (member, value) in [("after", "../../evil"), ("after", "main"), ("before", "HEAD")] {
            let payload = json!({"ref": "refs/heads/main", "before": "1".repeat(40), "after": "2".repeat(40), "repository": {"full_name": "a/b"}});
            let text = payload.to_string().replace(payload[member].as_str().unwrap(), value);
            assert!(matches!(read(text.as_bytes()), Err(BadPayload::Member { .. })), "Input: {member} {value}");
        }
    }
}
