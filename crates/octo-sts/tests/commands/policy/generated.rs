//! Files that are made from the code say what the code says. `UPDATE_GENERATED=1` writes them.

use std::{fs, path::Path};

use octo_sts_policy::{Schema, diagnostics::codes_as_markdown};

use super::Folder;

fn compare(path: &str, made: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&full, made).unwrap();
    }
    let committed = fs::read_to_string(full).unwrap_or_default();
    assert!(committed == made, "{path} is not what the code makes: run `UPDATE_GENERATED=1 cargo test -p octo-sts --test commands generated`");
}

#[test]
fn schemas_are_what_the_command_prints() {
    let folder = Folder::new(&[]);
    for schema in Schema::ALL {
        let said = folder.policy(&["schema", schema.name()]);
        assert_eq!(said.code, 0, "{}", said.err);
        compare(&format!("schemas/{}.schema.json", schema.name()), &said.out);
    }
    assert_eq!(folder.policy(&["schema"]).out, folder.policy(&["schema", "trust-policy"]).out);
    assert_eq!(folder.policy(&["schema", "policy"]).code, 2);
}

#[test]
fn the_page_of_errors_has_every_code() {
    compare("docs/errors.md", &codes_as_markdown());
}
