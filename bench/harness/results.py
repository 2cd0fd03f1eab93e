"""What was measured: a row per key of the table, written after every step, so that nothing is lost when one fails.

results.json has, flat, `KEY`, `KEY_min`, `KEY_max` (KEY is the median of the repetitions' ratios, or null),
`KEY_error` where a row could not be measured, and a few figures that are no ratios. results.md is the table for people.
"""

import functools
import json
import os
import platform
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from xml.etree import ElementTree

from process import STARTED, say

GOALS = {
    "engine_vs_simdjson": (">=", 0.7),
    "replay_vs_engine": (">=", 0.85),
    "replay_vs_duckdb": (">=", 5),
    "kafka_vs_consumer": (">=", 0.8),
    "kafka_vs_kafka_streams": (">=", 25),
    "kafka_vs_flink": (">=", 25),
    "many_sessions_vs_few": (">=", 0.8),
    "two_shards_vs_one": (">=", 1.8),
    "bytes_per_open_session_vs_json": ("<=", 0.6),
    "exactly_once_cost": (">=", 0.9),
    "recovery_s_1m": ("<=", 10),
    "recovery_s_10m": ("<=", 60),
    "latency_ms_p99": ("<=", 250),
}

SPEED = "engine_events_per_s"
IN_SECONDS = ("recovery_s_1m", "recovery_s_10m")

# How fast the machine itself was, which differs between days.
MACHINE_FIGURES = (SPEED, "parse_events_per_s", "duckdb_events_per_core_s", "kafka_streams_events_per_core_s")


@dataclass
class Row:
    values: list  # of the repetitions; or their least, median and most
    commands: list
    note: str = ""
    repetitions: int = 0

    @property
    def median(self):
        return statistics.median(self.values)


@dataclass
class Results:
    directory: str
    quick: bool
    root: str
    program: str = ""  # tidemark, which knows what it was built with
    only: list = field(default_factory=list)  # the steps that were asked for, where not all were
    rows: dict = field(default_factory=dict)  # key -> Row
    errors: dict = field(default_factory=dict)  # key -> why there is no row
    figures: dict = field(default_factory=dict)  # flat, of any kind
    earlier: dict = None  # the results.json of an earlier run to be compared with
    plots: dict = field(default_factory=dict)  # title -> file

    def add(self, key, values, commands, note="", repetitions=None):
        self.rows[key] = Row([float(value) for value in values], commands, note, repetitions or len(values))
        self.errors.pop(key, None)

    def fail(self, keys, why):
        for key in keys:
            if key not in self.rows:
                self.errors[key] = why

    def write(self):
        """False: that was not possible; what was written before is still there."""
        page = self._page().replace(os.path.realpath(self.root) + os.sep, "")
        try:
            write_whole(os.path.join(self.directory, "results.json"),
                        json.dumps(self.flat(), indent=2, ensure_ascii=False) + "\n")
            write_whole(os.path.join(self.directory, "results.md"), page)
        except OSError as error:
            say(f"results: cannot write them to {self.directory}: {error}")
            return False
        return True

    def flat(self):
        flat = {"quick": self.quick, "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "duration_s": duration()}
        if self.only:
            flat["only"] = ",".join(self.only)
        flat |= {f"machine_{name.replace(' ', '_')}": value for name, value in self._machine().items()}
        for key in GOALS:
            row = self.rows.get(key)
            flat[key] = rounded(row.median) if row else None
            if row:
                flat |= {f"{key}_min": rounded(min(row.values)), f"{key}_max": rounded(max(row.values)),
                         f"{key}_repetitions": row.repetitions}
        flat |= {f"{name}_error": why for name, why in self.errors.items()}
        return flat | {key: rounded(value) for key, value in self.figures.items()}

    def _machine(self):
        return {**machine(self.root), **built_with(self.program), **peer_versions(self.root)}

    def _page(self):
        lines = ["# Results", "",
                 "Made by `bench/run.sh" + (" --quick" if self.quick else "")
                 + (f" --only {','.join(self.only)}" if self.only else "") + "` on "
                 + datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC") + f", took {duration()} s once it was "
                 "built. [bench/README.md](../README.md) says what each row divides by what, and how fairness was "
                 "sought.", ""]
        lines += [f"- {name}: {value}" for name, value in self._machine().items()]
        lines += ["", "| key | median | min – max | of | goal | |", "|---|---|---|---|---|---|"]
        lines += [self._line(key, *goal) for key, goal in GOALS.items()]
        failed = [f"- **{name} failed**: {why}" for name, why in self.errors.items() if name not in GOALS]
        lines += ["", *failed, ""] if failed else [""]
        lines += [*(compared(self.flat(), self.earlier) if self.earlier else []), "## Other figures", ""]
        lines += [f"- `{key}`: {rounded(value)}" for key, value in self.figures.items()
                  if not isinstance(value, (dict, list))]  # those are charts
        lines += ["", "## Commands", ""]
        for key, row in self.rows.items():
            lines += [f"`{key}`" + (f": {row.note}" if row.note else ""), "", "```"] + row.commands + ["```", ""]
        for title, file in self.plots.items():
            lines += [f"## {title}", "", f"![{title}]({file})", ""]
        return "\n".join(lines).rstrip() + "\n"

    def _line(self, key, sign, goal):
        row = self.rows.get(key)
        target = f"{'≥' if sign == '>=' else '≤'} {goal}"
        if row is None:
            return f"| `{key}` | – | – | – | {target} | {self.errors.get(key, 'not measured')} |"
        met = row.median >= goal if sign == ">=" else row.median <= goal
        return (f"| `{key}` | {rounded(row.median)} | {rounded(min(row.values))} – {rounded(max(row.values))} | "
                f"{row.repetitions} | {target} | {'met' if met else 'not met'} |")


def read_results(path):
    """An earlier results.json. ValueError, with a sentence for people: it is none."""
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if not isinstance(results, dict) or not results.keys() & GOALS.keys():
        raise ValueError(f"{path} has none of the benchmark's rows; expected a results.json that it wrote")
    for key in GOALS:
        spread = [results.get(name) for name in (key, f"{key}_min", f"{key}_max")]
        if spread[0] is not None and not all(isinstance(value, (int, float)) for value in spread):
            raise ValueError(f"{path} has no numbers for {key}; expected a results.json that the benchmark wrote")
    return results


def write_whole(path, text):
    """All of it or nothing: where the disk is full, what was there before stays. OSError: it was not written."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = path + ".part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def duration():
    return round(time.monotonic() - STARTED, 1)


def compared(now, before):
    """Lines of Markdown that say, for each row of two results.json, whether their spreads meet, which hardly ever
    fails, and whether the median of each is within the other's spread. Rows in seconds are no ratios: where they
    differ, they are also compared scaled with how fast the engine was on the machine then."""
    lines = []
    verdicts = []
    for key in GOALS:
        pair = [_spread(results, key) for results in (now, before)]
        cells = ["not in both", ""]
        if None not in pair:
            verdicts.append([_meet(*pair), _within(*pair)])
            cells = [_verdict(test, key, pair, now, before) for test in (_meet, _within)]
        lines.append(f"| `{key}` | {_shown(pair[0])} | {_shown(pair[1])} | {cells[0]} | {cells[1]} |")
    meet, within = (sum(column) for column in zip(*verdicts)) if verdicts else (0, 0)
    return [
        f"## Against the run of {_day(before)}", "",
        f"Now: {_run(now)}. Then: {_run(before)}.", "",
        f"**{meet} of {len(verdicts)} rows: spreads meet; {within} of {len(verdicts)}: each median within the other's"
        " spread.** A spread is from the least to the most of the repetitions. Seconds are no ratios: where they"
        f" differ, they are also compared multiplied by `{SPEED}` of their run, which is not counted here.", "",
        "| key | now | then | spreads meet | medians within |", "|---|---|---|---|---|", *lines, "",
        *(f"- `{key}`: {now[key]} now, {before[key]} then" for key in MACHINE_FIGURES if key in now and key in before),
        ""]


def _day(results):
    return str(results.get("date", "unknown date"))[:10]


def _run(results):
    return f"{results.get('date', 'unknown date')}, commit {results.get('machine_commit', 'unknown')}"


def _verdict(test, key, pair, now, before):
    if test(*pair):
        return "yes"
    if key not in IN_SECONDS or not now.get(SPEED) or not before.get(SPEED):  # or only some steps were measured
        return "**no**"
    scaled = [[value * results[SPEED] for value in spread] for results, spread in zip((now, before), pair)]
    return "**no**, scaled yes" if test(*scaled) else "**no**, also scaled"


def _meet(spread, other):
    return spread[1] <= other[2] and other[1] <= spread[2]


def _within(spread, other):
    return other[1] <= spread[0] <= other[2] and spread[1] <= other[0] <= spread[2]


def _spread(results, key):
    """Median, least, most; None where the row was not measured."""
    return (results[key], results[f"{key}_min"], results[f"{key}_max"]) if results.get(key) is not None else None


def _shown(spread):
    return f"{spread[0]} ({spread[1]} – {spread[2]})" if spread else "–"


def rounded(value):
    """Three digits that mean something."""
    if not isinstance(value, float):
        return value
    return int(round(value)) if abs(value) >= 1000 else float(f"{value:.3g}")


def _first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return (done.stdout or done.stderr).splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def _from_file(path, prefix):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(prefix):
                return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    return "unknown"


def _package(name):
    return _first_line(["dpkg-query", "-W", "-f=${Version}", name])


@functools.cache  # the commit is that at the beginning
def machine(root):
    """What the figures belong to."""
    memory = int(_from_file("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    return {
        "processor": f"{os.cpu_count()} × {_from_file('/proc/cpuinfo', 'model name')}",
        "memory": f"{memory:.1f} GiB",
        "system": f"{_from_file('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}",
        "compiler": _first_line(["g++", "--version"]),
        "simdjson": _package("libsimdjson-dev"),
        "librdkafka": _package("librdkafka-dev"),
        "java": _first_line(["java", "-version"]),
        "python": platform.python_version(),
        "commit": _first_line(["git", "-C", root, "describe", "--always", "--dirty"]),
    }


@functools.cache
def built_with(program):
    """The part of simdjson that this processor gets, as tidemark says it: `simdjson   3.0.1 (haswell)`."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {"simdjson kernel": "unknown"}
    kernel = re.search(r"^ *simdjson .*\((\w+)\)", done.stdout, re.MULTILINE)
    return {"simdjson kernel": kernel.group(1) if kernel else "unknown"}


@functools.cache
def peer_versions(root):
    """From where each is pinned. The broker is the one of the tests."""
    streams = _properties(os.path.join(root, "bench/peers/kafka_streams/pom.xml"))
    flink = _properties(os.path.join(root, "bench/peers/flink/pom.xml"))
    broker = _properties(os.path.join(root, "tests/broker/pom.xml"))
    jackson = [pom.get("jackson.version", "unknown") for pom in (streams, flink)]
    return {
        "duckdb": _required(os.path.join(root, "bench/requirements.txt"), "duckdb"),
        "kafka": broker.get("kafka.version", "unknown"),
        "kafka streams": streams.get("kafka.version", "unknown"),
        "flink": flink.get("flink.version", "unknown"),
        "flink kafka connector": flink.get("flink.kafka.version", "unknown"),
        "jackson": jackson[0] if len(set(jackson)) == 1 else f"{jackson[0]} for Kafka Streams, {jackson[1]} for Flink",
    }


def _properties(pom):
    """Name -> value of a pom's properties."""
    try:
        properties = ElementTree.parse(pom).find("{*}properties")
    except (OSError, ElementTree.ParseError):
        return {}
    return {one.tag.rpartition("}")[2]: one.text for one in properties if isinstance(one.tag, str)} \
        if properties is not None else {}


def _required(path, name):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(rf"^{name}==(\S+)", file.read(), re.MULTILINE)
    except OSError:
        return "unknown"
    return found.group(1) if found else "unknown"
