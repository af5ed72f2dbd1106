//! `octo-sts policy`, run as a person, an editor or CI runs it.

mod cases;
mod check;
mod docs;
mod explain;
mod generated;

use std::{fs, path::Path};

use super::support::{octo_sts, run, text};

/// A folder of repositories.
struct Folder(tempfile::TempDir);

/// How a command ended, and what it said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

const GOOD: &str = "issuer: https://gitlab.com\nsubject: project_path:acme/app:ref_type:branch:ref:main\npermissions:\n  issues: write\n";

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `octo-sts policy` in the folder.
    fn policy(&self, arguments: &[&str]) -> Said {
        self.policy_with(arguments, "")
    }

    fn policy_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = octo_sts(&[&["policy"], arguments].concat());
        command.current_dir(self.path());
        let output = run(command, input);
        Said { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
