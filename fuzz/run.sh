#!/usr/bin/env bash
# Runs each fuzz target for a while, on the pinned stable toolchain.
#
#   fuzz/run.sh [SECONDS [TARGET...]]      30 seconds and every target when nothing is said
#
# A finding stops the run and leaves its input in fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-30}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(policy allowlist guardrails pattern claims)

# What the fuzzer needs to see which code an input reaches. The passes are unstable options; RUSTC_BOOTSTRAP admits them.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-../target/fuzz}
cargo build --quiet --release --locked --target "$host"
mkdir -p artifacts
for target in "${targets[@]}"; do
    found=$(mktemp -d)
    echo "== $target for $seconds s"
    # With the fuzzer's flags everything takes ten to twenty times as long: two seconds here are about 100 ms in a release build.
    "$CARGO_TARGET_DIR/$host/release/$target" -max_total_time="$seconds" -timeout=2 -max_len=65536 -rss_limit_mb=1024 \
        -artifact_prefix="artifacts/$target-" "$found" "corpus/$target" 2>&1 | tail -n 3
    rm -rf "$found"
done
