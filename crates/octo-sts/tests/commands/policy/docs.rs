//! Every policy that the documentation shows is one that the service takes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use octo_sts_policy::{Diagnostics, Guardrails, IssuerAllowlist, ParseOptions, PolicyKind, PolicyTests, TrustPolicy};
use octo_sts_types::Scope;

/// Behind the path of a policy that lies in the policy repository.
const OF_THE_ORGANISATION: &str = " in the repository YOUR-ORG/.github";

/// A file that a page shows: its first line is a comment with its path.
struct Shown {
    page: String,
    /// The name below `.github/chainguard/`; `None`: not one of ours.
    name: Option<String>,
    organisation: bool,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files with this ending in a folder, and below it.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// The YAML of a page.
fn blocks(page: &Path) -> Vec<Shown> {
    let text = fs::read_to_string(page).unwrap();
    let (mut blocks, mut block): (Vec<Shown>, Option<(usize, String)>) = (Vec::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match &mut block {
            None if line.trim() == "```yaml" => block = Some((indent, String::new())),
            Some((_, text)) if line.trim() == "```" => {
                blocks.push(shown(page, std::mem::take(text)));
                block = None;
            }
            Some((indent, text)) => {
                text.push_str(line.get(*indent..).unwrap_or_default());
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

fn shown(page: &Path, text: String) -> Shown {
    let first = text.lines().next().unwrap_or_default();
    let path = first.strip_prefix("# .github/chainguard/");
    let name = path.map(|path| path.strip_suffix(OF_THE_ORGANISATION).unwrap_or(path).to_owned());
    let organisation = first.ends_with(OF_THE_ORGANISATION);
    Shown { page: page.display().to_string(), name, organisation, text }
}

impl Shown {
    fn kind(&self) -> PolicyKind {
        if self.organisation { PolicyKind::Organization } else { PolicyKind::Repository }
    }

    fn policy(&self) -> TrustPolicy {
        let options = ParseOptions { owner: Some("YOUR-ORG".parse().unwrap()), ..ParseOptions::default() };
        self.parsed(TrustPolicy::parse(&self.text, self.kind(), &options).map(|parsed| parsed.value))
    }

    fn parsed<T>(&self, outcome: Result<T, Diagnostics>) -> T {
        outcome.unwrap_or_else(|found| panic!("{}: {found}\n{}", self.page, self.text))
    }

    /// Whether it is a file of ours, and then a valid one.
    fn is_ours(&self) -> bool {
        match self.name.as_deref() {
            None => return false,
            Some("trusted-token-issuers.yaml") => drop(self.parsed(IssuerAllowlist::parse(&self.text))),
            Some("guardrails.yaml") => drop(self.parsed(Guardrails::parse(&self.text))),
            Some(name) if name.ends_with(".sts.test.yaml") => drop(self.parsed(PolicyTests::parse(&self.text))),
            Some(name) => {
                let stem = name.strip_suffix(".sts.yaml").unwrap_or_else(|| panic!("{}: `{name}` names no policy", self.page));
                assert!(stem.parse::<octo_sts_types::Identity>().is_ok(), "{}: {name}", self.page);
                drop(self.policy());
            }
        }
        true
    }
}

#[test]
fn every_policy_on_a_page_is_valid() {
    let mut pages: Vec<_> = ["docs/issuers", "docs/guides", "examples"].iter().flat_map(|folder| files(&root().join(folder), ".md")).collect();
    pages.push(root().join("docs/private-issuers.md"));
    let blocks: Vec<_> = pages.iter().flat_map(|page| blocks(page)).collect();
    let ours = blocks.iter().filter(|block| block.is_ours()).count();
    assert!(ours >= 40, "only {ours} policies were found");
    let unnamed =
        |block: &&Shown| block.name.is_none() && ["\nissuer:", "\nissuer_pattern:"].iter().any(|field| format!("\n{}", block.text).contains(field));
    if let Some(block) = blocks.iter().find(unnamed) {
        panic!("{}: a policy begins with a comment that says its path:\n{}", block.page, block.text);
    }
}

#[test]
fn every_example_is_valid() {
    let policies = files(&root().join("examples"), ".sts.yaml");
    assert!(policies.len() >= 8, "{policies:?}");
    for path in policies {
        let shown = shown(&path, fs::read_to_string(&path).unwrap());
        assert!(shown.is_ours(), "{}: the first line says where the policy lies", shown.page);
    }
}

#[test]
fn every_block_of_the_reference_is_valid() {
    for (page, at_least) in [("docs/policies.md", 10), ("docs/guardrails.md", 5), ("docs/issuer-allowlist.md", 2)] {
        let blocks = blocks(&root().join(page));
        assert!(blocks.len() >= at_least, "{page} has {} blocks", blocks.len());
        for block in &blocks {
            assert!(block.is_ours(), "{page}: a block begins with a comment that says its path:\n{}", block.text);
        }
    }
}

#[test]
fn test_cases_on_a_page_hold_for_the_policy_before_them() {
    let audiences = ["sts.example.com".to_owned(), "https://github.com/{scope}".to_owned()];
    let scope: Scope = "YOUR-ORG/YOUR-REPO".parse().unwrap();
    let blocks = blocks(&root().join("docs/policies.md"));
    let mut cases = 0;
    for block in &blocks {
        let Some(stem) = block.name.as_deref().and_then(|name| name.strip_suffix(".sts.test.yaml")) else { continue };
        let policy = blocks.iter().find(|other| other.name.as_deref() == Some(&format!("{stem}.sts.yaml"))).unwrap().policy();
        for outcome in PolicyTests::parse(&block.text).unwrap().value.run(&policy, &scope, &audiences) {
            assert_eq!(outcome.result, Ok(()), "{stem}: {}", outcome.case.name);
            cases += 1;
        }
    }
    assert!(cases >= 3, "{cases} cases were found");
}
