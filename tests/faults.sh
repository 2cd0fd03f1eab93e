#!/usr/bin/env bash
# Exactly once, whatever dies: builds what is needed and runs the fault test on a real Kafka.
#
#   tests/faults.sh --kills N --seed S      more with --help
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
{
  deploy/install-packages.sh build test
  cmake --preset release -DTIDEMARK_BUILD_TESTS=ON "${launcher[@]}" --log-level=WARNING
  cmake --build --preset release --target faults
} >&2
exec build/release/tests/faults/faults "$@"
