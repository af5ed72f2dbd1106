//! Commits, branches, comparisons and the files of pull requests.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    access::Ask,
    apps::ok,
    history::{Commit, Difference, History, differences},
    problem::Problem,
    render::time,
    state::Answer,
    world::{PullRecord, RepositoryRecord},
};
use crate::reply::Reply;

/// Most files that a comparison shows, however many differ.
const MOST_COMPARED: usize = 300;
/// Most commits that a comparison shows without paging.
const MOST_COMMITS: usize = 250;
/// Most files that a pull request shows over all pages.
const MOST_PULL_FILES: usize = 3_000;

impl Ask<'_> {
    pub(crate) fn compare(&self, basehead: &str) -> Answer {
        let (base, head) = basehead.split_once("...").ok_or_else(Problem::not_found)?;
        let history = self.repository.history();
        let (Some(base), Some(head)) = (history.resolve(base), history.resolve(head)) else { return Err(Problem::not_found()) };
        let merge_base = history.merge_base(base, head).ok_or_else(|| no_common_ancestor(base, head))?;
        let (ahead, behind) = (history.between(merge_base, head), history.between(merge_base, base));
        let status = match (ahead.len(), behind.len()) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            _ => "diverged",
        };
        let url = format!("{}/compare/{basehead}", self.url());
        let html = format!("{}/compare/{basehead}", self.html());
        let commits: Vec<Value> = ahead.iter().take(MOST_COMMITS).map(|commit| self.commit_value(commit)).collect();
        Ok(ok(&json!({
            "url": url,
            "html_url": html,
            "permalink_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "base_commit": self.commit_value(base),
            "merge_base_commit": self.commit_value(merge_base),
            "status": status,
            "ahead_by": ahead.len(),
            "behind_by": behind.len(),
            "total_commits": ahead.len(),
            "commits": commits,
            "files": self.files(&differences(&merge_base.tree, &head.tree), MOST_COMPARED, &head.sha),
        })))
    }

    fn files(&self, differences: &[Difference], most: usize, at: &str) -> Vec<Value> {
        let (url, html) = (self.url(), self.html());
        let file = |one: &Difference| {
            let changes = u8::from(one.status != "renamed");
            let (added, removed) = if one.status == "removed" { (0, changes) } else { (changes, 0) };
            let mut value = json!({
                "sha": one.sha,
                "filename": one.path,
                "status": one.status,
                "additions": added,
                "deletions": removed,
                "changes": changes,
                "blob_url": format!("{html}/blob/{at}/{}", one.path),
                "raw_url": format!("{html}/raw/{at}/{}", one.path),
                "contents_url": format!("{url}/contents/{}?ref={at}", one.path),
            });
            if let Some(previous) = &one.previous {
                value["previous_filename"] = json!(previous);
            }
            value
        };
        differences.iter().take(most).map(file).collect()
    }

    pub(crate) fn commit(&self, reference: &str) -> Answer {
        let history = self.repository.history();
        let text = format!("No commit found for SHA: {reference}");
        let commit = history.resolve(reference).ok_or_else(|| Problem::unprocessable(text))?;
        Ok(ok(&self.commit_value(commit)))
    }

    fn commit_value(&self, commit: &Commit) -> Value {
        let url = format!("{}/commits/{}", self.url(), commit.sha);
        let mut inner = self.git_commit(commit);
        inner["comment_count"] = json!(0);
        let parents: Vec<Value> = commit.parent.iter().map(|sha| json!({"sha": sha, "url": format!("{}/commits/{sha}", self.url())})).collect();
        json!({
            "sha": commit.sha,
            "node_id": format!("C_{}", commit.sha),
            "url": url,
            "html_url": format!("{}/commit/{}", self.html(), commit.sha),
            "comments_url": format!("{url}/comments"),
            "commit": inner,
            "author": {},
            "committer": {},
            "parents": parents,
        })
    }

    /// The commit as git has it.
    pub(crate) fn git_commit(&self, commit: &Commit) -> Value {
        let person = json!({"name": "octo", "email": "octo@localhost", "date": time(self.repository.created_at)});
        let (url, html, tree) = (self.url(), self.html(), commit.tree.id(""));
        let parents: Vec<Value> = commit
            .parent
            .iter()
            .map(|sha| json!({"sha": sha, "url": format!("{url}/git/commits/{sha}"), "html_url": format!("{html}/commit/{sha}")}))
            .collect();
        json!({
            "sha": commit.sha,
            "node_id": format!("C_{}", commit.sha),
            "url": format!("{url}/git/commits/{}", commit.sha),
            "html_url": format!("{html}/commit/{}", commit.sha),
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": {"sha": tree, "url": format!("{url}/git/trees/{tree}")},
            "parents": parents,
            "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
        })
    }

    pub(crate) fn branches(&self) -> Reply {
        let history = self.repository.history();
        let all: Vec<Value> = history
            .branches()
            .map(|(name, commit)| {
                let url = format!("{}/commits/{}", self.url(), commit.sha);
                json!({"name": name, "commit": {"sha": commit.sha, "url": url}, "protected": false})
            })
            .collect();
        self.paged(&all)
    }

    pub(crate) fn branch(&self, name: &str) -> Answer {
        let history = self.repository.history();
        let branch = history.branches().find(|(other, _)| *other == name);
        let (_, commit) = branch.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "Branch not found"))?;
        let url = format!("{}/branches/{name}", self.url());
        Ok(ok(&json!({
            "name": name,
            "commit": self.commit_value(commit),
            "_links": {"self": url, "html": format!("{}/tree/{name}", self.html())},
            "protected": false,
            "protection": {"enabled": false},
            "protection_url": format!("{url}/protection"),
        })))
    }

    pub(crate) fn pulls(&self) -> Reply {
        let open = self.repository.pulls.iter().filter(|pull| pull.open);
        let all: Vec<Value> = open.filter_map(|pull| self.pull_value(pull)).collect();
        self.paged(&all)
    }

    /// The pull requests whose head is this commit.
    pub(crate) fn pulls_with(&self, sha: &str) -> Reply {
        let all = self.repository.pulls.iter().filter_map(|pull| self.pull_value(pull)).filter(|pull| pull["head"]["sha"] == sha);
        self.paged(&all.collect::<Vec<_>>())
    }

    pub(crate) fn pull(&self, number: u64) -> Answer {
        let pull = self.find_pull(number).ok_or_else(Problem::not_found)?;
        let mut value = self.pull_value(pull).ok_or_else(Problem::not_found)?;
        let (head, differences) = self.pull_differences(pull).unwrap_or_default();
        let files = self.files(&differences, usize::MAX, &head);
        for member in ["additions", "deletions"] {
            value[member] = files.iter().filter_map(|file| file[member].as_u64()).sum::<u64>().into();
        }
        let commits = self.pull_ends(pull).and_then(|(history, base, head)| Some(history.between(history.merge_base(&base, &head)?, &head).len()));
        value["changed_files"] = json!(files.len());
        value["commits"] = json!(commits.unwrap_or_default());
        value["mergeable_state"] = json!("unknown");
        for member in ["comments", "review_comments"] {
            value[member] = json!(0);
        }
        for member in ["merged", "maintainer_can_modify"] {
            value[member] = json!(false);
        }
        for member in ["mergeable", "merged_by"] {
            value[member] = Value::Null;
        }
        Ok(ok(&value))
    }

    pub(crate) fn pull_files(&self, number: u64) -> Answer {
        let pull = self.find_pull(number).ok_or_else(Problem::not_found)?;
        let (head, differences) = self.pull_differences(pull).ok_or_else(|| Problem::unprocessable("The head of this pull request is gone."))?;
        Ok(self.paged(&self.files(&differences, MOST_PULL_FILES, &head)))
    }

    fn find_pull(&self, number: u64) -> Option<&PullRecord> {
        self.repository.pulls.iter().find(|pull| pull.number == number)
    }

    /// The history with a fork's commits in it, and the commits at both ends of the pull request.
    fn pull_ends(&self, pull: &PullRecord) -> Option<(History, Arc<Commit>, Arc<Commit>)> {
        let source = self.world.repositories.get(&pull.head_repository)?;
        let head = Arc::clone(source.commit(Some(&pull.head))?);
        let base = Arc::clone(self.repository.commit(Some(&pull.base))?);
        let mut history = self.repository.history();
        history.fetch(&source.history());
        Some((history, base, head))
    }

    fn pull_differences(&self, pull: &PullRecord) -> Option<(String, Vec<Difference>)> {
        let (history, base, head) = self.pull_ends(pull)?;
        let merge_base = history.merge_base(&base, &head)?;
        Some((head.sha.clone(), differences(&merge_base.tree, &head.tree)))
    }

    fn pull_value(&self, pull: &PullRecord) -> Option<Value> {
        let (_, base, head) = self.pull_ends(pull)?;
        let source = self.world.repositories.get(&pull.head_repository)?;
        let addresses = self.state.addresses();
        let end = |repository: &RepositoryRecord, branch: &str, sha: &str| {
            let owner = self.world.owners.get(&repository.owner)?;
            let account = addresses.account(owner);
            let label = format!("{}:{branch}", owner.login);
            Some(json!({"label": label, "ref": branch, "sha": sha, "user": account, "repo": addresses.repository_value(self.world, repository)}))
        };
        let (url, html) = (format!("{}/pulls/{}", self.url(), pull.number), format!("{}/pull/{}", self.html(), pull.number));
        let issue = format!("{}/issues/{}", self.url(), pull.number);
        let statuses = format!("{}/statuses/{}", self.url(), head.sha);
        let at = time(self.repository.created_at);
        let mut value = json!({
            "id": self.repository.id.0 * 10_000 + pull.number,
            "node_id": format!("PR_{}_{}", self.repository.id, pull.number),
            "number": pull.number,
            "state": if pull.open { "open" } else { "closed" },
            "title": pull.title,
            "body": null,
            "user": self.world.owners.get(&source.owner).map(|owner| addresses.account(owner)),
            "head": end(source, &pull.head, &head.sha)?,
            "base": end(self.repository, &pull.base, &base.sha)?,
            "labels": [],
            "locked": false,
            "author_association": "CONTRIBUTOR",
            "created_at": at,
            "updated_at": at,
            "url": url,
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "commits_url": format!("{url}/commits"),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", self.url()),
        });
        for member in ["assignee", "auto_merge", "closed_at", "merge_commit_sha", "merged_at", "milestone"] {
            value[member] = Value::Null;
        }
        let links = ["comments_url", "commits_url", "statuses_url", "html_url", "issue_url", "review_comments_url", "review_comment_url"];
        for member in links {
            value["_links"][member.trim_end_matches("_url")] = json!({"href": value[member]});
        }
        value["_links"]["self"] = json!({"href": url});
        Some(value)
    }
}

fn no_common_ancestor(base: &Commit, head: &Commit) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("No common ancestor between {} and {}.", base.sha, head.sha))
}
