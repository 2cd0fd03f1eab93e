#!/usr/bin/env bash
# The test command: installs what is missing, builds a release, runs every test, and ends with a line that counts them.
#
#   tests/run.sh [arguments of ctest, for example -R partition]
#
# Fails when a test fails, and when none ran.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
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

count_of() { # an attribute of the report's first element; 0 where there is none
  local count
  count=$(grep -m 1 '<testsuite\b' -A 12 "$report" 2>/dev/null | grep -oE "\b$1=\"[0-9]+\"" | head -n 1 | grep -oE '[0-9]+')
  echo "${count:-0}"
}
total=$(count_of tests)
failed=$(count_of failures)
skipped=$(($(count_of skipped) + $(count_of disabled)))
passed=$((total - failed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$passed" -gt 0 ]
