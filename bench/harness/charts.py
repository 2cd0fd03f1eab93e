"""Cost as work grows: one chart each for open sessions, event size, disorder, partitions and attributes; and charts of
latency and recovery from the rows. Each point of a sweep is the median of its repetitions, with the least and the most.
"""

import os
import statistics

from data import last_json
from engine import fitting
from process import Failure, run, say
from results import GOALS

BLUE = "#2a6f97"
COLORS = (BLUE, "#c8553d")
DISORDER = (0, 0.01, 0.05, 0.1, 0.2)
PARTITIONS = (1, 4, 16, 64, 256)
ATTRIBUTES = (0, 5, 10, 20, 50)
REPETITIONS = 5  # of each point
SHOWN = f"median of {REPETITIONS}, with the least and the most"
EXTRA_BYTES = (0, 1_000, 2_200, 6_200, 18_200)  # beside the 1.8 KB there are


def sweeps(context):
    """Events per second of the engine on one core, against each of what may grow."""
    sweep(context, "open_sessions", "open sessions", of_open_sessions(context))
    sweep(context, "event_bytes", "bytes of an event", {"": [
        point(context, None, ["--small"]), point(context, None, ["--small", "--extra-bytes", 600]),
        *(point(context, None, ["--extra-bytes", extra]) for extra in EXTRA_BYTES)]})
    sweep(context, "disorder", "events out of order, %",
          {"": [point(context, share * 100, ["--disorder", share]) for share in DISORDER]})
    sweep(context, "partitions", "partitions of one shard",
          {"": [point(context, count, ["--partitions", count]) for count in PARTITIONS]})
    sweep(context, "attributes", "attributes of an event besides the usual three",
          {"": [point(context, count, ["--attributes", count]) for count in ATTRIBUTES]})


def of_open_sessions(context):
    """With large events as far as memory goes, and, where that is not all the way, with small ones."""
    wanted = context.sizes.chart_open
    series = {"events of 1.75 KB": [point(context, open_sessions, ["--open", open_sessions])
                                    for open_sessions in wanted if fitting(context, open_sessions) == []]}
    if len(series["events of 1.75 KB"]) < len(wanted):
        series["events of 300 bytes"] = [point(context, open_sessions, ["--open", open_sessions, "--small"])
                                         for open_sessions in wanted if fitting(context, open_sessions) is not None]
    return series


def point(context, x, options):
    """[x, median, least, most events per second]; x is the size of an event where it is None."""
    options = [str(option) for option in options]
    say(f"chart: {' '.join(options)}")
    opens = [] if "--open" in options else ["--open", min(100_000, context.sizes.few_open)]
    command = [context.program("bench/engine_bench"), "population", *opens, *options,
               "--events", context.sizes.chart_events, "--repeat", REPETITIONS]
    done = last_json(run(command, limit=900, core=context.cores[0]).stdout)[0]
    rates = [1e9 / ns for ns in done["ns_per_event"]]
    return [done["event_bytes"] if x is None else x, round(statistics.median(rates)), round(min(rates)),
            round(max(rates))]


def sweep(context, name, label, series):
    """Draws points by the name of their series, and keeps them."""
    for kind, points in series.items():
        context.results.figures[f"chart_{name}" + (f" ({kind})" if len(series) > 1 else "")] = points

    def paint(axes):
        for (kind, points), color in zip(series.items(), COLORS):
            around = [[p[1] - p[2] for p in points], [p[3] - p[1] for p in points]]
            axes.errorbar([p[0] for p in points], [p[1] for p in points], yerr=around, color=color, marker="o",
                          capsize=3, label=(f"{kind}: " if len(series) > 1 else "") + SHOWN)
        axes.legend()
        if name in ("open_sessions", "event_bytes"):
            axes.set_xscale("log")
        if name == "partitions":
            axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(label)
        axes.set_ylabel("events per second, one core")

    draw(context, f"throughput_{name}", f"Throughput against {label}", paint)


def of_rows(context):
    """What the other steps measured. The part of a run whose rows are missing has no chart."""
    percentiles = context.results.figures.get("latency_ms_percentiles")
    if percentiles:
        draw(context, "latency", "Latency of a session", lambda axes: paint_latency(axes, percentiles))
    recoveries = {key: row for key, row in context.results.rows.items() if key.startswith("recovery_s_")}
    if recoveries:
        draw(context, "recovery", "Recovery after kill -9", lambda axes: paint_recovery(axes, recoveries))


def paint_latency(axes, percentiles):
    """How many sessions took longer, on a scale of powers of ten: the slow ones are what one wants to see."""
    slower = [(ms, 100 - float(share)) for share, ms in percentiles.items() if float(share) < 100]
    axes.plot([ms for ms, _ in slower], [share for _, share in slower], color=BLUE, marker="o",
              label="sessions that took longer")
    if "100" in percentiles:
        axes.axvline(percentiles["100"], color=COLORS[1], linestyle="--",
                     label=f"the slowest of all: {percentiles['100']:.0f} ms")
    goal = GOALS["latency_ms_p99"][1]
    axes.axvline(goal, color="grey", linestyle=":", label=f"goal: at most 1 % take longer than {goal} ms")
    axes.plot([goal], [1], "v", color="grey", markersize=9)
    axes.set_xlim(left=0)
    axes.set_yscale("log")
    ticks = (100, 50, 10, 5, 1, 0.1)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.05, 130)
    axes.set_xlabel("ms from the record that moves the watermark to the session, read committed")
    axes.set_ylabel("sessions that took longer, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)  # within, it would lie on the tail


def paint_recovery(axes, recoveries):
    for i, row in enumerate(recoveries.values()):
        axes.bar(i, row.median, color=BLUE, width=0.5, label=None if i else "median")
        axes.plot([i] * len(row.values), row.values, "o", color="black", markersize=4,
                  label=None if i else "each kill -9")
    axes.set_xticks(range(len(recoveries)), [recovered(row) for row in recoveries.values()])
    axes.set_ylabel("s from the start of the process to all partitions live")
    axes.legend(loc="upper left")


def recovered(row):
    """What came back, as the command of the row says it."""
    words = row.commands[0].split()
    sessions, events = (int(words[words.index(option) + 1]) for option in ("--sessions", "--events-per-session"))
    return (f"{sessions:,} open sessions,\n{events} event{'s' if events > 1 else ''} each, of "
            + ("300 bytes" if "--small" in words else "1.75 KB"))


def draw(context, name, title, paint):
    try:
        import matplotlib
    except ImportError as missing:
        raise Failure(f"no charts: {missing}") from missing
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = name  # the same figures, the same file
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(7, 4))
    paint(axes)
    axes.set_title(title)
    axes.grid(True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    os.makedirs(context.results.directory, exist_ok=True)
    path = os.path.join(context.results.directory, name + ".svg")
    try:
        figure.savefig(path + ".part", format="svg", bbox_inches="tight", metadata={"Date": None})
        os.replace(path + ".part", path)
    finally:
        pyplot.close(figure)
        if os.path.exists(path + ".part"):  # the disk is full
            os.remove(path + ".part")
    context.results.plots[title] = name + ".svg"
