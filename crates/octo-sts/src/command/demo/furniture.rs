//! What lies in the folder when the demo begins: the example policy, and what earlier runs have left.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{
    aloud,
    folder::{Change, Folder},
    playground::{IDENTITY, REPOSITORY},
};

/// How a policy names the issuer of any run.
const ISSUER: (&str, &str) = ("issuer: http://127.0.0.1:", "/actions");

/// Writes the example policy where there is none yet, and points those that are there to this run's issuer.
pub(super) fn furnish(root: &Path, issuer: &str) -> Result<()> {
    let path = root.join(REPOSITORY).join(format!(".github/chainguard/{IDENTITY}.sts.yaml"));
    if !path.exists() {
        let parent = path.parent().context("the path has a parent")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let policy = format!("issuer: {issuer}\nsubject: repo:{REPOSITORY}:ref:refs/heads/main\n\npermissions:\n  contents: read\n  issues: write\n");
        fs::write(&path, policy).with_context(|| format!("cannot write {}", path.display()))?;
    }
    follow_issuer(root, issuer)
}

/// The issuer's port is part of its name, and may be another in each run.
fn follow_issuer(root: &Path, issuer: &str) -> Result<()> {
    for change in Folder::new(root).changes().context("the folder cannot be read")? {
        let Change::Written(place, text) = change else { continue };
        let followed = followed(&text, issuer);
        if followed == text {
            continue;
        }
        let path = root.join(&place.repository).join(&place.path);
        fs::write(&path, followed).with_context(|| format!("cannot write {}", path.display()))?;
        aloud(&format!("{}: {} names this run's issuer now", place.repository, place.path));
    }
    Ok(())
}

fn followed(text: &str, issuer: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let port = line.trim_end().strip_prefix(ISSUER.0).and_then(|rest| rest.strip_suffix(ISSUER.1));
            if port.is_some_and(|port| port.parse::<u16>().is_ok()) { format!("issuer: {issuer}\n") } else { line.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_issuer_of_an_earlier_run_is_replaced() {
        let now = "http://127.0.0.1:9/actions";
        for (before, after) in [
            ("issuer: http://127.0.0.1:8082/actions\nsubject: x\n", "issuer: http://127.0.0.1:9/actions\nsubject: x\n"),
            ("issuer: http://127.0.0.1:8082/other\n", "issuer: http://127.0.0.1:8082/other\n"),
            ("issuer: https://token.actions.githubusercontent.com\n", "issuer: https://token.actions.githubusercontent.com\n"),
            ("# issuer: http://127.0.0.1:8082/actions\n", "# issuer: http://127.0.0.1:8082/actions\n"),
        ] {
            assert_eq!(followed(before, now), after);
        }
    }

    #[test]
    fn a_second_run_keeps_what_the_person_wrote() {
        let root = tempfile::tempdir().unwrap();
        furnish(root.path(), "http://127.0.0.1:1/actions").unwrap();
        let path = root.path().join("acme/app/.github/chainguard/example.sts.yaml");
        let text = fs::read_to_string(&path).unwrap().replace("main", "mine");
        fs::write(&path, &text).unwrap();
        furnish(root.path(), "http://127.0.0.1:2/actions").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text.replace(":1/", ":2/"));
    }
}
