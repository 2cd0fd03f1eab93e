"""The capacity page: cores, memory, network, partitions and state topic for three rates, from this run's figures."""

import os

from process import Failure

RATES = (10_000, 1_000_000, 100_000_000)  # events per second
EVENTS_PER_SESSION = 10
OPEN_S = 25 * 60  # five minutes of events, and the time-out
LOAD = 0.5  # of a core, so that a failed instance's work and a backlog find room
REPLAY_BYTES_PER_S = 100 << 20  # what the snapshotter takes a replay for
DEFAULT = (120, 10)  # state.snapshot_interval, state.recovery_target, in seconds
RELAXED = (600, 120)
SNAPSHOTS_KEPT = 2  # the newest, and the one that is being written
PARTITION_BYTES_PER_S = 10e6  # what one partition of a topic is commonly given
INSTANCE_BYTES = 64e9  # of memory, for sessions
NEEDED = ("run_events_per_core_s", "resident_bytes_per_open_session", "state_bytes_per_open_session",
          "json_bytes_per_session", "web_event_bytes")

PAGE = """# Capacity

Made by `bench/run.sh` from the figures of [results.md]({results}); the arithmetic is below the table, so that your own
events can be put in. Web events of 1.75 KB in sessions of ten; a session is open for five minutes and the time-out of
twenty. Everything is planned for a load of {load:.0%}: the rest is for catching up, and for another instance's share.

| measured here | |
|---|---|
| events per core-second, `run` from Kafka, exactly once | {rate:,.0f} |
| bytes of an event, uncompressed | {event:,.0f} |
| bytes of an emitted session | {json:,.0f} |
| resident bytes of an open session | {resident:,.0f} |
| bytes of an open session in a snapshot | {state:,.0f} |

| events per second | {head} |
|---|{line}|
{rows}

- **Cores** = rate / {rate:,.0f} / {load}. Of the processes; the brokers need their own. They do not include what
  snapshots at these rates cost, which is paced by what the brokers take.
- **Open sessions** = rate / {per_session} × {open_s} s. **Memory** = open sessions × {resident:,.0f} B. For each
  shard come 8 MB, and 4 MB from each broker, of what is read ahead, and 64 MB at most of what is to be written
  (docs/operations.md).
- **Network in** = rate × {event:,.0f} B. Uncompressed: lz4 makes generated events seven times smaller, real ones less.
  **Sessions out** = rate / {per_session} × {json:,.0f} B. Each replica of a topic costs the brokers as much again.
- **Snapshots out** = open sessions × {state:,.0f} B / the time between two snapshots of a partition. That is
  `state.snapshot_interval`, or, where a shard reads so much that `state.recovery_target` asks for more, about
  2 × `recovery_target` × 100 MB/s / the shard's bytes per second.
- **Partitions**: as many as shards (a partition belongs to one), and none with more than {partition:.0f} MB/s.
- **State topic** = open sessions × {state:,.0f} B × {kept}: the newest snapshot, and the one being written; times the
  replicas.

## What breaks first

- **{rates[0]} a second**: nothing, on {cores[0]} core(s) and {memory[0]}. Take two instances: a restart then stops half
  of the partitions for seconds, not all.
- **{rates[1]} a second**: the snapshots, long before the processor. With the default settings they would be
  {share_default:.1f} times the bytes of the events, more than a network can be given for it, so a recovery would take
  longer than its target; with `snapshot_interval = "10m"` and `recovery_target = "2m"` it is {share_relaxed:.1f} times.
  Then memory: {instances:,.0f} instances with 64 GB for sessions. Smaller sessions help both more than anything else.
- **{rates[2]} a second**: one consumer group and one cluster. {partitions} partitions are more than an eager range
  assignment, at which every member stops at every change, and one Kafka cluster are made for. Split by customer into
  clusters with a group each: sessions never cross customers, so nothing else changes.
"""


def capacity(context):
    figures = context.results.figures
    missing = [name for name in NEEDED if name not in figures]
    if missing:
        raise Failure(f"the capacity page needs {', '.join(missing)}: run the steps memory, two_shards and peers, too")
    path = os.path.join(context.results.directory, "capacity.md")
    os.makedirs(context.results.directory, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(figures))


def page(figures):
    needs = [Need(rate, figures) for rate in RATES]
    fields = (("cores", "cores", count), ("open sessions", "open", count), ("memory for them", "memory", size),
              ("network in, a second", "network_in", size), ("sessions out, a second", "sessions_out", size),
              ("snapshots out, a second, default settings", "snapshots_default", size),
              ("snapshots out, a second, interval 10m and target 2m", "snapshots_relaxed", size),
              ("partitions", "partitions", count), ("state topic, one replica", "state_topic", size))
    rows = "\n".join(f"| {name} | " + " | ".join(show(getattr(need, field)) for need in needs) + " |"
                     for name, field, show in fields)
    million = needs[1]
    return PAGE.format(
        results="results.md", load=LOAD, rate=figures["run_events_per_core_s"], event=figures["web_event_bytes"],
        json=figures["json_bytes_per_session"], resident=figures["resident_bytes_per_open_session"],
        state=figures["state_bytes_per_open_session"], head=" | ".join(count(rate) for rate in RATES),
        line="|".join("---" for _ in RATES), rows=rows, per_session=EVENTS_PER_SESSION, open_s=OPEN_S,
        partition=PARTITION_BYTES_PER_S / 1e6, kept=SNAPSHOTS_KEPT, rates=[count(rate) for rate in RATES],
        cores=[count(need.cores) for need in needs], memory=[size(need.memory) for need in needs],
        share_default=million.snapshots_default / million.network_in,
        share_relaxed=million.snapshots_relaxed / million.network_in,
        instances=-(-million.memory // INSTANCE_BYTES), partitions=count(needs[2].partitions))


class Need:
    """What a rate of events needs."""

    def __init__(self, rate, figures):
        self.cores = -(-rate // int(figures["run_events_per_core_s"] * LOAD))
        self.open = rate // EVENTS_PER_SESSION * OPEN_S
        self.memory = self.open * figures["resident_bytes_per_open_session"]
        self.network_in = rate * figures["web_event_bytes"]
        self.sessions_out = rate / EVENTS_PER_SESSION * figures["json_bytes_per_session"]
        state = self.open * figures["state_bytes_per_open_session"]
        self.snapshots_default = state / self._seconds_between_snapshots(*DEFAULT)
        self.snapshots_relaxed = state / self._seconds_between_snapshots(*RELAXED)
        self.partitions = max(self.cores, int(-(-self.network_in // PARTITION_BYTES_PER_S)))
        self.state_topic = state * SNAPSHOTS_KEPT

    def _seconds_between_snapshots(self, interval, target):
        return min(interval, 2 * target * REPLAY_BYTES_PER_S / (self.network_in / self.cores))


def count(value):
    for limit, unit in ((1e9, "billion"), (1e6, "million")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:,.0f}"


def size(value):
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:,.0f} B"
