"""The capacity page: cores, memory, network, partitions, brokers, recovery and state topic for three rates, from
this run's figures. Whoever recomputes it from what is printed gets what is printed: figures are rounded before
they are used.
"""

import os
from math import ceil

from process import Failure
from results import write_whole
from settings import COMPLETE

RATES = (10_000, 1_000_000, 100_000_000)  # events per second
EVENTS_PER_SESSION = 10
OPEN_S = 25 * 60  # five minutes of events, and the time-out
LOAD = 0.5  # of cores and memory, so that a failed instance's work and a backlog find room
MIB = 1 << 20
REPLAY_BYTES_PER_S = 100 * MIB  # what the snapshotter takes a replay for
DEFAULT = (120, 10)  # state.snapshot_interval, state.recovery_target, in seconds
RELAXED = (600, 120)
SNAPSHOTS_KEPT = 3  # the newest, the second newest, and the one that is being written
SEGMENT_BYTES = 1 << 30  # of a topic's log: Kafka's log.segment.bytes, as the state topic sets none of its own
PARTITION_BYTES_PER_S = 10e6  # what one partition of a topic is commonly given
INSTANCE_BYTES = 64e9  # of memory, for sessions
REPLICAS = 3
BROKER_BYTES_PER_S = 100e6  # what a broker is given to write, its own partitions and its copies of others'
CLUSTER_BROKERS = 100
NEEDED = ("run_events_per_core_s", "resident_bytes_per_open_session", "state_bytes_per_open_session",
          "json_bytes_per_session", "web_event_bytes")

PAGE = """# Capacity

Made by `bench/run.sh` from the figures of [results.md](results.md); the arithmetic is below the table, so that your own
events can be put in. Web events of 1.75 KB in sessions of ten; a session is open for five minutes and the time-out of
twenty. Cores and memory are planned for a load of {load:.0%}: the rest is for catching up, and for the share of an
instance that is lost. MB, GB and TB are powers of 1,000.

| measured here | |
|---|---|
| events per core-second, `run` from Kafka, exactly once | {rate:,.0f} |
| bytes of an event, uncompressed | {event:,.0f} |
| bytes of an emitted session | {json:,.0f} |
| resident bytes of an open session | {resident:,.0f} |
| bytes of an open session in a snapshot | {state:,.0f} |
| ns of a core for a byte of a snapshot | {snapshot_ns} |
| sessions that a shard recovers in a second | {recovery_rate} |

"Default" is `snapshot_interval = "2m"` and `recovery_target = "10s"`, "relaxed" is `"10m"` and `"2m"`.

| events per second | {head} |
|---|{line}|
{rows}

- **Cores for events** = rate / {rate:,.0f} / {load}, rounded up; that many shards. **Cores with snapshots** = (rate /
  {rate:,.0f} + snapshots out × ns for a byte / 1,000,000,000) / {load}, rounded up.
  {snapshots_measured}
  The brokers need cores of their own.
- **Open sessions** = rate / {per_session} × {open_s} s. **Memory** = open sessions × {resident:,.0f} B. For each
  shard come 8 MB, and 4 MB from each broker, of what is read ahead, and 64 MB at most of what is to be written
  (docs/operations.md).
- **Instances** = memory / ({instance} GB × {load}), rounded up, and two at least: each has {instance} GB for
  sessions and fills half of it. When one of N is lost, the sessions and events of its partitions go to the other N - 1,
  each of which then has memory / (N - 1) and N / (N - 1) times its load of {load:.0%}.
- **Partitions** = rate × {event:,.0f} B / {partition:.0f} MB/s, rounded up: none with more than that; and at least as
  many as shards, as a partition belongs to one.
- **Network in** = rate × {event:,.0f} B. Uncompressed: lz4 makes generated events seven times smaller, real ones less.
  **Sessions out** = rate / {per_session} × {json:,.0f} B.
- **Snapshots out** = open sessions × {state:,.0f} B / the time between two snapshots of a partition. That is
  `state.snapshot_interval`, or, where a shard reads so much that `state.recovery_target` asks for more,
  2 × n / (n + 1) × `recovery_target` × 100 MiB/s (104,857,600 B/s) / the shard's bytes per second, n being the shard's
  partitions (partitions / cores for events). Why up to 2: a shard begins a snapshot when what its partitions have read
  since theirs, taken together, is what 100 MiB/s replay within the target. They take turns, so one has read for a
  whole round then and another for a moment, half a round on average: with many partitions a round is twice as long as
  the target would be for a single one. More shards than cores for events read less each and take fewer snapshots.
- **Network out with {replicas} replicas** = (sessions out + snapshots out) × {replicas}: what the sessions' and the
  state topic's brokers write for them. Decisions and offsets, of some bytes a transaction, are not counted.
- **Brokers** = (network in × {replicas} + network out with replicas) / {broker:.0f} MB/s that each writes, rounded up,
  and {replicas} at least. **Clusters** have {cluster_brokers} brokers at most here.
- **Recovery** = open sessions / cores for events / the sessions that a shard recovers in a second: when a process
  starts again with the partitions it had.
  {recovery_measured}
- **State topic** = open sessions × {state:,.0f} B × {kept} + partitions × 1 GiB (1,073,741,824 B), times the replicas.
  Up to {kept} snapshots of a partition are there at a time: the newest, the second newest, which is kept in case the
  newest cannot be used, and the one being written. What is before them is deleted by DeleteRecords, which frees whole
  segments of the log only, so up to one more of them stays for each partition; it is 1 GiB unless the topic has a
  smaller `segment.bytes`.

## What breaks first

- **{rates[0]} a second**: nothing, on {cores[0]} core(s) and {memory[0]}. Take two instances: a restart then stops half
  of the partitions for seconds, not all, and one alone has room for all the sessions.
- **{rates[1]} a second**: the snapshots, before the processor. With the default settings they would be
  {share_default:.1f} times the bytes of the events and take {brokers_default[1]} brokers, more than a network can be
  given for it, so a recovery would take longer than its target; relaxed they are {share_relaxed:.1f} times and take
  {brokers_relaxed[1]}. Then memory: {instances[1]} instances with {instance} GB for sessions, half full with {each[1]};
  when one is lost the others have {each_after[1]} each and {load_after:.0%} load instead of {load:.0%}. Smaller
  sessions help both more than anything else.
- **{rates[2]} a second**: one consumer group and one cluster. {partitions[2]} partitions are more than an eager range
  assignment, at which every member stops at every change, is made for, and {brokers_relaxed[2]} brokers are more than a
  cluster can have. Split by customer into {clusters[2]} clusters of {cluster_brokers} brokers at most, with a group
  each: sessions never cross customers, so nothing else changes, and each is like the column before.
"""


def capacity(context):
    flat = context.results.flat()
    missing = [name for name in NEEDED if flat.get(name) is None]
    if missing:
        raise Failure(f"the capacity page needs {', '.join(missing)}: run the steps memory, two_shards and peers, too")
    write_whole(os.path.join(context.results.directory, "capacity.md"), page(flat))


def page(flat):
    """Of what results.json has."""
    figures = {name: round(flat[name]) for name in NEEDED}
    figures["snapshot_ns_per_byte"] = flat.get("snapshot_ns_per_byte")
    speed, where = recovery_speed(flat)
    needs = [Need(rate, figures, speed) for rate in RATES]
    rows = "\n".join(f"| {name} | " + " | ".join(show(getattr(need, field)) for need in needs) + " |"
                     for name, field, show in ROWS)
    million = needs[1]
    ns = figures["snapshot_ns_per_byte"]

    def each(field, show):
        return [show(getattr(need, field)) for need in needs]

    return PAGE.format(
        load=LOAD, instance=f"{INSTANCE_BYTES / 1e9:.0f}", rate=figures["run_events_per_core_s"],
        event=figures["web_event_bytes"], json=figures["json_bytes_per_session"],
        resident=figures["resident_bytes_per_open_session"], state=figures["state_bytes_per_open_session"],
        snapshot_ns=NOT_MEASURED if ns is None else f"{ns:g}",
        snapshots_measured="What snapshots cost was not measured in this run and is left out." if ns is None
        else "It is what making the bytes costs (`core_bench`), without sending them.",
        recovery_rate=NOT_MEASURED if speed is None else count(speed), recovery_measured=where,
        head=" | ".join(count(rate) for rate in RATES), line="|".join("---" for _ in RATES), rows=rows,
        per_session=EVENTS_PER_SESSION, open_s=f"{OPEN_S:,}", partition=PARTITION_BYTES_PER_S / 1e6,
        broker=BROKER_BYTES_PER_S / 1e6, replicas=REPLICAS, cluster_brokers=CLUSTER_BROKERS, kept=SNAPSHOTS_KEPT,
        rates=[count(rate) for rate in RATES], cores=each("cores_default" if ns else "cores", count),
        memory=each("memory", size), instances=each("instances", count), each=each("instance_memory", size),
        each_after=each("instance_memory_after", size), partitions=each("partitions", count),
        load_after=LOAD * million.instances / (million.instances - 1),
        brokers_default=each("brokers_default", count), brokers_relaxed=each("brokers_relaxed", count),
        clusters=each("clusters", count), share_default=million.snapshots_default / million.network_in,
        share_relaxed=million.snapshots_relaxed / million.network_in)


def recovery_speed(flat):
    """Sessions a shard recovers in a second (None: not measured), and a sentence that says from what."""
    for key, nominal, _ in reversed(COMPLETE.recoveries):  # the largest first
        seconds = flat.get(key)
        if seconds:
            shards = flat[f"{key}_shards"]
            return round(nominal / seconds / shards), (
                f"Measured with {nominal:,} sessions, back in {seconds:g} s on {shards} shards that share their cores "
                f"with the\n  broker (`{key}`), with what there was to replay.")
    return None, "It was not measured in this run."


class Need:
    """What a rate of events needs. Each figure is rounded as it is printed before another one is made of it."""

    def __init__(self, rate, figures, recovery_speed_of_shard):
        work = rate / figures["run_events_per_core_s"]
        self.cores = ceil(work / LOAD)
        self.open = rate // EVENTS_PER_SESSION * OPEN_S
        self.memory = printed(self.open * figures["resident_bytes_per_open_session"])
        self.instances = max(2, ceil(self.memory / (INSTANCE_BYTES * LOAD)))
        self.instance_memory = printed(self.memory / self.instances)
        self.instance_memory_after = printed(self.memory / (self.instances - 1))
        event_bytes = rate * figures["web_event_bytes"]
        self.partitions = max(self.cores, ceil(event_bytes / PARTITION_BYTES_PER_S))
        self.network_in = printed(event_bytes)
        self.sessions_out = printed(rate / EVENTS_PER_SESSION * figures["json_bytes_per_session"])
        state = self.open * figures["state_bytes_per_open_session"]
        self.snapshots_default, self.snapshots_relaxed = (
            printed(state / self._seconds_between_snapshots(event_bytes, *settings)) for settings in (DEFAULT, RELAXED))
        self.cores_default, self.cores_relaxed = (
            cores_with(work, out, figures["snapshot_ns_per_byte"])
            for out in (self.snapshots_default, self.snapshots_relaxed))
        self.out_default, self.out_relaxed = (
            printed((self.sessions_out + out) * REPLICAS) for out in (self.snapshots_default, self.snapshots_relaxed))
        self.brokers_default, self.brokers_relaxed = (
            max(REPLICAS, ceil((self.network_in * REPLICAS + out) / BROKER_BYTES_PER_S))
            for out in (self.out_default, self.out_relaxed))
        self.clusters = ceil(self.brokers_relaxed / CLUSTER_BROKERS)
        self.recovery = recovery_speed_of_shard and self.open / self.cores / recovery_speed_of_shard
        self.state_topic = printed(state * SNAPSHOTS_KEPT + self.partitions * SEGMENT_BYTES)
        self.state_topic_replicas = printed(self.state_topic * REPLICAS)

    def _seconds_between_snapshots(self, event_bytes, interval, target):
        partitions_of_shard = self.partitions / self.cores
        rounds = 2 * partitions_of_shard / (partitions_of_shard + 1)
        return min(interval, rounds * target * REPLAY_BYTES_PER_S / (event_bytes / self.cores))


def cores_with(work, snapshots_out, ns_per_byte):
    """For events that keep `work` cores busy, and their snapshots. None: what those cost is not known."""
    return None if ns_per_byte is None else ceil((work + snapshots_out * ns_per_byte / 1e9) / LOAD)


def printed(value):
    """As `size` shows it."""
    return float(f"{value:.3g}")


def count(value):
    for limit, unit in ((1e9, "billion"), (1e6, "million")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:,.0f}"


def counted(value):
    return NOT_MEASURED if value is None else count(value)


def seconds_shown(value):
    return NOT_MEASURED if value is None else f"{value:,.0f} s"


def size(value):
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:,.0f} B"


NOT_MEASURED = "not measured"
ROWS = (
    ("cores for events", "cores", count),
    ("cores with snapshots, default", "cores_default", counted),
    ("cores with snapshots, relaxed", "cores_relaxed", counted),
    ("open sessions", "open", count),
    ("memory for them", "memory", size),
    (f"instances with {INSTANCE_BYTES / 1e9:.0f} GB for sessions", "instances", count),
    ("memory for sessions of each", "instance_memory", size),
    ("the same when one is lost", "instance_memory_after", size),
    ("partitions", "partitions", count),
    ("network in, a second", "network_in", size),
    ("sessions out, a second", "sessions_out", size),
    ("snapshots out, a second, default", "snapshots_default", size),
    ("snapshots out, a second, relaxed", "snapshots_relaxed", size),
    (f"network out with {REPLICAS} replicas, a second, default", "out_default", size),
    (f"network out with {REPLICAS} replicas, a second, relaxed", "out_relaxed", size),
    ("brokers, default", "brokers_default", count),
    ("brokers, relaxed", "brokers_relaxed", count),
    (f"clusters of {CLUSTER_BROKERS} brokers, relaxed", "clusters", count),
    ("recovery of an instance", "recovery", seconds_shown),
    ("state topic, one replica", "state_topic", size),
    (f"state topic, {REPLICAS} replicas", "state_topic_replicas", size),
)
