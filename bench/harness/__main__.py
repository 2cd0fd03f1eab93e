"""The benchmark's steps in their order. Each row is measured, checked, and written before the next step begins; a step
that fails leaves its reason in the results, and the exit code 1."""

import argparse
import os
import sys
import traceback

import capacity
import charts
import engine
import files
import peers
import recovery
import topics
from process import Failure, say
from results import GOALS, Results, compared, read_results
from settings import COMPLETE, QUICK, Context

# Name, what it does, the keys it gives.
STEPS = [
    ("engine", engine.engine_vs_simdjson, ["engine_vs_simdjson"]),
    ("other_data", engine.engine_on_other_data, []),
    ("two_shards", engine.two_shards_vs_one, ["two_shards_vs_one"]),
    ("many_sessions", engine.many_sessions_vs_few, ["many_sessions_vs_few"]),
    ("memory", engine.bytes_per_open_session_vs_json, ["bytes_per_open_session_vs_json"]),
    ("replay", files.replay_vs_engine, ["replay_vs_engine"]),
    ("duckdb", files.replay_vs_duckdb, ["replay_vs_duckdb"]),
    ("topics", topics.preloaded_topic, ["kafka_vs_consumer", "exactly_once_cost"]),
    ("latency", topics.latency, ["latency_ms_p99"]),
    ("peers", peers.kafka_vs_peers, ["kafka_vs_kafka_streams", "kafka_vs_flink"]),
    ("recovery", recovery.recovery, ["recovery_s_1m", "recovery_s_10m"]),
    ("sweeps", charts.sweeps, []),
    ("charts", charts.of_rows, []),
    ("capacity", capacity.capacity, []),
]


def two_cores():
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[min(1, len(cores) - 1)])


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="tidemark against limits and alternatives.")
    parser.add_argument("--quick", action="store_true", help="a smaller run, within a quarter of an hour")
    parser.add_argument("--out", default="", help="where results.json, results.md and plots go")
    parser.add_argument("--only", default="", help="steps, separated by commas: "
                        + ", ".join(name for name, _, _ in STEPS))
    parser.add_argument("--compare", default="", metavar="RESULTS_JSON",
                        help="say, also in results.md, whether each row agrees with that of an earlier run")
    parser.add_argument("--from", dest="current", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    given = arguments()
    only = [name for name in given.only.split(",") if name]
    if unknown := set(only) - {name for name, _, _ in STEPS}:
        sys.exit(f"bench/run.sh: there is no step {', '.join(sorted(unknown))}; see --help")
    out = os.path.join(given.current, given.out) if given.out else os.path.join(given.build, "bench-results")
    results = Results(out, given.quick, given.root)
    if given.compare:
        try:
            results.earlier = read_results(os.path.join(given.current, given.compare))
        except ValueError as error:
            sys.exit(f"bench/run.sh: --compare: {error}")
    work = os.path.join(given.build, "bench-work")
    os.makedirs(work, exist_ok=True)
    context = Context(given.root, given.build, work, QUICK if given.quick else COMPLETE, results, two_cores())
    for name, step, keys in STEPS:
        if only and name not in only:
            continue
        try:
            step(context)
        except Failure as failure:
            say(f"{name} FAILED: {failure}")
            results.fail(keys or [name], str(failure))
        except (ArithmeticError, LookupError, OSError, ValueError) as error:  # what a program said was not understood
            traceback.print_exc()
            results.fail(keys or [name], f"{type(error).__name__}: {error}")
        results.write()
    for key in GOALS:
        if key in results.rows:
            row = results.rows[key]
            say(f"{key}: {row.median:.3g} ({min(row.values):.3g} – {max(row.values):.3g})")
    if results.earlier:
        print("\n".join(compared(results.flat(), results.earlier)))
    say(f"results: {out}/results.md")
    return 1 if results.errors else 0


if __name__ == "__main__":
    sys.exit(main())
