//! `docs/attacks.md` names, attack by attack, every test that carries its id. `UPDATE_GENERATED=1` writes the names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// How the third column begins where no test plays an attack and the page says what is done instead.
const NO_TEST: &str = "No test: ";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file below, in the order of their names.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The ids in a line: `T-` and three digits or letters.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    let is_id = |id: &&str| id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    line.match_indices("T-").filter_map(move |(at, _)| line.get(at + 2..at + 5).filter(is_id).map(|_| &line[at..at + 5]))
}

/// The tests of one file, each with the ids above it.
fn tests_with_ids(text: &str) -> Vec<(Vec<&str>, &str)> {
    let (mut found, mut above, mut is_test) = (Vec::new(), Vec::new(), false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("//") {
            above.extend(ids(line));
        } else if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else {
            let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| is_test) {
                found.push((above, name));
            }
            (above, is_test) = (Vec::new(), false);
        }
    }
    found
}

/// For each id its tests, as the page names them.
fn tests_by_id(root: &Path) -> BTreeMap<String, Vec<String>> {
    let (mut files, mut tests) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    sources(&root.join("crates"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (ids, name) in tests_with_ids(&text) {
            for id in ids {
                tests.entry(id.to_owned()).or_default().push(format!("`{}::{name}`", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    tests
}

/// A line of the page with the tests that there are; a line that is no row as it is.
fn row(line: &str, tests: &mut BTreeMap<String, Vec<String>>) -> String {
    let Some((id, rest)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | ")).filter(|(id, _)| id.starts_with("T-")) else {
        return line.to_owned();
    };
    let (attack, named) = rest.trim_end_matches(" |").split_once(" | ").unwrap_or_else(|| panic!("{id} has no third column"));
    assert!(!attack.trim().is_empty(), "{id} does not say what the attack is");
    let named = tests.remove(id).map_or_else(|| named.to_owned(), |tests| tests.join("<br>"));
    assert!(named.starts_with('`') || named.starts_with(NO_TEST), "no test carries {id}: its row says `{NO_TEST}` and what is done instead");
    format!("| {id} | {attack} | {named} |")
}

#[test]
fn the_list_of_attacks_names_every_test_that_carries_an_id() {
    let (path, mut tests) = (root().join("docs/attacks.md"), tests_by_id(&root()));
    let text = fs::read_to_string(&path).unwrap();
    let made = text.lines().fold(String::new(), |made, line| made + &row(line, &mut tests) + "\n");
    assert!(tests.is_empty(), "no row has these ids: {tests:?}");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == made, "run `UPDATE_GENERATED=1 cargo test -p octo-sts-server --test conformance the_list_of_attacks`");
}

#[test]
fn every_id_has_one_row() {
    let text = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let rows: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("| T-")?.split(' ').next()).collect();
    assert!(rows.len() > 130 && rows.is_sorted_by(|one, next| one < next), "{rows:?}");
}
