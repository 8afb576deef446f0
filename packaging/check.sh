#!/usr/bin/env bash
# Every check and every test, in the order in which they fail fastest. Called by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s ==\n' "$*"; }

step "format"
cargo fmt --all --check

step "licences, sources and bans"
cargo deny --offline check bans licenses sources

step "clippy"
cargo clippy --locked --workspace --all-targets -- --deny warnings

step "documentation"
RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet

step "sample plant"
assets/sample-plant/check.sh

step "doctests"
cargo test --locked --workspace --doc --quiet

step "tests"
INSTA_UPDATE=no cargo nextest run --locked --workspace --no-fail-fast
