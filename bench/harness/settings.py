"""How much is measured: --quick is done within a quarter of an hour, a complete run within two hours."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    repeat: int  # alternating repetitions
    web_events: int  # of 1.75 KB, in the file
    other_events: int  # of 300 bytes, and of conversations
    yardstick_seconds: int  # for which core_bench repeats
    topic_events: int  # that a shard and a consumer read
    topic_repeat: int  # more often than others: a broker beside it makes the noise larger than what is looked for
    peer_events: int  # that each peer reads
    peer_repeat: int
    many_open: int
    few_open: int
    memory_sessions: int
    recoveries: tuple  # (key, open sessions, kills)
    latency_seconds: int
    latency_on_disk: bool  # too
    chart_open: tuple
    chart_events: int


QUICK = Sizes(repeat=5, web_events=200_000, other_events=200_000, yardstick_seconds=3, topic_events=300_000,
              topic_repeat=5, peer_events=150_000, peer_repeat=5, many_open=1_000_000, few_open=100_000,
              memory_sessions=50_000,
              recoveries=(("recovery_s_1m", 1_000_000, 5),), latency_seconds=8, latency_on_disk=False,
              chart_open=(1_000, 10_000, 100_000), chart_events=25_000)

COMPLETE = Sizes(repeat=5, web_events=1_000_000, other_events=500_000, yardstick_seconds=15,
                 topic_events=1_000_000, topic_repeat=20, peer_events=1_000_000, peer_repeat=5, many_open=10_000_000,
                 few_open=100_000,
                 memory_sessions=1_000_000,
                 recoveries=(("recovery_s_1m", 1_000_000, 5), ("recovery_s_10m", 10_000_000, 5)),
                 latency_seconds=20, latency_on_disk=True, chart_open=(1_000, 10_000, 100_000, 1_000_000, 10_000_000),
                 chart_events=200_000)


@dataclass(frozen=True)
class Context:
    """What every step is given."""

    root: str  # of the project
    build: str
    work: str  # for data; may be deleted any time
    sizes: Sizes
    results: object
    cores: tuple  # two of this machine's; the same one twice where it has no more

    def program(self, name):
        return os.path.join(self.build, name)

    @property
    def tidemark(self):
        return self.program("app/tidemark")

    def file(self, name):
        return os.path.join(self.work, name)
