//! `ARCHITECTURE.md` has every package with the packages that it uses, and the files that it names are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The packages of ours that a package uses outside of its tests.
fn used_by(package: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
    let of_ours = |line: &str| line.split(['.', ' ', '=']).next().filter(|name| name.starts_with("octo-sts-")).map(str::to_owned);
    manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('[')).filter_map(of_ours).collect()
}

/// Each row of the table of packages: the package, and what its last column says.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `octo-sts")?.strip_suffix(" |"));
    cells.filter_map(|row| Some((row.split_once('`')?.0, row.rsplit_once(" | ")?.1))).collect()
}

#[test]
fn the_table_has_every_package_and_every_arrow() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (table, _) = page.split_once("Beside them:").unwrap();
    let mut told = BTreeMap::new();
    for (name, uses) in rows(table) {
        let above: BTreeSet<_> = told.keys().cloned().collect();
        let uses = match uses {
            "all above" => above.clone(),
            "–" => BTreeSet::new(),
            uses if uses.starts_with("nothing of ours") => BTreeSet::new(),
            uses => uses.split(", ").map(|name| format!("octo-sts-{name}")).collect(),
        };
        assert!(uses.is_subset(&above), "octo-sts{name} uses what stands below it");
        told.insert(format!("octo-sts{name}"), uses);
    }
    let packages: BTreeSet<_> = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), packages);
    for (package, uses) in &told {
        assert_eq!(uses, &used_by(package), "what {package} uses");
    }
}

#[test]
fn every_file_that_is_named_exists() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let named: Vec<_> = page.split('`').skip(1).step_by(2).filter(|code| code.starts_with("octo-sts-") && code.contains("/src/")).collect();
    assert!(named.len() > 8, "{named:?}");
    for path in named.into_iter().flat_map(spelled_out) {
        assert!(root().join("crates").join(&path).exists(), "ARCHITECTURE.md names {path}");
    }
}

/// `a/{b,c}.rs` is two paths.
fn spelled_out(path: &str) -> Vec<String> {
    match (path.split_once('{'), path.split_once('}')) {
        (Some((before, _)), Some((inside, after))) => {
            inside.rsplit('{').next().unwrap_or_default().split(',').map(|name| format!("{before}{name}{after}")).collect()
        }
        _ => vec![path.to_owned()],
    }
}
