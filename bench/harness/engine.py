"""The rows that need neither Kafka nor files of others: the engine against simdjson, itself, and its sessions' JSON."""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor

from data import last_json, warm, web
from process import Failure, available_memory, run, say, shown

# Of an open session in engine_bench, with all that belongs to it; more than measured.
LARGE_SESSION_BYTES = 1_300
SMALL_SESSION_BYTES = 850

# What is measured against the same yardstick as the whole engine: benchmark -> figure.
SHARES_OF_THE_YARDSTICK = {"BM_SimdjsonDom": "simdjson_dom_vs_simdjson",
                           "BM_SimdjsonEveryValue": "simdjson_every_value_vs_simdjson",
                           "BM_CheckDocument": "check_vs_simdjson", "BM_ParseEvent": "parse_vs_simdjson"}


def engine_vs_simdjson(context):
    """core_bench alternates both within each iteration and checks both."""
    sizes = context.sizes
    command = [context.program("bench/core_bench"), f"--events={min(sizes.web_events, 200_000)}",
               f"--benchmark_filter={'|'.join(('BM_WholeEngine', 'BM_Snapshot', *SHARES_OF_THE_YARDSTICK))}",
               "--benchmark_format=json", f"--benchmark_min_time={sizes.yardstick_seconds}"]
    say("engine_vs_simdjson: whole engine and simdjson's On-Demand in turn")
    by_name = measured_by_core_bench(context, command)
    engine = by_name["BM_WholeEngine"]
    context.results.add("engine_vs_simdjson", [engine["least"], engine["of_simdjson"], engine["most"]],
                        [shown(command, context.cores[0])],
                        "all repetitions in one process", engine["iterations"])
    context.results.figures["engine_events_per_s"] = float(engine["items_per_second"])
    context.results.figures["parse_events_per_s"] = float(by_name["BM_ParseEvent"]["items_per_second"])
    for benchmark, figure in SHARES_OF_THE_YARDSTICK.items():
        context.results.figures[figure] = float(by_name[benchmark]["of_simdjson"])
    context.results.figures["snapshot_ns_per_byte"] = 1e9 / float(by_name["BM_Snapshot"]["bytes_per_second"])


def engine_on_other_data(context):
    for name, option in (("small", "--small"), ("conversation", "--conversations")):
        engine_on(context, name, option)


def engine_on(context, name, option):
    say(f"engine_vs_simdjson: the same with {name} events")
    command = [context.program("bench/core_bench"), f"--events={context.sizes.other_events}", option,
               "--benchmark_filter=BM_WholeEngine", "--benchmark_format=json",
               f"--benchmark_min_time={context.sizes.yardstick_seconds}"]
    engine = measured_by_core_bench(context, command)["BM_WholeEngine"]
    figures = context.results.figures
    figures[f"engine_events_per_s_{name}"] = float(engine["items_per_second"])
    figures[f"engine_vs_simdjson_{name}"] = float(engine["of_simdjson"])
    figures[f"engine_vs_simdjson_{name}_min"] = float(engine["least"])
    figures[f"engine_vs_simdjson_{name}_max"] = float(engine["most"])


def measured_by_core_bench(context, command):
    """By name; the pairs of the whole engine are as many as there are to be repetitions, or more."""
    measured = json.loads(run(command, limit=900, core=context.cores[0]).stdout)["benchmarks"]
    by_name = {one["name"].split("/")[0]: one for one in measured}
    pairs = by_name["BM_WholeEngine"]["iterations"]
    if pairs < context.sizes.repeat:
        raise Failure(f"core_bench made {pairs} repetitions only")
    return by_name


def two_shards_vs_one(context):
    if context.cores[0] == context.cores[1]:
        raise Failure("this machine has one core")
    path = web(context)
    warm(path)
    command = [context.program("bench/engine_bench"), "file", path, "--threads", "1", "--threads", "2", "--repeat",
               context.sizes.repeat]
    say("two_shards_vs_one: one thread and two threads in turn")
    done = last_json(run(command, limit=900).stdout)
    seconds = done["seconds"]
    context.results.figures["web_event_bytes"] = done["bytes"] / done["events"]
    limit = statistics.median(one / two for one, two in zip(*done["arithmetic_seconds"].values()))
    context.results.add("two_shards_vs_one", [one / two for one, two in zip(seconds["1"], seconds["2"])],
                        [shown(command)], f"arithmetic that touches no memory: {limit:.2f}")
    context.results.figures["two_cores_arithmetic_vs_one"] = limit


def many_sessions_vs_few(context):
    sizes = context.sizes
    many, few = sizes.many_open, sizes.few_open
    options = fitting(context, many)
    if options is None:
        raise Failure(f"{many:,} open sessions do not fit into this machine's memory")
    command = [context.program("bench/engine_bench"), "population", "--open", few, "--open", many, *options,
               "--events", 200_000, "--repeat", max(sizes.repeat, 5)]
    say(f"many_sessions_vs_few: {few:,} and {many:,} open sessions in turn")
    few_done, many_done = last_json(run(command, limit=1200, core=context.cores[0]).stdout)
    ratios = [a / b for a, b in zip(few_done["ns_per_event"], many_done["ns_per_event"])]
    notes = ([] if many == 10_000_000 else [f"{many:,} open sessions instead of 10 million"]) \
        + (["with events of 300 bytes: the sessions of large ones do not fit into memory"] if options else [])
    context.results.add("many_sessions_vs_few", ratios, [shown(command, context.cores[0])], "; ".join(notes))


def fitting(context, open_sessions):
    """The options with which so many sessions fit into memory; None: they do not. Better none than a machine that
    swaps."""
    available = available_memory()
    for options, bytes_each in (([], LARGE_SESSION_BYTES), (["--small"], SMALL_SESSION_BYTES)):
        if open_sessions * bytes_each < available * 0.9:
            return options
    return None


def bytes_per_open_session_vs_json(context):
    """No time is measured, so there is a repetition on each core; each has traffic of its own."""
    sizes = context.sizes
    commands = [[context.program("bench/engine_bench"), "memory", "--sessions", sizes.memory_sessions, "--seed", seed]
                for seed in range(1, sizes.repeat + 1)]
    say(f"bytes_per_open_session_vs_json: {sizes.memory_sessions:,} sessions")
    with ThreadPoolExecutor(len(set(context.cores))) as pool:
        done = list(pool.map(lambda command: last_json(run(command, limit=1200).stdout), commands))
    context.results.add("bytes_per_open_session_vs_json", [one["resident_bytes"] / one["json_bytes"] for one in done],
                        [shown(commands[-1])], f"{done[-1]['open_sessions']:,} sessions; each repetition has its seed")
    for figure, divided in (("resident_bytes_per_open_session", "resident_bytes"),
                            ("state_bytes_per_open_session", "state_bytes"), ("json_bytes_per_session", "json_bytes")):
        context.results.figures[figure] = statistics.median(one[divided] / one["open_sessions"] for one in done)
