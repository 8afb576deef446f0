#!/usr/bin/env bash
# Builds the static release file and proves that it is one.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
echo "release: building (link-time optimisation: this takes a while)"
RUSTFLAGS="-C target-feature=+crt-static" \
  cargo build --locked --release --package millwright --target "$target"
mkdir -p dist
install -m 0755 "$CARGO_TARGET_DIR/$target/release/millwright" dist/millwright
if ldd dist/millwright >/dev/null 2>&1; then
  echo "release: dist/millwright is not static:" >&2
  ldd dist/millwright >&2
  exit 1
fi
( cd dist && sha256sum millwright > millwright.sha256 )
ls -l dist/millwright
