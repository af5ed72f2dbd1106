//! Programs that must be there.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program `name`: from the variable `variable`, the folder `target/venv/bin` or the path.
pub fn program(name: &str, variable: &str, install: &str) -> PathBuf {
    let in_venv = root().join("target/venv/bin").join(name);
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| in_venv.is_file().then_some(in_venv)).or_else(on_path);
    found.unwrap_or_else(|| panic!("`{name}` is missing: install it with `{install}`, or say where it is in `{variable}`"))
}
