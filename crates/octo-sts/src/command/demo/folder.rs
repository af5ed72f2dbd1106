//! A folder that stands for repositories: `FOLDER/OWNER/REPOSITORY/…` are the files of the default branch.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The largest file that is taken over.
const LARGEST: u64 = 1 << 20;

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// `OWNER/REPOSITORY`.
    pub(crate) repository: String,
    /// The path inside it, with slashes.
    pub(crate) path: String,
}

/// What changed since the last look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Written(Place, String),
    Removed(Place),
}

/// A folder and what was in it last.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    known: BTreeMap<Place, String>,
}

impl Folder {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: BTreeMap::new() }
    }

    /// Looks again, and tells what is new, other or gone. Files that are no text, or large, are left out.
    pub(crate) fn changes(&mut self) -> io::Result<Vec<Change>> {
        let mut found = BTreeMap::new();
        for owner in folders(&self.root)? {
            for repository in folders(&self.root.join(&owner))? {
                let root = self.root.join(&owner).join(&repository);
                collect(&root, &root, &format!("{owner}/{repository}"), &mut found)?;
            }
        }
        let removed = self.known.keys().filter(|place| !found.contains_key(place)).cloned().map(Change::Removed);
        let written = found.iter().filter(|(place, text)| self.known.get(place) != Some(text));
        let written = written.map(|(place, text)| Change::Written(place.clone(), text.clone()));
        let changes = removed.chain(written).collect();
        self.known = found;
        Ok(changes)
    }
}

/// The names of the folders in a folder that can be names at GitHub.
fn folders(parent: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

fn collect(root: &Path, folder: &Path, repository: &str, found: &mut BTreeMap<Place, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() && entry.file_name() != ".git" {
            collect(root, &path, repository, found)?;
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let Ok(inside) = path.strip_prefix(root) else { continue };
            let inside: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            found.insert(Place { repository: repository.to_owned(), path: inside.join("/") }, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_other_and_gone_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let policies = root.path().join("acme/app/.github/chainguard");
        fs::create_dir_all(&policies).unwrap();
        fs::write(policies.join("ci.sts.yaml"), "one").unwrap();
        let place = Place { repository: "acme/app".into(), path: ".github/chainguard/ci.sts.yaml".into() };
        let mut folder = Folder::new(root.path());
        assert_eq!(folder.changes().unwrap(), [Change::Written(place.clone(), "one".into())]);
        assert_eq!(folder.changes().unwrap(), []);
        fs::write(policies.join("ci.sts.yaml"), "two").unwrap();
        assert_eq!(folder.changes().unwrap(), [Change::Written(place.clone(), "two".into())]);
        fs::remove_file(policies.join("ci.sts.yaml")).unwrap();
        assert_eq!(folder.changes().unwrap(), [Change::Removed(place)]);
    }
}
