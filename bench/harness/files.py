"""The rows of files: `tidemark replay` against the engine alone, and against DuckDB."""

import os
import re
import statistics
import sys

from data import last_json, warm, web
from process import Failure, run, say, shown


def replay_vs_engine(context):
    """The same file, from the page cache to /dev/null, and from memory."""
    path = web(context)
    warm(path)
    core = context.cores[0]
    engine = [context.program("bench/engine_bench"), "file", path]
    replay = [context.tidemark, "replay", path, "--out", "/dev/null"]
    ratios = []
    for i in range(context.sizes.repeat):
        say(f"replay_vs_engine: repetition {i + 1} of {context.sizes.repeat}")
        alone = last_json(run(engine, limit=300, core=core).stdout)
        whole = run(replay, limit=300, core=core)
        check("replay", summary(whole.stderr), alone)
        ratios.append(alone["seconds"]["1"][0] / whole.wall)
    context.results.add("replay_vs_engine", ratios, [shown(replay, core), shown(engine, core)])


def replay_vs_duckdb(context):
    """The same file, one core each; DuckDB with a connection that is open already."""
    path = web(context)
    warm(path)
    core = context.cores[0]
    replay = [context.tidemark, "replay", path, "--out", context.file("sessions.ndjson")]
    duckdb = [sys.executable, os.path.join(context.root, "bench/peers/duckdb/sessions.py"), path,
              context.file("duckdb.ndjson")]
    ratios = []
    with_fields = []
    rates = []
    for i in range(context.sizes.repeat):
        say(f"replay_vs_duckdb: repetition {i + 1} of {context.sizes.repeat}")
        ours = run(replay, limit=300, core=core)
        theirs = last_json(run(duckdb, limit=600, core=core).stdout)
        more = last_json(run([*duckdb, "--fields"], limit=600, core=core).stdout)
        for done in (theirs, more):
            check("DuckDB", done, summary(ours.stderr))
        ratios.append(theirs["seconds"] / ours.wall)
        with_fields.append(more["seconds"] / ours.wall)
        rates.append(theirs["events"] / theirs["seconds"])
    context.results.add("replay_vs_duckdb", ratios, [shown(replay, core), shown(duckdb, core)],
                        "both write their sessions to a file")
    context.results.figures["replay_vs_duckdb_that_keeps_fields"] = statistics.median(with_fields)
    context.results.figures["duckdb_events_per_core_s"] = statistics.median(rates)


def summary(text):
    """What `tidemark replay` says at its end."""
    counts = {name: re.search(rf"^ +{name} +([\d,]+)", text, re.MULTILINE) for name in ("joined", "sessions")}
    if None in counts.values():
        raise Failure(f"tidemark replay has no summary: {text[-300:]}")
    numbers = {name: int(found.group(1).replace(",", "")) for name, found in counts.items()}
    return {"events": numbers["joined"], "sessions": numbers["sessions"]}


def check(who, theirs, expected):
    for what in ("events", "sessions"):
        if theirs[what] != expected[what]:
            raise Failure(f"{who} has {theirs[what]:,} {what} instead of {expected[what]:,}: no time of it counts")
