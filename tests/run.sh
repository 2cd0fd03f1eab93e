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

echo "build: build/release"
cmake --preset release -DTIDEMARK_BUILD_TESTS=ON -DTIDEMARK_BUILD_BENCH=ON \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache --log-level=WARNING >/dev/null || exit 1
cmake --build --preset release || exit 1

report=build/release/test-report.xml
rm -f "$report"
ctest --preset release --parallel "$(nproc)" --timeout 900 --output-junit "$root/$report" "$@"
status=$?

count_of() { grep -m 1 '<testsuite\b' -A 12 "$report" | grep -oE "\b$1=\"[0-9]+\"" | head -n 1 | grep -oE '[0-9]+'; }
total=$(count_of tests)
failed=$(count_of failures)
skipped=$(( $(count_of skipped) + $(count_of disabled) ))
passed=$(( ${total:-0} - ${failed:-0} - skipped ))
echo "$passed passed, ${failed:-0} failed, $skipped skipped"
[ "$status" -eq 0 ] && [ "$passed" -gt 0 ]
