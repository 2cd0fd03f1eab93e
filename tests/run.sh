#!/usr/bin/env bash
# The test command: installs what is missing, builds a release, runs every test, and ends with a line that counts them.
#
#   tests/run.sh [arguments of ctest, for example -R partition]
#
# Fails when a test fails, and when none ran.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
. tests/count.sh
deploy/install-packages.sh build test || exit 1
# Without them the build would leave out the tests that need a real Kafka and the SDK.
{ command -v java && command -v mvn; } >/dev/null || { echo "tests: java and mvn are needed" >&2; exit 1; }

echo "build: build/release"
cmake --preset release -DTIDEMARK_BUILD_TESTS=ON -DTIDEMARK_BUILD_BENCH=ON \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache --log-level=WARNING >/dev/null || exit 1
cmake --build --preset release || exit 1

report=build/release/test-report.xml
rm -f "$report"
ctest --preset release --parallel "$(nproc)" --timeout 900 --output-junit "$root/$report" "$@"
status=$?

count_tests "$report"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$passed" -gt 0 ]
