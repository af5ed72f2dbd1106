//! The committed code of `src/pb/` is what `proto/` generates, and `schemas/openapi.json` what the service serves.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const DEFINITION: &str = "chainguard/platform/oidc/oidc.platform.proto";

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The code for the service's own package, and the descriptors of every file, options included.
fn generate() -> (String, Vec<u8>) {
    let mut compiler = protox::Compiler::new([folder("../../proto")]).unwrap();
    compiler.include_imports(true).include_source_info(false).open_file(DEFINITION).unwrap();
    let descriptors = compiler.encode_file_descriptor_set();
    let mut documented = protox::Compiler::new([folder("../../proto")]).unwrap();
    documented.include_imports(true).include_source_info(true).open_file(DEFINITION).unwrap();
    let output = tempfile::tempdir().unwrap();
    tonic_prost_build::configure().build_client(false).out_dir(output.path()).compile_fds(documented.file_descriptor_set()).unwrap();
    let code = fs::read_to_string(output.path().join("chainguard.platform.oidc.rs")).unwrap();
    (code, descriptors)
}

#[test]
fn committed_code_is_what_the_definition_generates() {
    let (code, descriptors) = generate();
    let (code_file, descriptor_file) = (folder("src/pb/generated.rs"), folder("src/pb/descriptors.bin"));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&code_file, &code).unwrap();
        fs::write(&descriptor_file, &descriptors).unwrap();
    }
    let advice = "run `UPDATE_GENERATED=1 cargo test -p octo-sts-server --test generated`";
    assert_eq!(fs::read_to_string(code_file).unwrap_or_default(), code, "{advice}");
    assert!(fs::read(descriptor_file).unwrap_or_default() == descriptors, "{advice}");
}

#[test]
fn committed_description_is_what_the_service_serves() {
    let (path, described) = (folder("../../schemas/openapi.json"), octo_sts_server::openapi());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &described).unwrap();
    }
    let advice = "run `UPDATE_GENERATED=1 cargo test -p octo-sts-server --test generated`";
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), described, "{advice}");
}
