//! The documents that name tests name tests that exist.

use std::{fs, path::Path};

/// The tests that a document names: `path::name` in backticks, the path from the root of the workspace.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::")).collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (document, at_least) in [("DIFFERENCES.md", 40), ("docs/attacks.md", 100)] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let tests = named(&text);
        assert!(tests.len() >= at_least, "{document} names {} tests", tests.len());
        for (path, name) in tests {
            let source = fs::read_to_string(root.join(format!("{path}.rs"))).unwrap_or_else(|error| panic!("{document}: {path}.rs: {error}"));
            assert!(source.contains(&format!("fn {name}(")), "{document}: {path}.rs has no test {name}");
        }
    }
}
