"""The events: files that `tidemark generate` makes, always the same for the same size, kept between runs."""

import json
import os

from process import run, say


def generated(context, name, events, options):
    """The path of a file of so many events."""
    path = context.file(f"{name}-{events}.ndjson")
    if not os.path.exists(path):
        say(f"generating {events:,} {name} events")
        run([context.tidemark, "generate", "--events", events, *options, "--out", path + ".part"], limit=600)
        os.rename(path + ".part", path)
    return path


def web(context):
    return generated(context, "web", context.sizes.web_events, ["--visitors", "30000"])


def small(context):
    return generated(context, "small", context.sizes.other_events, ["--visitors", "30000", "--small"])


def conversations(context):
    return generated(context, "conversation", context.sizes.other_events,
                     ["--visitors", "30000", "--mix", "conversation"])


def warm(path):
    """Has the file in the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def last_json(text):
    """What a program printed as its last line."""
    return json.loads(text.strip().splitlines()[-1])
