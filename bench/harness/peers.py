"""The rows of peers: events per core-second of `tidemark run`, of Kafka Streams and of Flink, from the same topic.

A core-second is a second of user or system time of the process. tidemark is charged for all of its process's time. Of a
JVM counts the better of two figures: from its start, and from when it had taken 40 % of the events and was warm.
"""

import glob
import json
import os
import shutil
import statistics

from files import check, summary
from kafka import Broker, TidemarkRun
from process import Background, Failure, run, say, shown, wait_for

WARM_AFTER = 0.4
LIMIT = 600  # seconds for one pass over the topic
FIRST = "2025-01-06T10:00:00Z"
AFTER_ALL = "2025-02-03T10:00:00Z"  # events that move every watermark past all deadlines
JAVA = ["java", "-Xms4g", "-Xmx4g", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
FLINK_OPENS = [f"--add-opens=java.base/{package}=ALL-UNNAMED"
               for package in ("java.lang", "java.util", "java.time", "java.util.concurrent", "java.net", "java.nio")]


def kafka_vs_peers(context):
    sizes = context.sizes
    peers = [Peer(name, build(context, name)) for name in ("kafka_streams", "flink")]
    expected = {"events": sizes.peer_events, "sessions": expected_sessions(context)}
    ours = []
    with Broker(context, "peers") as broker:
        broker.create_topics("peers", "sessions")
        say(f"writing {sizes.peer_events:,} events")
        broker.write(sizes.peer_events, traffic(context))
        move_watermarks(broker)
        for i in range(sizes.peer_repeat):
            say(f"peers: repetition {i + 1} of {sizes.peer_repeat}: tidemark run")
            ours.append(tidemark_rate(broker, f"run-{i}", expected))
            for peer in [peer for peer in peers if not peer.failed]:
                say(f"peers: repetition {i + 1} of {sizes.peer_repeat}: {peer.name}")
                try:
                    peer.measure(broker, i, expected)
                except Failure as failure:
                    say(f"{peer.name} FAILED: {failure}")
                    peer.failed = str(failure)
    context.results.figures["run_events_per_core_s"] = statistics.median(ours)
    for peer in peers:
        peer.report(context, ours)


class Peer:
    """A program to compare with, and its events per core-second."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.shown = ""
        self.rates = []  # the better of the two figures
        self.with_start = []
        self.failed = ""

    def measure(self, broker, i, expected):
        warm, all_of_it, self.shown = peer_rate(broker, f"{self.name}-{i}", self.command, expected)
        self.rates.append(max(warm, all_of_it))
        self.with_start.append(all_of_it)

    def report(self, context, ours):
        if self.failed:
            context.results.fail([f"kafka_vs_{self.name}"], self.failed)
            return
        context.results.add(f"kafka_vs_{self.name}", [a / b for a, b in zip(ours, self.rates)], [self.shown],
                            "the better of the peer's figures with and without its start")
        context.results.figures[f"{self.name}_events_per_core_s"] = statistics.median(self.rates)
        context.results.figures[f"{self.name}_events_per_core_s_with_start"] = statistics.median(self.with_start)


def traffic(context):
    """Each visitor comes ten times."""
    return ["--start", FIRST, "--visitors", context.sizes.peer_events // 100]


def move_watermarks(broker):
    """Past every deadline, in each partition. The same events again, so that none of their own sessions closes."""
    broker.write(200, ["--start", AFTER_ALL, "--visitors", "200", "--seed", "9"])


def build(context, name):
    """Jars from Maven, classes from javac; the command to start it but for its arguments."""
    sources = os.path.join(context.root, "bench/peers")
    out = os.path.join(context.build, "bench-peers", name)
    say(f"building {name}")
    run(["mvn", "--batch-mode", "--quiet", "--file", f"{sources}/{name}/pom.xml", "dependency:copy-dependencies",
         f"-DoutputDirectory={out}/lib"], limit=1200)
    shutil.rmtree(f"{out}/classes", ignore_errors=True)
    files = glob.glob(f"{sources}/common/*.java") + glob.glob(f"{sources}/{name}/*.java")
    run(["javac", "-nowarn", "-cp", f"{out}/lib/*", "-d", f"{out}/classes", *files], limit=300)
    main = {"kafka_streams": "tidemark.bench.KafkaStreamsSessions", "flink": "tidemark.bench.FlinkSessions"}[name]
    opens = FLINK_OPENS if name == "flink" else []
    return [*JAVA, *opens, "-cp", f"{out}/classes:{out}/lib/*", main]


def expected_sessions(context):
    """What `tidemark replay` makes of the same events, as one partition."""
    path = context.file("peers.ndjson")
    run([context.tidemark, "generate", "--events", context.sizes.peer_events, *traffic(context), "--out", path],
        limit=600)
    done = run([context.tidemark, "replay", path, "--out", "/dev/null"], limit=600)
    os.remove(path)
    check("generate", summary(done.stderr), {"events": context.sizes.peer_events,
                                             "sessions": summary(done.stderr)["sessions"]})
    return summary(done.stderr)["sessions"]


def tidemark_rate(broker, name, expected):
    broker.create_topics(name, name)
    with TidemarkRun(broker, name, name) as tidemark:
        wait_for("tidemark to close every session",
                 lambda: tidemark.metric("sessions_closed_total") >= expected["sessions"], LIMIT, pause=0.25)
        cpu = tidemark.cpu()
    check("tidemark run", broker.count(name), expected)
    return expected["events"] / cpu


def peer_rate(broker, name, command, expected):
    """Events per core-second when warm, and with the start."""
    broker.create_topics(name, name)
    directory = f"{broker.directory}/{name}-state"
    arguments = [broker.address, "journey-events", name, name, directory]
    core = broker.context.cores[0]
    with Background([*command, *arguments], f"{broker.directory}/{name}", core=core) as peer:
        wait_for(f"{name} to read the topic", lambda: has_read(peer, expected), LIMIT)
        # Kafka Streams looks for windows that are over at most once a second, and only when a record comes.
        samples = wait_for(f"{name} to close every session", lambda: finished(peer, expected)
                           or move_watermarks(broker), 120, pause=2)
        counts = wait_for(f"{name}'s last sessions to be committed",
                          lambda: at_least(broker.count(name), expected), 120, pause=2)
    check(name, counts, expected)
    shutil.rmtree(directory, ignore_errors=True)
    end = samples[-1] | {"events": min(samples[-1]["events"], expected["events"])}
    warm = next(sample for sample in samples if sample["events"] >= WARM_AFTER * expected["events"])
    rate = (end["events"] - warm["events"]) / (end["cpu_s"] - warm["cpu_s"]) if end["cpu_s"] > warm["cpu_s"] else 0.0
    return rate, end["events"] / end["cpu_s"], shown([*command, *arguments], core)


def at_least(counts, expected):
    return counts if counts["sessions"] >= expected["sessions"] else None


def samples_of(peer):
    peer.require_running()
    return [json.loads(line) for line in peer.output().splitlines() if line.endswith("}")]


def has_read(peer, expected):
    samples = samples_of(peer)
    return samples and samples[-1]["events"] >= expected["events"]


def finished(peer, expected):
    """All samples up to the first one at which every session was closed; None before that."""
    samples = samples_of(peer)
    for i, sample in enumerate(samples):
        if sample["sessions"] >= expected["sessions"]:
            return samples[:i + 1]
    return None
