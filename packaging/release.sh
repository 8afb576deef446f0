#!/usr/bin/env bash
# Builds the static release file and proves that it is one.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
# Not position-independent, so that there is nothing for a dynamic linker to do at all.
# The getrandom crates ask the kernel: what they would try first can't be looked up in a static file,
# and the workers' cage has no /dev/urandom.
export OPENSSL_SRC_PERL="$PWD/packaging/static-openssl/perl"
export RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static --cfg getrandom_backend=\"linux_getrandom\""

# The model worker for older and for newer processors than the file's own (.cargo/config.toml), without
# the embedder's weights, which it finds in the file that carries it.
builds="$CARGO_TARGET_DIR/worker-builds"
mkdir -p "$builds"
built="$CARGO_TARGET_DIR/$target/release/millwright-model-worker"
# llama.cpp is configured once per folder, whatever instructions are asked for afterwards.
forget_llama() { cargo clean --quiet --release --package llama-cpp-sys-2 --target "$target"; }
worker() { # LEVEL FEATURES VARIABLE=VALUE ...
  local level="$1" features="$2"
  shift 2
  echo "release: building the model worker for $level"
  forget_llama
  env "$@" MILLWRIGHT_WEIGHTS=outside cargo build --locked --release --package millwright-engine \
    --bin millwright-model-worker --features "$features" --target "$target"
  gzip --best --no-name --stdout "$built" >"$builds/$level.gz.new"
  mv "$builds/$level.gz.new" "$builds/$level.gz"
}
worker x86-64-v2 "" GGML_AVX=OFF GGML_AVX2=OFF GGML_FMA=OFF GGML_F16C=OFF GGML_BMI2=OFF
worker x86-64-v4 "" GGML_AVX512=ON GGML_AVX512_VNNI=ON

# For graphics processors: linked with the machine's C library and its Vulkan loader, because drivers can't be
# loaded into a static file. It is taken only where both are, and a graphics processor.
worker vulkan vulkan RUSTFLAGS= CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES="$PWD/packaging/vulkan"
needed=$(readelf --dynamic "$built" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
for library in $needed; do
  case "$library" in
    libvulkan.so.1 | libc.so.6 | libm.so.6 | libgcc_s.so.1 | ld-linux-x86-64.so.2) ;;
    *) echo "release: the worker for graphics processors needs $library" >&2; exit 1 ;;
  esac
done
if [[ $needed != *libvulkan.so.1* ]]; then
  echo "release: the worker for graphics processors was built without Vulkan" >&2
  exit 1
fi
if cmp --quiet "$builds"/x86-64-v2.gz "$builds"/x86-64-v4.gz; then
  echo "release: two levels have the same worker" >&2
  exit 1
fi
echo "release: building (link-time optimisation: this takes a while)"
forget_llama
MILLWRIGHT_WORKER_BUILDS="$builds" \
  cargo build --locked --release --package millwright --target "$target"
configured=$(ls -t "$CARGO_TARGET_DIR/$target"/release/build/openssl-sys-*/out/openssl-build/install/include/openssl/configuration.h | head -1)
if ! grep -q "define OPENSSL_THREADS" "$configured"; then
  echo "release: OpenSSL was built without threads: $configured" >&2
  exit 1
fi
mkdir -p dist
install -m 0755 "$CARGO_TARGET_DIR/$target/release/millwright" dist/millwright
# Its own build is for x86-64-v3; one that took over instructions of another level would fault elsewhere.
own=$(dist/millwright worker model --prove-generator)
if [[ $own != *AVX2* || $own == *AVX512* ]]; then
  echo "release: the file's own worker has other instructions than those of x86-64-v3: $own" >&2
  exit 1
fi
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
  # Which build of the model worker is taken here, and whether it computes what it should.
  empty doctor --json --data-dir "$trial/none" >"$trial/doctor.json" || true
  grep -A3 '"language models"' "$trial/doctor.json" || { echo "release: doctor says nothing of language models" >&2; exit 1; }
  # What is reached today; the goals are the defaults.
  empty eval --min-answered 72 --min-refused 80
else
  echo "release: not tried without a network: this user may not make namespaces"
fi
( cd dist && sha256sum millwright > millwright.sha256 )
ls -l dist/millwright
