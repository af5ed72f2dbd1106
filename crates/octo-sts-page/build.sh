#!/usr/bin/env bash
# Builds the policy engine for browsers: the same bytes on every machine, for the compiler is pinned, and no path of this
# machine gets in.
#
#   crates/octo-sts-page/build.sh [FOLDER]      writes engine.js, engine.wasm and engine.wasm.br there; assets/ when nothing is said
set -euo pipefail
folder=$(realpath -m "${1:-$(dirname "$0")/assets}")
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
triple=wasm32-unknown-unknown
[ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ] || rustup target add "$triple"

remap() { printf -- '--remap-path-prefix=%s=%s' "$1" "$2"; }
RUSTFLAGS="$(remap "$PWD" /octo-sts) $(remap "${CARGO_HOME:-$HOME/.cargo}/registry/src" /registry)" \
    cargo rustc --quiet --locked -p octo-sts-page --lib --crate-type cdylib --profile page --target "$triple" --target-dir target/page
cargo run --quiet --locked --release --manifest-path crates/octo-sts-page/bindgen/Cargo.toml --target-dir target/page-bindgen -- \
    "target/page/$triple/page/octo_sts_page.wasm" "$folder"
