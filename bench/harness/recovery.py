"""The rows of recovery: from the start of the process after kill -9 to all partitions live."""

import shutil

from data import last_json
from process import Failure, available_memory, run, say, shown

PARTITIONS = 8
# Of the topics on disk, and of tidemark and the benchmark in memory, for a session: with events of 1.75 KB, and with
# small ones.
DISK_BYTES = {False: 9_000, True: 2_500}
MEMORY_BYTES = {False: 1_700, True: 1_100}


def recovery(context):
    for key, sessions, kills in context.sizes.recoveries:
        try:
            measure(context, key, sessions, kills)
        except Failure as failure:
            say(f"{key} FAILED: {failure}")
            context.results.fail([key], str(failure))


def measure(context, key, sessions, kills):
    small = not fits(context, sessions, False)
    if small and not fits(context, sessions, True):
        raise Failure(f"{sessions:,} sessions do not fit this machine's memory or disk")
    directory = context.file("recovery")
    command = [context.program("bench/recovery_bench"), "--sessions", sessions, "--partitions", PARTITIONS,
               "--shards", len(set(context.cores)), "--repeat", kills, "--directory", directory, "--events-per-session", 1 if small else 2,
               *(["--small"] if small else [])]
    cores = ",".join(str(core) for core in context.cores)
    say(f"{key}: filling a topic, then {kills} × kill -9")
    try:
        done = last_json(run(command, limit=3000, core=cores).stdout)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    context.results.add(key, done["seconds"], [shown(command, cores)],
                        f"{done['sessions']:,.0f} open sessions"
                        + (", of events of 300 bytes: with large ones they do not fit this machine" if small else "")
                        + f", {done['records_replayed']:,.0f} records replayed; {longest(done['snapshot_pauses'])}")
    context.results.figures[f"{key}_shards"] = len(set(context.cores))
    context.results.figures[f"{key}_snapshot_pauses"] = done["snapshot_pauses"]


def longest(pauses):
    """Of a cumulative histogram: upper limit in seconds -> turns."""
    turns = pauses["+Inf"]
    limit = next(limit for limit, count in pauses.items() if count == turns)
    return f"{turns} turns of snapshots, none longer than {limit} s" if turns else "no snapshot"


def fits(context, sessions, small):
    memory = available_memory()
    disk = shutil.disk_usage(context.work).free
    kafka_and_cache = 2 << 30
    return sessions * MEMORY_BYTES[small] + kafka_and_cache < memory and sessions * DISK_BYTES[small] < disk * 0.8
