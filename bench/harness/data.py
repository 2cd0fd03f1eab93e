"""The events: files that `tidemark generate` makes, the same for the same size and program, kept between runs."""

import json
import os

from process import run, say


def generated(context, name, events, options):
    """The path of a file of so many events."""
    path = context.file(f"{name}-{events}.ndjson")
    if not is_current(path, context.tidemark):
        say(f"generating {events:,} {name} events")
        part = path + ".part"
        try:
            run([context.tidemark, "generate", "--events", events, *options, "--out", part], limit=600)
            os.replace(part, path)
        finally:
            if os.path.exists(part):  # it failed, perhaps for want of disk
                os.remove(part)
    return path


def is_current(path, program):
    """A file that is older than the program may be what another generator wrote."""
    return os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(program)


def web(context):
    return generated(context, "web", context.sizes.web_events, ["--visitors", "30000"])


def warm(path):
    """Has the file in the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def last_json(text):
    """What a program printed as its last line."""
    return json.loads(text.strip().splitlines()[-1])
