#!/usr/bin/env bash
# The benchmark in one command: installs what is missing, builds, measures tidemark against the limits of the machine
# and against what one would take instead, and writes results.json, results.md and plots.
#
#   bench/run.sh [--quick] [--out DIRECTORY] [--only STEP,STEP] [--compare RESULTS_JSON]
#                                       the default directory is build/release/bench-results
#   bench/run.sh --guard [--update]     instructions per event against bench/guard.json; fails beyond 5 %
#   bench/run.sh --help
#
# BENCH_BUILD names another build directory than build/release.
set -euo pipefail

from=$PWD
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export PYTHONDONTWRITEBYTECODE=1
build=${BENCH_BUILD:-$root/build/release}

build_targets() {
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  echo "build: $build" >&2
  cmake --preset release -B "$build" -DTIDEMARK_BUILD_TESTS=ON -DTIDEMARK_BUILD_BENCH=ON "${launcher[@]}" \
    --log-level=WARNING >/dev/null
  cmake --build "$build" --target "$@" >&2
}

# A mistake is to be heard of before anything is installed or built: reading the arguments needs nothing but Python.
command -v python3 >/dev/null || deploy/install-packages.sh test >&2
harness=(bench/harness --from "$from" --root "$root" --build "$build")
asked=$(python3 "${harness[@]}" --check "$@") || exit
case $asked in
  guard)
    deploy/install-packages.sh build test >&2
    build_targets guard_load
    exec python3 bench/harness/guard.py --program "$build/bench/guard_load" "$@"
    ;;
  measure) ;;
  *) # the help
    printf '%s\n' "$asked"
    exit
    ;;
esac

deploy/install-packages.sh build test bench >&2
python=$build/bench-venv/bin/python
build_targets tidemark bench_programs
[ -x "$python" ] || python3 -m venv "$build/bench-venv"
echo "packages: $(tr '\n' ' ' <bench/requirements.txt)" >&2
timeout 900 "$python" -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt >&2
exec "$python" "${harness[@]}" "$@"
