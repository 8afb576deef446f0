#!/usr/bin/env bash
# Every check and every test, in the order in which they fail fastest. Called by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s ==\n' "$*"; }

cache="${XDG_CACHE_HOME:-$HOME/.cache}/millwright"
. packaging/python.sh

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
venv="$cache/venv"
python_with assets/sample-plant/requirements.txt "$venv"
"$venv/bin/python" assets/sample-plant/render.py --check
"$venv/bin/python" assets/sample-plant/check.py

step "doctests"
cargo test --locked --workspace --doc --quiet

step "a Python with the openai package, for the tests"
python_with tests/contract/openai.txt "$cache/venv-openai"
export TEST_OPENAI_PYTHON="$cache/venv-openai/bin/python"

step "tests, without a network"
INSTA_UPDATE=no packaging/no-egress.sh \
  cargo nextest run --locked --offline --workspace --no-fail-fast

executable="$CARGO_TARGET_DIR/debug/millwright"

step "browser face"
packaging/web.sh
npm --prefix web run --silent check

step "the browser's own measures"
cargo build --locked --workspace --example tiny_model
export TEST_EXECUTABLE="$executable" TEST_MODEL_MAKER="$CARGO_TARGET_DIR/debug/examples/tiny_model"
npm --prefix web run --silent test:quality

# Five minutes that need little of the machine, beside checks that measure nothing.
soak_said=$(mktemp)
SOAK_MINUTES="${SOAK_MINUTES:-5}" packaging/soak.sh >"$soak_said" 2>&1 &
soak=$!
trap 'kill "$soak" 2>/dev/null || true; rm -f "$soak_said"' EXIT

step "browser and accessibility"
npm --prefix web run --silent test:pages

step "TLS"
python3 tests/contract/tls.py "$executable"

step "the API against its description"
python_with tests/contract/requirements.txt "$cache/venv-contract"
"$cache/venv-contract/bin/python" tests/contract/check.py "$executable"

step "memory and descriptors under load"
wait "$soak" || { cat "$soak_said"; exit 1; }
grep '^ *soak: ' "$soak_said"
