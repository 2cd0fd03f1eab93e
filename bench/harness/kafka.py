"""A real Kafka, topics, and `tidemark run` on them. The broker has a core of its own where there are two."""

import json
import os
import re
import shutil
import urllib.error
import urllib.request

from data import last_json
from process import Background, Failure, run, say, wait_for

START_LIMIT = 400  # seconds; the broker tries three times
PARTITIONS = 4


class Broker:
    """As a context: a broker with an empty log, in a directory of its own or in `log`."""

    def __init__(self, context, name, log=None):
        self.context = context
        self.directory = context.file(name)
        self.log = log or self.directory + "/kafka"

    def __enter__(self):
        self._remove_log()
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        say("starting Kafka")
        self.process = Background([self.context.program("bench/broker_bench"), self.log],
                                  self.directory + "/broker", core=self.context.cores[1])
        try:
            self.address = wait_for("Kafka to start", self._address, START_LIMIT)
        except Failure:
            self.process.stop()
            self._remove_log()
            raise
        return self

    def __exit__(self, *_):
        self.process.stop(limit=60)
        self._remove_log()

    def _remove_log(self):
        shutil.rmtree(self.log, ignore_errors=True)

    def _address(self):
        self.process.require_running()
        return self.process.output().strip()

    def settings(self, **more):
        """As flags of tidemark."""
        values = {"kafka.brokers": self.address, "kafka.partitions": PARTITIONS, **more}
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]

    def create_topics(self, group, sessions_topic):
        run([self.context.tidemark, "topics", "--create",
             *self.settings(**{"kafka.group": group, "kafka.sessions_topic": sessions_topic})], limit=60)

    def write(self, events, options):
        run([self.context.tidemark, "generate", "--events", events, *options, *self.settings()], limit=900)

    def count(self, topic):
        """Sessions, and events in them, that a read-committed consumer sees."""
        return last_json(run([self.context.program("bench/topic_count_bench"), self.address, topic, PARTITIONS],
                             limit=300).stdout)


class TidemarkRun(Background):
    """`tidemark run` with one shard, on the first core."""

    def __init__(self, broker, group, sessions_topic, **more):
        context = broker.context
        settings = broker.settings(**{
            "kafka.group": group, "kafka.sessions_topic": sessions_topic, "kafka.instance_id": "bench",
            "kafka.shards": 1, "http.address": "127.0.0.1", "http.port": 0, "log.format": "json", **more})
        super().__init__([context.tidemark, "run", *settings], f"{broker.directory}/{group}", core=context.cores[0])
        try:
            self.url = wait_for("tidemark run to listen", self._url, 60)
        except Failure:
            self.stop()
            raise

    def _url(self):
        self.require_running()
        for line in self.errors().splitlines():
            if line.startswith("{") and json.loads(line).get("code") == "running":
                return json.loads(line)["http"]
        return None

    def metric(self, name):
        """The sum of a metric's samples."""
        self.require_running()
        try:
            with urllib.request.urlopen(self.url + "/metrics", timeout=10) as page:
                text = page.read().decode()
        except (OSError, urllib.error.URLError):
            return 0.0
        return sum(float(value) for value in re.findall(rf"^tidemark_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
