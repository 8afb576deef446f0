#!/usr/bin/env bash
# Compares the embedder with ONNX Runtime; arguments go to compare.py. Skipped without PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."

. packaging/python.sh
venv="${XDG_CACHE_HOME:-$HOME/.cache}/millwright/venv-onnx"
if ! python_with benches/onnx/requirements.txt "$venv" --no-deps; then
  echo "bench-onnx: skipped, the packages of benches/onnx/requirements.txt could not be had from PyPI"
  exit 0
fi
exec "$venv/bin/python" benches/onnx/compare.py "$@"
