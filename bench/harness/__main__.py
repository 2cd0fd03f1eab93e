"""The benchmark's steps in their order. Each row is measured, checked, and written before the next step begins; a step
that fails leaves its reason in the results, and the exit code 1."""

import argparse
import json
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
NAMES = [name for name, _, _ in STEPS]


def two_cores():
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[min(1, len(cores) - 1)])


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", allow_abbrev=False,
        description="tidemark against limits and alternatives. Installs what is missing, builds, measures.",
        epilog="BENCH_BUILD names another build directory than build/release.")
    parser.add_argument("--quick", action="store_true", help="a smaller run, within a quarter of an hour")
    parser.add_argument("--out", metavar="DIRECTORY",
                        help="where results.json, results.md and plots go; otherwise bench-results in the build "
                        "directory, with --only bench-results-STEP-STEP")
    parser.add_argument("--only", metavar="STEP,STEP", help="some steps only, of " + ", ".join(NAMES)
                        + "; refuses a directory with results of other steps")
    parser.add_argument("--compare", metavar="RESULTS_JSON",
                        help="say, also in results.md, whether each row agrees with that of an earlier run")
    parser.add_argument("--guard", action="store_true",
                        help="instead of all that: instructions per event against bench/guard.json")
    parser.add_argument("--update", action="store_true", help="with --guard: take what was counted into guard.json")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)  # the arguments, and nothing else
    parser.add_argument("--from", dest="current", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        understand(given)
    except ValueError as error:
        parser.error(str(error))
    return given


def understand(given):
    """Puts steps, a whole path and earlier results in the place of words. ValueError says what was expected."""
    if given.update and not given.guard:
        raise ValueError("--update belongs to --guard")
    if given.guard and (given.quick or given.out or given.only or given.compare):
        raise ValueError("--guard goes with --update alone")
    given.only = steps_named(given.only)
    default = "-".join(["bench-results", *given.only])
    given.out = os.path.join(given.current, given.out) if given.out else os.path.join(given.build, default)
    require_place(given.out)
    require_nothing_lost(given.out, given.only)
    if given.compare is not None:
        try:
            given.compare = read_results(os.path.join(given.current, given.compare))
        except ValueError as error:
            raise ValueError(f"--compare: {error}") from error


def steps_named(text):
    """In their order; none: all of them."""
    if text is None:
        return []
    words = {word.strip() for word in text.split(",")} - {""}
    if unknown := words - set(NAMES):
        raise ValueError(f"--only: there is no step {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}")
    if not words:
        raise ValueError(f"--only: no step is named; expected some of {', '.join(NAMES)}")
    return [name for name in NAMES if name in words]


def require_place(out):
    """It need not exist, but must be possible."""
    existing = out
    while not os.path.exists(existing):
        existing = os.path.dirname(os.path.abspath(existing))
    if not os.path.isdir(existing) or not os.access(existing, os.W_OK):
        raise ValueError(f"--out: no results can be written to {out}; expected a directory, or the name of a new one")


def require_nothing_lost(out, only):
    """A run of some steps writes their rows only: it must not take the place of results with others."""
    path = os.path.join(out, "results.json")
    if not only or not os.path.exists(path):
        return
    try:
        there = set(str(read_results(path).get("only") or ",".join(NAMES)).split(","))
    except ValueError as error:
        raise ValueError(f"--only: {error}. Remove it, or name another directory with --out") from error
    if lost := [name for name in NAMES if name in there - set(only)]:
        raise ValueError(f"--only: {path} would lose what the steps {', '.join(lost)} measured. Name another or an "
                         "empty directory with --out, or leave --out away")


def measure(context, only):
    """Every step that is asked for. False: the results could not be written after the last one."""
    results = context.results
    written = True
    for name, step, keys in STEPS:
        if only and name not in only:
            continue
        try:
            step(context)
        except Failure as failure:
            say(f"{name} FAILED: {failure}")
            results.fail(keys or [name], str(failure))
        except (ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
            traceback.print_exc()  # what a program said was not understood, or a disk is full
            results.fail(keys or [name], f"{type(error).__name__}: {error}")
        written = results.write()
    return written


def main():
    given = arguments()
    if given.check:
        print("guard" if given.guard else "measure")
        return 0
    results = Results(given.out, given.quick, given.root, program=os.path.join(given.build, "app/tidemark"),
                      only=given.only, earlier=given.compare)
    work = os.path.join(given.build, "bench-work")
    os.makedirs(work, exist_ok=True)
    context = Context(given.root, given.build, work, QUICK if given.quick else COMPLETE, results, two_cores())
    written = measure(context, given.only)
    for key in GOALS:
        if key in results.rows:
            row = results.rows[key]
            say(f"{key}: {row.median:.3g} ({min(row.values):.3g} – {max(row.values):.3g})")
    if results.earlier:
        print("\n".join(compared(results.flat(), results.earlier)))
    if not written:
        print(json.dumps(results.flat(), indent=2, ensure_ascii=False))
        say("results: COULD NOT BE WRITTEN, see above; results.json is on standard output instead")
        return 1
    say(f"results: {given.out}/results.md")
    return 1 if results.errors else 0


if __name__ == "__main__":
    sys.exit(main())
