#!/usr/bin/env bash
# Mixed load on one appliance for SOAK_MINUTES; fails when memory or descriptors grow.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo nextest run --locked --workspace --test it --ignore-default-filter \
  --success-output immediate \
  -E 'test(=soak::memory_and_descriptors_stay_flat_under_mixed_load)'
