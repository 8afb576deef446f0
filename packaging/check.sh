#!/usr/bin/env bash
# Every check and every test, in the order in which they fail fastest. Called by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s ==\n' "$*"; }

step "format"
cargo fmt --all --check

step "dependencies"
# All of them, for every platform: the next step reads the whole graph and asks no network.
cargo fetch --locked --quiet

step "licences, sources and bans"
cargo deny --offline check bans licenses sources

step "clippy"
cargo clippy --locked --workspace --all-targets -- --deny warnings

step "documentation"
RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet

step "sample plant"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/millwright/venv"
requirements=assets/sample-plant/requirements.txt
if ! cmp -s "$requirements" "$venv/.installed.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$venv/.installed.txt"
fi
"$venv/bin/python" assets/sample-plant/render.py --check
"$venv/bin/python" assets/sample-plant/check.py

step "doctests"
cargo test --locked --workspace --doc --quiet

step "tests"
INSTA_UPDATE=no cargo nextest run --locked --workspace --no-fail-fast

step "browser and accessibility"
TEST_EXECUTABLE="$CARGO_TARGET_DIR/debug/millwright" npm --prefix web test --silent
