#!/usr/bin/env bash
# Replays generated traffic of every kind, and each scenario, and has the official SDK read all the sessions.
#   check_sessions.sh TIDEMARK SDK_JARS SCENARIOS WORK_DIRECTORY
set -euo pipefail
tidemark=$1 jars=$2 scenarios=$3 work=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

rm -rf "$work"
mkdir -p "$work"
"$tidemark" generate --events 50000 --mix mixed --visitors 1500 --seed 11 --disorder 5% --duplicates 1% --late 1% \
  --garbage 1% --out "$work/events"
"$tidemark" replay --set 'session.list_attributes=["loyaltyTier"]' "$work/events" > "$work/generated"
for scenario in "$scenarios"/*/; do
  "$tidemark" replay --quiet "$scenario/events.ndjson" > "$work/$(basename "$scenario")"
done
rm "$work/events"
java -XX:TieredStopAtLevel=1 -cp "$jars/*" "$here/SessionCheck.java" "$here/broken.ndjson" "$work"/*
