//! Which files are policies, by their names and folders.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use octo_sts_policy::FileKind;

/// Folders that hold other people's files.
const LEFT_OUT: [&str; 2] = [".git", "node_modules"];

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) kind: FileKind,
    /// Whether it lies in the organisation's policy repository, as far as folders tell.
    pub(super) in_policy_repository: bool,
}

/// The files at these paths, in order, each once. Of a folder: what lies in a `.github/chainguard` in it.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        let cannot = || format!("{} cannot be read", path.display());
        if fs::metadata(path).with_context(cannot)?.is_dir() {
            let before = found.len();
            walk(path, &mut found).with_context(cannot)?;
            if found.len() == before {
                bail!("{} holds no policies: they lie in `.github/chainguard/`, as NAME.sts.yaml", path.display());
            }
        } else {
            found.push(given(path));
        }
    }
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.path.clone()));
    Ok(found)
}

/// A file that somebody names is taken for a policy wherever it lies, unless its name says what else it is.
pub(super) fn given(path: &Path) -> Found {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let place = Place::of(path.parent().unwrap_or(path));
    let kind = FileKind::taken_for_a_policy(&name, place.depth.unwrap_or(0));
    Found { path: path.to_owned(), kind, in_policy_repository: place.in_policy_repository }
}

fn walk(folder: &Path, found: &mut Vec<Found>) -> io::Result<()> {
    let place = Place::of(folder);
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // GitHub follows a link to a file, and none to a folder.
        if entry.file_type()?.is_dir() {
            if !LEFT_OUT.contains(&&*name) {
                walk(&path, found)?;
            }
        } else if let Some(kind) = place.depth.and_then(|depth| FileKind::of(&name, depth)).filter(|_| git_holds(&path)) {
            let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
            found.push(Found { path, kind, in_policy_repository: place.in_policy_repository });
        }
    }
    Ok(())
}

/// Pipes, sockets and devices are in no repository, and to open one may never end.
fn git_holds(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.is_file() || found.is_dir())
}

/// Where a folder lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// How many folders below `.github/chainguard`; `None` outside.
    depth: Option<usize>,
    in_policy_repository: bool,
}

impl Place {
    fn of(folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let names: Vec<_> = real.iter().map(|name| name.to_string_lossy()).collect();
        let at = names.windows(2).rposition(|pair| pair == [".github", "chainguard"]);
        let repository = at.and_then(|at| names.get(at.checked_sub(1)?));
        Self { depth: at.map(|at| names.len() - at - 2), in_policy_repository: repository.is_some_and(|name| name.eq_ignore_ascii_case(".github")) }
    }
}

impl Found {
    /// The test cases of a policy, or the policy of test cases: the file beside it.
    pub(super) fn partner(&self) -> Option<PathBuf> {
        self.kind.partner().map(|name| self.path.with_file_name(name))
    }
}

/// Reads at most a little more than the largest file, so that the parser says that it is too large.
pub(super) fn read(reader: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    let limit = octo_sts_policy::LARGEST_FILE as u64 + 1;
    reader.take(limit).read_to_end(&mut bytes).map_err(|error| format!("The file cannot be read: {error}."))?;
    String::from_utf8(bytes).or_else(|error| match error.utf8_error().error_len() {
        // A character that the limit cut.
        None if error.as_bytes().len() as u64 == limit => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        _ => Err("The file is not UTF-8.".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_searched_and_knows_the_policy_repository() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            ".github/.github/chainguard/org.sts.yaml",
            "app/.github/chainguard/ci.sts.yaml",
            "app/.github/chainguard/old/ci.sts.yaml",
            "app/.git/.github/chainguard/x.sts.yaml",
            "app/elsewhere/ci.sts.yaml",
            "app/.github/workflows/ci.yaml",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let seen = |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| root.path().join(path)).collect();
            let told = |file: Found| {
                let path = file.path.strip_prefix(root.path()).unwrap().to_str().unwrap().to_owned();
                (path, matches!(file.kind, FileKind::Policy(_)), file.in_policy_repository)
            };
            find(&paths).map(|found| found.into_iter().map(told).collect::<Vec<_>>())
        };
        let ci = ("app/.github/chainguard/ci.sts.yaml".to_owned(), true, false);
        let old = ("app/.github/chainguard/old/ci.sts.yaml".to_owned(), false, false);
        let org = (".github/.github/chainguard/org.sts.yaml".to_owned(), true, true);
        assert_eq!(seen(&[""]).unwrap(), [org, ci.clone(), old.clone()]);
        assert_eq!(seen(&["app/.github/chainguard", "app"]).unwrap(), [ci.clone(), old]);
        assert_eq!(seen(&["app/elsewhere/ci.sts.yaml"]).unwrap(), [("app/elsewhere/ci.sts.yaml".to_owned(), true, false)]);
        assert_eq!(seen(&["app/.github/chainguard/ci.sts.yaml"]).unwrap(), [ci]);
        assert!(seen(&["app/elsewhere"]).is_err() && seen(&["nowhere"]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_no_repository_holds_is_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".github/chainguard");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("ci.sts.yaml"), "").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.sts.yaml")).unwrap();
        std::os::unix::fs::symlink("socket.sts.yaml", folder.join("link.sts.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("dead.sts.yaml")).unwrap();
        let found = find(&[root.path().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["ci.sts.yaml", "dead.sts.yaml"]);
    }

    #[test]
    fn what_is_read_is_text_and_bounded() {
        assert_eq!(read("é".as_bytes()), Ok("é".to_owned()));
        assert_eq!(read(b"\xff".as_slice()), Err("The file is not UTF-8.".to_owned()));
        let long = "é".repeat(octo_sts_policy::LARGEST_FILE);
        assert!(read(long.as_bytes()).unwrap().len() > octo_sts_policy::LARGEST_FILE);
    }
}
