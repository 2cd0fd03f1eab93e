# For the scripts next to it: what the tests of a report of ctest came to.
#
#   count_tests REPORT      sets passed, failed and skipped; all are 0 where there is no report

count_of() { # an attribute of the report's first element; 0 where there is none
  local count
  count=$(grep -m 1 '<testsuite\b' -A 12 "$1" 2>/dev/null | grep -oE "\b$2=\"[0-9]+\"" | head -n 1 | grep -oE '[0-9]+')
  echo "${count:-0}"
}

count_tests() {
  failed=$(count_of "$1" failures)
  skipped=$(($(count_of "$1" skipped) + $(count_of "$1" disabled)))
  passed=$(($(count_of "$1" tests) - failed - skipped))
}
