#!/usr/bin/env bash
# Installs the pinned packages of the browser face and builds it. Repeated without a change, both
# are skipped. Called by `make web`.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! cmp -s package-lock.json node_modules/.installed.lock; then
  echo "web: installing the pinned packages"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed.lock
fi

# The types come from the snapshot of the API, so a changed route is a change of the face.
inputs=$(find src scripts index.html package-lock.json tsconfig.json vite.config.ts \
    ../src/http/tests/snapshots/http__tests__table__openapi.snap -type f \
    ! -path src/api/schema.ts -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
if [ "$inputs" != "$(cat dist/.inputs 2>/dev/null || true)" ]; then
  echo "web: building"
  npm run --silent build
  printf '%s\n' "$inputs" > dist/.inputs
fi
