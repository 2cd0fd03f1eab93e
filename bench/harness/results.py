"""What was measured: a row per key of the table, written after every step, so that nothing is lost when one fails.

results.json has, flat, `KEY`, `KEY_min`, `KEY_max` (KEY is the median of the repetitions' ratios, or null),
`KEY_error` where a row could not be measured, and a few figures that are no ratios. results.md is the table for people.
"""

import json
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timezone

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
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "results.json"), "w", encoding="utf-8") as file:
            json.dump(self.flat(), file, indent=2, ensure_ascii=False)
            file.write("\n")
        with open(os.path.join(self.directory, "results.md"), "w", encoding="utf-8") as file:
            file.write(self._page().replace(os.path.realpath(self.root) + os.sep, ""))

    def flat(self):
        flat = {"quick": self.quick, "date": datetime.now(timezone.utc).isoformat(timespec="seconds")}
        flat |= {f"machine_{name.replace(' ', '_')}": value for name, value in machine(self.root).items()}
        for key in GOALS:
            row = self.rows.get(key)
            flat[key] = rounded(row.median) if row else None
            if row:
                flat |= {f"{key}_min": rounded(min(row.values)), f"{key}_max": rounded(max(row.values)),
                         f"{key}_repetitions": row.repetitions}
        flat |= {f"{name}_error": why for name, why in self.errors.items()}
        return flat | {key: rounded(value) for key, value in self.figures.items()}

    def _page(self):
        lines = ["# Results", "",
                 "Made by `bench/run.sh" + (" --quick" if self.quick else "") + "` on "
                 + datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC") + ". [README.md](README.md) says what"
                 " each row divides by what, and how fairness was sought.", ""]
        lines += [f"- {name}: {value}" for name, value in machine(self.root).items()]
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
    return results


def compared(now, before):
    """Lines of Markdown that say, for each row of two results.json, whether their spreads meet. Rows in seconds are no
    ratios: where they differ, they are also compared scaled with how fast the engine was on the machine then."""
    lines = [f"## Against the run of {before.get('date', 'unknown date')[:10]}", "",
             f"That was commit {before.get('machine_commit', 'unknown')}. Runs agree on a row where their spreads meet."
             f" Seconds are no ratios: where they differ, they are also compared multiplied by `{SPEED}` of their run.",
             "",
             "| key | now | then | |", "|---|---|---|---|"]
    for key in GOALS:
        pair = [_spread(results, key) for results in (now, before)]
        verdict = "not in both"
        if None not in pair:
            verdict = "agree" if _meet(*pair) else "**differ**"
            speeds_known = now.get(SPEED) and before.get(SPEED)  # not where only some steps were measured
            if key in IN_SECONDS and speeds_known and not _meet(*pair):
                scaled = [[value * results[SPEED] for value in spread] for results, spread in zip((now, before), pair)]
                verdict = "**the seconds differ**" + (", scaled they agree" if _meet(*scaled) else ", also scaled")
        lines.append(f"| `{key}` | {_shown(pair[0])} | {_shown(pair[1])} | {verdict} |")
    lines += [""] + [f"- `{key}`: {now[key]} now, {before[key]} then" for key in MACHINE_FIGURES
                     if key in now and key in before]
    return lines + [""]


def _meet(spread, other):
    return spread[1] <= other[2] and other[1] <= spread[2]


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
