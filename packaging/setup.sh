#!/usr/bin/env bash
# Installs what is missing for building (`build`), testing (`test`), releasing (`release`) or
# trying graphics processors (`gpu`) on Debian. Safe to repeat.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/millwright"
mkdir -p "$cache/tools"

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Debian packages by the command that proves them.
install_missing() {
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || die "please install as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
}

# Cargo programs by name and version, into the cache folder.
cargo_tool() {
  local name=$1 version=$2
  if "$name" --version 2>/dev/null | grep -qF "$version" \
    || "$cache/tools/bin/$name" --version 2>/dev/null | grep -qF "$version"; then
    return 0
  fi
  say "building $name $version (once)"
  CARGO_TARGET_DIR="$cache/tools/target" CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --locked --quiet --root "$cache/tools" --version "$version" "$name"
  rm -rf "$cache/tools/target"
}

case "${1:-}" in
  build)
    install_missing cc build-essential perl perl make make python3 python3 pip3 python3-pip \
      node nodejs npm npm cmake cmake
    # llama.cpp's interface is read by bindgen, which loads libclang.
    compgen -G '/usr/lib/llvm-*/lib/libclang[.-][s0-9]*' >/dev/null \
      || compgen -G '/usr/lib/*/libclang[.-][s0-9]*' >/dev/null \
      || install_missing /nonexistent libclang-dev
    command -v cargo >/dev/null 2>&1 \
      || die "cargo is missing: install Rust 1.95 or newer with rustup, then repeat"
    ;;
  test)
    install_missing pdftotext poppler-utils qpdf qpdf chromium chromium ip iproute2 \
      unshare util-linux testssl testssl.sh \
      /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core \
      /usr/share/fonts/truetype/dejavu/DejaVuSans-Oblique.ttf fonts-dejavu-extra
    python3 -c 'import ensurepip' 2>/dev/null || install_missing /nonexistent python3-venv
    command -v cargo-nextest >/dev/null 2>&1 || cargo_tool cargo-nextest 0.9.143
    cargo_tool cargo-deny 0.20.2
    ;;
  release)
    # The worker for graphics processors: headers, loader and the compiler of its shaders.
    install_missing glslc glslc /usr/include/vulkan/vulkan.hpp libvulkan-dev \
      /usr/include/spirv/unified1/spirv.hpp spirv-headers
    ;;
  gpu)
    compgen -G '/usr/share/vulkan/icd.d/lvp_icd*' >/dev/null \
      || install_missing /nonexistent mesa-vulkan-drivers
    command -v cargo-nextest >/dev/null 2>&1 || cargo_tool cargo-nextest 0.9.143
    ;;
  *)
    die "usage: packaging/setup.sh build|test|release|gpu"
    ;;
esac
