#!/usr/bin/env bash
# The tests under the sanitizers for addresses and undefined behaviour, and for threads: fails on any report.
#
#   tests/sanitizers.sh [asan-ubsan] [tsan]        (default: both)
#
# Without the tests that need a real Kafka or the SDK: those start the product as it is shipped. A report counts even
# if the test passed, as when a program that the test started made it.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
. tests/count.sh
deploy/install-packages.sh build test || exit 1

run_under() { # PRESET
  local preset=$1 directory=$root/build/$1
  local reports=$directory/reports
  cmake --preset "$preset" -DTIDEMARK_BUILD_TESTS=ON -DTIDEMARK_TEST_KAFKA=OFF \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache --log-level=WARNING >/dev/null || return 1
  cmake --build --preset "$preset" || return 1

  rm -rf "$reports" "$directory/test-report.xml"
  mkdir "$reports"
  local log="log_path=$reports/report"
  ASAN_OPTIONS="$log:detect_stack_use_after_return=1:strict_string_checks=1" \
    UBSAN_OPTIONS="$log:print_stacktrace=1" \
    TSAN_OPTIONS="$log:second_deadlock_stack=1" \
    ctest --preset "$preset" --parallel "$(nproc)" --timeout 1800 --output-junit "$directory/test-report.xml"
  local status=$?

  local found
  found=$(find "$reports" -type f | wc -l)
  find "$reports" -type f -exec cat {} +
  count_tests "$directory/test-report.xml"
  summary+=("$preset: $passed passed, $failed failed, $skipped skipped, processes with reports: $found")
  [ "$status" -eq 0 ] && [ "$passed" -gt 0 ] && [ "$found" -eq 0 ]
}

result=0
summary=()
[ $# -gt 0 ] || set -- asan-ubsan tsan
for preset in "$@"; do
  echo "sanitizers: $preset"
  run_under "$preset" && continue
  result=1
  summary+=("$preset: FAILED")
done
printf '%s\n' "${summary[@]}"
exit "$result"
