//! The contents of repositories, in all the shapes GitHub gives them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{StatusCode, header};
use octo_sts_types::RepositoryId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{
    access::Ask,
    apps::ok,
    ledger::TokenRecord,
    page::parameter,
    problem::Problem,
    render::members,
    route::Within,
    state::{Answer, State},
    tree::{Blob, Child, Found, Node, Tree},
    world::World,
};
use crate::{reply::Reply, transport::Request};

/// Largest file that is given whole in JSON: 1 MB.
const LARGEST_IN_JSON: usize = 1_048_576;
/// Most entries of a directory that are shown.
const MOST_ENTRIES: usize = 1_000;
/// Where workflows live; writing there needs a permission of its own.
const WORKFLOWS: &str = ".github/workflows/";
/// What a path may hold unescaped in a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// What the `Accept` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Default,
    Object,
    Raw,
}

impl Ask<'_> {
    fn media(&self) -> Media {
        let accept = self.request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accept.contains("github.raw") || accept.contains("github.v3.raw") {
            Media::Raw
        } else if accept.contains("github.object") || accept.contains("github.v3.object") {
            Media::Object
        } else {
            Media::Default
        }
    }

    pub(crate) fn contents(&self, path: &str) -> Answer {
        let reference = parameter(self.query(), "ref").filter(|reference| !reference.is_empty());
        let shown = reference.clone().unwrap_or_else(|| self.repository.default_branch.clone());
        let Some(commit) = self.repository.commit(reference.as_deref()) else {
            return Err(Problem::new(StatusCode::NOT_FOUND, format!("No commit found for the ref {shown}")));
        };
        let path = path.trim_matches('/');
        match commit.tree.find(path).ok_or_else(Problem::not_found)? {
            Found::Directory(children) => Ok(self.directory(path, &children, &commit.tree, &shown)),
            Found::Node(Node::File(blob)) => self.file(path, blob, &shown),
            Found::Node(Node::Symlink { target }) => match commit.tree.follow(path, target) {
                Some(blob) => self.file(path, blob, &shown),
                None => Ok(ok(&self.entry(
                    path,
                    "symlink",
                    &commit.tree.get(path).map(Node::sha).unwrap_or_default(),
                    target.len(),
                    &shown,
                    json!({"target": target}),
                ))),
            },
            Found::Node(node @ Node::Submodule { url }) => {
                Ok(ok(&self.entry(path, "submodule", &node.sha(), 0, &shown, json!({"submodule_git_url": url}))))
            }
        }
    }

    fn file(&self, path: &str, blob: &Blob, reference: &str) -> Answer {
        let media = self.media();
        if media == Media::Raw {
            return Ok(Reply::bytes("application/vnd.github.raw; charset=utf-8", blob.bytes.clone()));
        }
        let (content, encoding) = if blob.bytes.len() <= LARGEST_IN_JSON {
            (lines(&blob.bytes), "base64")
        } else if media == Media::Object {
            (String::new(), "none")
        } else {
            return Err(Problem::too_large());
        };
        Ok(ok(&self.entry(path, "file", &blob.sha, blob.bytes.len(), reference, json!({"content": content, "encoding": encoding}))))
    }

    fn directory(&self, path: &str, children: &[Child<'_>], tree: &Tree, reference: &str) -> Reply {
        let entries: Vec<Value> = children.iter().take(MOST_ENTRIES).map(|child| self.child(child, tree, reference)).collect();
        if self.media() == Media::Object {
            return ok(&self.entry(path, "dir", &tree.id(path), 0, reference, json!({"entries": entries})));
        }
        ok(&Value::Array(entries))
    }

    fn child(&self, child: &Child<'_>, tree: &Tree, reference: &str) -> Value {
        let (kind, size) = match child.node {
            None => ("dir", 0),
            // GitHub lists submodules as files, for compatibility.
            Some(Node::Submodule { .. }) => ("file", 0),
            Some(Node::File(blob)) => ("file", blob.bytes.len()),
            Some(Node::Symlink { target }) => ("symlink", target.len()),
        };
        let sha = child.node.map_or_else(|| tree.id(child.path), Node::sha);
        self.entry(child.path, kind, &sha, size, reference, json!({}))
    }

    fn entry(&self, path: &str, kind: &str, sha: &str, size: usize, reference: &str, more: Value) -> Value {
        let escaped = utf8_percent_encode(path, PATH);
        let (url, html) = (self.url(), self.html());
        let (api, page) = (format!("{url}/contents/{escaped}?ref={reference}"), format!("{html}/blob/{reference}/{escaped}"));
        let blobs = if kind == "dir" { "trees" } else { "blobs" };
        let git = format!("{url}/git/{blobs}/{sha}");
        let download = if kind == "file" { json!(format!("{html}/raw/{reference}/{escaped}")) } else { Value::Null };
        let mut entry: Map<String, Value> = members(json!({
            "name": path.rsplit('/').next(),
            "path": path,
            "sha": sha,
            "size": size,
            "url": api,
            "html_url": page,
            "git_url": git,
            "download_url": download,
            "type": kind,
            "_links": {"self": api, "git": git, "html": page},
        }));
        entry.extend(members(more));
        Value::Object(entry)
    }
}

/// base64 in lines of 60 characters, each ended by a newline.
fn lines(bytes: &Bytes) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 60 + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(60));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines
}

impl State {
    /// `PUT` and `DELETE` of a file.
    pub(crate) fn write_contents(
        &self,
        world: &mut World,
        id: RepositoryId,
        token: Option<&TokenRecord>,
        within: &Within<'_>,
        request: &Request,
    ) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| Problem::bad_json())?;
        let (path, put) = match within {
            Within::PutContents(path) => (path.trim_matches('/'), true),
            Within::DeleteContents(path) => (path.trim_matches('/'), false),
            _ => return Err(Problem::not_found()),
        };
        let message = body["message"].as_str().ok_or_else(|| missing("message"))?;
        check_workflow(token, path)?;
        let content = if put { Some(decode(&body)?) } else { None };
        let repository = world.repositories.get_mut(&id).ok_or_else(Problem::not_found)?;
        let branch = body["branch"].as_str().unwrap_or(&repository.default_branch).to_owned();
        let old = repository
            .commit(Some(&branch))
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("Branch {branch} not found")))?
            .tree
            .get(path)
            .map(Node::sha);
        check_sha(path, old.as_deref(), body["sha"].as_str(), put)?;
        let created = old.is_none();
        let blob = content.map(Blob::new);
        let commit = repository.history_mut().add(&branch, message, |tree| match &blob {
            Some(blob) => tree.put(path, Node::File(blob.clone())),
            None => {
                tree.remove(path);
            }
        });
        let commit = commit.ok_or_else(Problem::not_found)?;
        let repository = world.repositories.get(&id).ok_or_else(Problem::not_found)?;
        let ask = Ask { state: self, world, repository, request, token, now: self.settings.clock.now() };
        let shown = blob.map_or(Value::Null, |blob| ask.entry(path, "file", &blob.sha, blob.bytes.len(), &branch, json!({})));
        let status = if created { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Reply::json(status, &json!({"content": shown, "commit": ask.git_commit(&commit)})))
    }
}

/// A change of what is there needs its git id, so that nobody overwrites what he has not seen.
fn check_sha(path: &str, old: Option<&str>, given: Option<&str>, put: bool) -> Result<(), Problem> {
    match (old, given) {
        (Some(old), Some(given)) if old == given => Ok(()),
        (Some(_), Some(given)) => Err(Problem::new(StatusCode::CONFLICT, format!("{path} does not match {given}"))),
        (Some(_), None) => Err(missing("sha")),
        (None, _) if put => Ok(()),
        (None, _) => Err(Problem::not_found()),
    }
}

fn missing(field: &str) -> Problem {
    Problem::unprocessable(format!("Invalid request.\n\n\"{field}\" wasn't supplied."))
}

fn decode(body: &Value) -> Result<Vec<u8>, Problem> {
    let text: String = body["content"].as_str().ok_or_else(|| missing("content"))?.split_whitespace().collect();
    STANDARD.decode(text).map_err(|_| Problem::unprocessable("content is not valid Base64"))
}

fn check_workflow(token: Option<&TokenRecord>, path: &str) -> Result<(), Problem> {
    let allowed = token.is_some_and(|token| token.permissions.get("workflows").is_some_and(|level| level == "write"));
    if path.starts_with(WORKFLOWS) && !allowed { Err(Problem::lacks("workflows", "write")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_broken_into_lines() {
        let text = lines(&Bytes::from(vec![7; 100]));
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [60, 60, 16]);
        assert!(text.ends_with('\n'));
        assert_eq!(lines(&Bytes::new()), "");
    }
}
