"""Instructions per event against the committed ones: a regression shows on the noisiest machine.

    guard.py --program GUARD_LOAD [--update] [--guard]

Counts with callgrind what guard_load runs of each stage: `parse` and `engine` (parse, apply and emit, with sessions that
time out) per event, `emit` per session; `apply` is what is left of the engine without the other two. simdjson's
Westmere kernel and a C library without newer instructions are forced, so that counts do not depend on the processor.
They do depend on the compiler and the libraries: guard.json has values for each that somebody took. Exits with 1 beyond
the tolerance, with 77 (a skipped test) where there are none for these.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

EVENTS = 5000
TOLERANCE = 0.05
LIMIT_S = 300
SKIPPED = 77
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guard.json")
SAME_EVERYWHERE = {
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX2_Usable,-AVX512VL_Usable,-ERMS,-FSRM",
    "OPENSSL_ia32cap": "0x0:0x0",
}


def count(program, stage):
    """Instructions per event, of `emit` per session; and how many sessions an event closed."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={scratch}/out", "--collect-atstart=no",
                   f"--toggle-collect=guard_{stage}", program, stage, str(EVENTS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False,
                              env={**os.environ, **SAME_EVERYWHERE})
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or collected is None or int(collected.group(1)) == 0:
        sys.exit(f"guard: {' '.join(command)} counted nothing:\n{done.stderr[-2000:]}")
    units, sessions = map(int, done.stdout.split())
    return int(collected.group(1)) / units, sessions / units


def built_with(program):
    """The compiler and the library that counts depend on most."""
    comment = subprocess.run(["readelf", "-p", ".comment", program], capture_output=True, text=True, timeout=LIMIT_S,
                             check=True).stdout
    gcc = max((int(major) for major in re.findall(r"GCC: \([^)]*\) (\d+)\.", comment)), default=0)
    simdjson = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libsimdjson-dev"], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False).stdout.split("-")[0]
    return f"g++ {gcc}, simdjson {simdjson or 'unknown'}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--guard", action="store_true")
    given = parser.parse_args()
    key = built_with(given.program)
    counts = {}
    counts["parse"], _ = count(given.program, "parse")
    counts["emit"], _ = count(given.program, "emit")
    counts["engine"], sessions_per_event = count(given.program, "engine")
    counts["apply"] = counts["engine"] - counts["parse"] - counts["emit"] * sessions_per_event
    counts = {stage: round(value) for stage, value in counts.items()}
    with open(FILE, encoding="utf-8") as file:
        committed = json.load(file)
    if given.update:
        committed[key] = counts
        with open(FILE, "w", encoding="utf-8") as file:
            json.dump(committed, file, indent=2, sort_keys=True)
            file.write("\n")
        print(f"guard: wrote {counts} for {key}")
        return 0
    if key not in committed:
        print(f"guard: bench/guard.json has none for {key}; take them with bench/run.sh --guard --update: {counts}")
        return SKIPPED
    bad = 0
    for stage, expected in committed[key].items():
        change = counts[stage] / expected - 1
        fails = abs(change) > TOLERANCE
        bad += fails
        print(f"guard: {stage:6} {counts[stage]:6} instructions, {change:+.1%} of the committed {expected}"
              + (": MORE THAN 5 %" if fails else ""))
    if bad:
        print("guard: find out why; what is meant (an improvement, too) is taken by bench/run.sh --guard --update")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
