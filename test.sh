#!/usr/bin/env bash
# Runs every check and every test of this project, and installs what they need.
#
#   ./test.sh            everything but the fuzz targets, whose findings are not the same in every run
#   ./test.sh STEP...    only these steps, for instance: ./test.sh format lint rust
#
# Steps: format lint docs rust components page action deploy deny demo clean; and fuzz, half a minute for each target
set -euo pipefail
cd "$(dirname "$0")"
ROOT=$PWD
TOOLS="$ROOT/target/tools"
OPENAPI_VERSION=23.0.2
WEBHOOKS_EXAMPLES_VERSION=7.6.1
ACTION_NODE_VERSION=24.21.0
CARGO_DENY_VERSION=0.20.2
FIRESTORE_EMULATOR_VERSION=0.3.15
MOTO_VERSION=5.2.5
SCHEMATHESIS_VERSION=4.32.5
AUTHLIB_VERSION=1.9.10
REQUESTS_OAUTHLIB_VERSION=2.0.0
PLAYWRIGHT_VERSION=1.65.1
AXE_VERSION=4.14.1
mkdir -p "$TOOLS"

say() { printf '\n== %s\n' "$*"; }
die() { printf 'test.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages, installed when the command is missing and we may.
package() {
    have "$1" && return
    [ "$(id -u)" = 0 ] && have apt-get || die "'$1' is missing: install the package '$2'"
    [ -e "$TOOLS/apt-updated" ] || { apt-get update -qq && touch "$TOOLS/apt-updated"; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
}

npm_package() {
    [ -d "$ROOT/target/npm/node_modules/$1" ] && return
    have npm || die "'npm' is missing: install Node.js 20 or newer"
    mkdir -p "$ROOT/target/npm"
    npm install --silent --no-audit --no-fund --prefix "$ROOT/target/npm" "$1@$2"
}

# A Python package, by a program or a module of its.
python_package() {
    [ -x "$ROOT/target/venv/bin/$1" ] || compgen -G "$ROOT/target/venv/lib/python3*/site-packages/$1" >/dev/null && return
    have python3 || die "'python3' is missing: install Python 3 with its venv module"
    [ -x "$ROOT/target/venv/bin/pip" ] || python3 -m venv "$ROOT/target/venv" || die "Python cannot make a venv: install the package 'python3-venv'"
    "$ROOT/target/venv/bin/pip" install --quiet --disable-pip-version-check "$2"
}

# Tests of deadlines and floods measure time, and a machine that others share can be late: what fails is run once more,
# and both runs are shown.
tests() {
    cargo test --locked --no-fail-fast "$@" && return
    say "some tests failed: the same ones must pass when they are run again"
    cargo test --locked --no-fail-fast "$@"
}

step_format() {
    cargo fmt --all --check
}

step_lint() {
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
}

step_docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
}

step_rust() {
    tests --workspace
}

# Tests against real parts (Redis, SoftHSM, AWS and Firestore doubles) and against GitHub's own descriptions and examples.
step_components() {
    package redis-server redis-server
    package softhsm2-util softhsm2
    package openssl openssl
    package jq jq
    package curl curl
    package gh gh
    npm_package @octokit/openapi "$OPENAPI_VERSION"
    npm_package @octokit/webhooks-examples "$WEBHOOKS_EXAMPLES_VERSION"
    npm_package @firestore-emulator/server "$FIRESTORE_EMULATOR_VERSION"
    python_package moto_server "moto[server]==$MOTO_VERSION"
    python_package schemathesis "schemathesis==$SCHEMATHESIS_VERSION"
    python_package authlib "authlib==$AUTHLIB_VERSION"
    python_package requests_oauthlib "requests-oauthlib==$REQUESTS_OAUTHLIB_VERSION"
    tests -p octo-sts-sandbox --features components --test openapi
    tests -p octo-sts-webhook --features components --test examples
    have node || die "'node' is missing: install Node.js 20 or newer"
    tests -p octo-sts --features components --test guides
    tests -p octo-sts-signer -p octo-sts-store --features octo-sts-signer/full,octo-sts-signer/components,octo-sts-store/full,octo-sts-store/components
    tests -p octo-sts-server --features full,components --test components
    package prometheus prometheus
    tests -p octo-sts-prober --features components --test prometheus
}

# The page in a browser. Its engine is committed: it must be what comes of building it.
step_page() {
    package chromium chromium
    have node || die "'node' is missing: install Node.js 20 or newer"
    npm_package playwright-core "$PLAYWRIGHT_VERSION"
    npm_package axe-core "$AXE_VERSION"
    crates/octo-sts-page/build.sh "$ROOT/target/page/assets"
    local file
    for file in engine.js engine.wasm engine.wasm.br; do
        cmp "$ROOT/target/page/assets/$file" "crates/octo-sts-page/assets/$file" ||
            die "the page's engine is not that of the sources: run crates/octo-sts-page/build.sh"
    done
    cargo build --quiet --locked -p octo-sts
    CHROMIUM=$(command -v chromium) OCTO_STS="${CARGO_TARGET_DIR:-$ROOT/target}/debug/octo-sts" node --test crates/octo-sts-page/tests/browser.mjs
}

step_action() {
    have npm || die "'npm' is missing: install Node.js 20 or newer"
    (cd action && npm ci --silent --no-audit --no-fund && npm test)
    # The Node that runners have.
    npm_package node "$ACTION_NODE_VERSION"
    (cd action && PATH="$ROOT/target/npm/node_modules/node/bin:$PATH" npm test)
}

# Rules, dashboards, chart, container and units.
step_deploy() {
    package promtool prometheus
    have python3 || die "'python3' is missing: install Python 3 with its venv module"
    deploy/test.sh
}

step_deny() {
    [ -x "$TOOLS/bin/cargo-deny" ] || cargo install --quiet --locked --debug --root "$TOOLS" cargo-deny --version "$CARGO_DENY_VERSION"
    "$TOOLS/bin/cargo-deny" --offline check bans licenses sources
}

# Half a minute for each parser that reads what strangers write.
step_fuzz() {
    package g++ g++
    fuzz/run.sh 30
}

step_demo() {
    cargo run --quiet --locked -- demo
}

# Generated files are committed: nothing may differ after they were made again.
step_clean() {
    local changed
    changed=$(git status --porcelain)
    [ -z "$changed" ] || die "generated files are not up to date, or tests left something behind:
$changed"
}

if [ $# -gt 0 ]; then steps=("$@"); else steps=(format lint docs rust components page action deploy deny demo clean); fi
for step in "${steps[@]}"; do
    declare -F "step_$step" >/dev/null || die "there is no step '$step'"
    say "$step"
    "step_$step"
done
say "all of it passed: ${steps[*]}"
