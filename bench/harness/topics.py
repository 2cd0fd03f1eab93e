"""The rows of a preloaded topic: against a bare consumer, without exactly-once, and the latency of a session."""

import os
import shutil
import statistics
import time

from data import last_json
from kafka import PARTITIONS, Broker, TidemarkRun
from process import Failure, available_memory, run, say, shown, wait_for

MEMORY = "/dev/shm"
LOG_AND_REST = 14 << 30  # bytes: as much as latency's log can become, and what its programs need


def preloaded_topic(context):
    """kafka_throughput_bench alternates all three on one topic and checks them."""
    sizes = context.sizes
    command = [context.program("bench/kafka_throughput_bench"), "--events", sizes.topic_events, "--partitions",
               PARTITIONS, "--repeat", sizes.topic_repeat, "--directory", context.file("kafka-throughput")]
    say("kafka_vs_consumer, exactly_once_cost: a consumer, run without and with exactly-once in turn")
    try:
        rates = last_json(run(command, limit=2400).stdout)
    finally:
        shutil.rmtree(context.file("kafka-throughput"), ignore_errors=True)
    context.results.add("kafka_vs_consumer", ratios(rates["exactly_once"], rates["consumer"]), [shown(command)],
                        "`tidemark run` with one shard on one core; its broker on the other one")
    context.results.add("exactly_once_cost", ratios(rates["exactly_once"], rates["at_least_once"]), [shown(command)],
                        "with: a snapshot of a partition every 2 s; without: no transactions, offsets, decisions, "
                        "snapshots, digest")
    for name, values in rates.items():
        figure = f"kafka_{name}" if name.endswith(("_us", "_ms")) else f"kafka_events_per_s_{name}"
        context.results.figures[figure] = statistics.median(values)


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs)]


def latency(context):
    """With the broker's log in memory; a complete run has it on disk as well, for the figures. While the kernel of a
    virtual machine writes a log out, the host may take its cores: what is late then is the machine."""
    in_memory = directory_in_memory()
    rate, done, command = latencies(context, in_memory)
    context.results.add("latency_ms_p99", p99_of(done), [shown(command, context.cores[0])],
                        f"of {done[0]['sessions']:,} sessions in a repetition, at {rate:,} events a second; the "
                        f"broker's log is {'in memory' if in_memory else 'on disk: there is not enough memory'}")
    middle = sorted(done, key=lambda one: one["percentiles_ms"]["99"])[len(done) // 2]["percentiles_ms"]
    figures = context.results.figures
    figures["latency_ms_p50"] = middle["50"]
    figures["latency_ms_percentiles"] = middle
    figures["latency_events_per_s"] = rate
    if in_memory and context.sizes.latency_on_disk:
        rate, done, _ = latencies(context, None)
        figures["latency_on_disk_events_per_s"] = rate
        figures["latency_on_disk_ms_p99"] = statistics.median(p99_of(done))
        figures["latency_on_disk_ms_p99_min"] = min(p99_of(done))
        figures["latency_on_disk_ms_p99_max"] = max(p99_of(done))


def directory_in_memory():
    """For a broker's log of some gigabytes; None: this machine has none to spare."""
    if not os.path.isdir(MEMORY) or min(available_memory(), shutil.disk_usage(MEMORY).free) < LOG_AND_REST:
        return None
    return os.path.join(MEMORY, "tidemark-bench")


def latencies(context, log):
    """At half of what this machine sustains with writer, broker, shard and reader on it, the broker's log in the
    directory `log` or on disk: that rate, what each repetition said, and the command of the first."""
    with Broker(context, "latency", log) as broker:
        broker.create_topics("latency", "sessions")
        tool = [context.program("bench/latency_bench"), "--brokers", broker.address, "--partitions", PARTITIONS]
        with TidemarkRun(broker, "latency", "sessions", **{"kafka.commit_interval": "100ms"}) as tidemark:
            wait_for("tidemark to be ready", lambda: tidemark.metric("partitions") >= PARTITIONS, 60)
            # Each run is a month later than the one before it, so that none of its events is late.
            starts = [f"{year}-{month:02}-03T10:00:00Z" for year in (2024, 2025) for month in range(1, 13)]
            say("latency: how many events a second the whole of it sustains, the log "
                + ("in memory" if log else "on disk"))
            sustained(context, tool, tidemark, starts.pop(0))  # by a broker whose code is not compiled yet
            rate = int(statistics.median(sustained(context, tool, tidemark, starts.pop(0)) for _ in range(3)) / 2)
            command = [*tool, "--rate", rate, "--seconds", context.sizes.latency_seconds, "--start"]
            commands = [[*command, starts.pop(0)] for _ in range(context.sizes.repeat)]
            done = [paced(context, each, rate, tidemark) for each in commands]
            others = tidemark.metric("late_total") + tidemark.metric("dead_letters_total")
    if others:
        raise Failure(f"{others:.0f} events were late or dead letters")
    return rate, done, commands[0]


def p99_of(done):
    return [one["percentiles_ms"]["99"] for one in done]


def paced(context, command, rate, tidemark):
    seconds = context.sizes.latency_seconds
    say(f"latency: {rate:,} events a second for {seconds} s")
    closed_before = tidemark.metric("sessions_closed_total")
    done = last_json(run(command, limit=seconds + 120, core=context.cores[0]).stdout)
    if done["events"] < 0.95 * rate * seconds:
        raise Failure(f"only {done['events'] / seconds:,.0f} of {rate:,} events a second could be written")
    closed = tidemark.metric("sessions_closed_total") - closed_before
    if done["seen"] != closed:
        raise Failure(f"{closed:,.0f} sessions closed, {done['seen']:,} of them were seen")
    return done


def sustained(context, tool, tidemark, start):
    consumed_before = tidemark.metric("records_consumed_total")
    done = last_json(run([*tool, "--rate", 0, "--seconds", 8, "--start", start], limit=180,
                         core=context.cores[0]).stdout)

    def caught_up():
        return tidemark.metric("records_consumed_total") - consumed_before >= done["events"]

    began = time.monotonic()
    wait_for("tidemark to catch up", caught_up, 300)
    return done["events"] / (done["seconds"] + time.monotonic() - began)
