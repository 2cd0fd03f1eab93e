#!/usr/bin/env bash
# Fails unless both programs write the same bytes, and some.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" > "$directory/one"
"$2" > "$directory/other"
[ -s "$directory/one" ]
cmp "$directory/one" "$directory/other"
echo "$(wc -l < "$directory/one") lines, $(wc -c < "$directory/one") bytes, the same"
