//! Has the linker lay the functions of a serving process side by side.
//!
//! The system keeps a program in memory by stretches of 64 KiB. Scattered among the functions of every other command, those
//! that `serve` runs would keep nearly the whole binary there; side by side they take a third of it. `link/order.txt` names
//! them, and `bench/order.sh` writes it. A name that no longer exists is passed over: an old list costs memory, nothing else.

use std::{
    env,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

const LIST: &str = "link/order.txt";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={LIST}");
    let variable = |name| env::var(name).unwrap_or_default();
    let list = Path::new(&variable("CARGO_MANIFEST_DIR")).join(LIST);
    let arguments = [format!("-Wl,--symbol-ordering-file={}", list.display()), "-Wl,--no-warn-symbol-ordering".to_owned()];
    if variable("PROFILE") == "release" && variable("CARGO_CFG_TARGET_OS") == "linux" && is_taken(&arguments) {
        for argument in arguments {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// Whether this linker takes the arguments: LLVM's does, which Rust brings for this kind of machine; others may not.
fn is_taken(arguments: &[String]) -> bool {
    let variable = |name| env::var_os(name).unwrap_or_default();
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["-", "--crate-name", "probe", "--target"]).arg(variable("TARGET")).arg("-o").arg(Path::new(&variable("OUT_DIR")).join("probe"));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg(["linker=", &linker.to_string_lossy()].concat());
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    rustc.args(arguments.iter().flat_map(|argument| ["-C".to_owned(), format!("link-arg={argument}")]));
    let Ok(mut child) = rustc.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return false };
    let told = child.stdin.take().is_some_and(|mut source| source.write_all(b"fn main() {}").is_ok());
    child.wait().is_ok_and(|status| status.success()) && told
}
