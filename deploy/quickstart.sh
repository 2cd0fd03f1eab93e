#!/usr/bin/env bash
# From a fresh clone to sessions on the screen: installs what is missing, builds a release, runs the demo.
#
#   deploy/quickstart.sh [arguments of `tidemark demo`, for example --for 60s]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
deploy/install-packages.sh build
echo "build: build/release (the first time takes a few minutes)"
cmake --preset release -DTIDEMARK_BUILD_TESTS=OFF -DTIDEMARK_BUILD_BENCH=OFF --log-level=WARNING >/dev/null
cmake --build --preset release --target tidemark
exec build/release/app/tidemark demo "$@"
