//! The files of a repository at one commit.

use std::{collections::BTreeMap, fmt::Write as _};

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use bytes::Bytes;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    File(Blob),
    Symlink { target: String },
    Submodule { url: String },
}

/// A file's bytes and their git id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) bytes: Bytes,
    pub(crate) sha: String,
}

/// Paths and what stands there. A directory is there because something stands below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, Node>);

/// A path in a [`Tree`], looked up.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Node(&'a Node),
    /// Names and what they are, directly below the path.
    Directory(Vec<Child<'a>>),
}

/// An entry of a directory.
#[derive(Debug)]
pub(crate) struct Child<'a> {
    pub(crate) path: &'a str,
    /// None for a directory.
    pub(crate) node: Option<&'a Node>,
}

impl Blob {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sha = git_id("blob", &bytes);
        Self { bytes, sha }
    }
}

impl Node {
    /// The git id of the entry.
    pub(crate) fn sha(&self) -> String {
        match self {
            Self::File(blob) => blob.sha.clone(),
            Self::Symlink { target } => git_id("blob", target.as_bytes()),
            Self::Submodule { url } => git_id("commit", url.as_bytes()),
        }
    }
}

impl Tree {
    pub(crate) fn put(&mut self, path: &str, node: Node) {
        let below = format!("{path}/");
        self.0.retain(|other, _| !other.starts_with(&below));
        self.0.insert(path.to_owned(), node);
    }

    /// Removes what stands at the path, or everything below it; whether there was anything.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let below = format!("{path}/");
        let before = self.0.len();
        self.0.retain(|other, _| other != path && !other.starts_with(&below));
        self.0.len() < before
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Looks a path up; the empty path is the root.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        if let Some(node) = self.0.get(path) {
            return Some(Found::Node(node));
        }
        let children = self.children(path);
        if children.is_empty() && !path.is_empty() { None } else { Some(Found::Directory(children)) }
    }

    fn children(&self, path: &str) -> Vec<Child<'_>> {
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut children: Vec<Child<'_>> = Vec::new();
        for (full, node) in self.0.range(below.clone()..).take_while(|(full, _)| full.starts_with(&below)) {
            let (end, node) = match full[below.len()..].find('/') {
                Some(slash) => (below.len() + slash, None),
                None => (full.len(), Some(node)),
            };
            if children.last().is_none_or(|last| last.path != &full[..end]) {
                children.push(Child { path: &full[..end], node });
            }
        }
        children
    }

    /// The git-like id of everything below a path.
    pub(crate) fn id(&self, path: &str) -> String {
        let mut text = String::new();
        for (name, node) in self.iter().filter(|(name, _)| name.starts_with(path)) {
            let _ = writeln!(text, "{name} {}", node.sha());
        }
        git_id("tree", text.as_bytes())
    }

    /// The regular file that a link leads to, when GitHub would follow it.
    pub(crate) fn follow(&self, link: &str, target: &str) -> Option<&Blob> {
        let mut at: Vec<&str> = link.split('/').collect();
        at.pop();
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(at.pop()?),
                name => at.push(name),
            }
        }
        if let Some(Node::File(blob)) = self.get(&at.join("/")) { Some(blob) } else { None }
    }
}

/// The id that git gives an object: SHA-1 over kind, length and content.
pub(crate) fn git_id(kind: &str, content: &[u8]) -> String {
    let mut hash = digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(format!("{kind} {}\0", content.len()).as_bytes());
    hash.update(content);
    hex(hash.finish().as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            tree.put(path, Node::File(Blob::new(path.to_string())));
        }
        tree
    }

    #[test]
    fn a_blob_has_the_id_git_gives_it() {
        assert_eq!(Blob::new("what is up, doc?").sha, "bd9dbf5aae1a3862dd1526723246b20206e5fc37");
    }

    #[test]
    fn a_directory_lists_what_is_directly_below() {
        let tree = tree(&["a/b/c", "a/b/d", "a/e", "a-b", "f"]);
        let names = |path| match tree.find(path) {
            Some(Found::Directory(children)) => children.iter().map(|child| (child.path.to_owned(), child.node.is_none())).collect(),
            _ => Vec::new(),
        };
        assert_eq!(names("a"), [("a/b".to_owned(), true), ("a/e".to_owned(), false)]);
        assert_eq!(names(""), [("a-b".to_owned(), false), ("a".to_owned(), true), ("f".to_owned(), false)]);
        assert!(tree.find("a/x").is_none());
    }

    #[test]
    fn a_file_takes_the_place_of_a_directory() {
        let mut tree = tree(&["a/b", "ab"]);
        tree.put("a", Node::File(Blob::new("x")));
        assert_eq!(tree.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a", "ab"]);
    }

    #[test]
    fn links_are_followed_within_the_repository_only() {
        let tree = tree(&["policies/ci.yaml", "a/x"]);
        assert!(tree.follow(".github/chainguard/ci.sts.yaml", "../../policies/ci.yaml").is_some());
        for target in ["../../../policies/ci.yaml", "ci.yaml", "../../policies", "/etc/passwd"] {
            assert!(tree.follow(".github/chainguard/ci.sts.yaml", target).is_none(), "Input: {target}");
        }
    }
}
