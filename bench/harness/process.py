"""Starting programs: pinned to a core, with a limit on every wait, and with what they cost.

A program never outlives the harness: each is a process group of its own that is ended at the latest when the harness
ends, and by the kernel should the harness be killed.
"""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
STARTED = time.monotonic()


class Failure(Exception):
    """A step cannot go on; the message says what happened and to which command."""


def available_memory():
    """Bytes that programs which are started now can have."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def say(text):
    print(f"[{time.monotonic() - STARTED:6.0f} s] {text}", file=sys.stderr, flush=True)


@dataclass
class Finished:
    stdout: str
    stderr: str
    wall: float  # seconds


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _pinned(command, core):
    """`core`: a number, or several as taskset takes them."""
    return [str(word) for word in (command if core is None else ["taskset", "-c", str(core), *command])]


def _end_group(pid, number=signal.SIGKILL):
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def shown(command, core=None):
    """The command as one would type it."""
    words = _pinned(command, core)
    return " ".join(f"'{word}'" if " " in word or "|" in word else word for word in words)


def run(command, limit, core=None):
    """Runs a program to its end. Failure: it does not end within `limit` seconds, or not with 0."""
    words = _pinned(command, core)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
                                 preexec_fn=_die_with_parent)
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), _end_group(child.pid)))
        timer.start()
        try:
            _, status = os.waitpid(child.pid, 0)
        finally:
            timer.cancel()
            _end_group(child.pid)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        done = Finished(out.read().decode(errors="replace"), err.read().decode(errors="replace"), wall)
    if late.is_set():
        raise Failure(f"{shown(words)}: not done after {limit} s: {done.stderr[-500:]}")
    if child.returncode != 0:
        raise Failure(f"{shown(words)}: exit code {child.returncode}: {(done.stderr or done.stdout)[-1000:]}")
    return done


class Background:
    """A program beside the harness, as a context: ended when the context is."""

    def __init__(self, command, log, core=None):
        self.words = _pinned(command, core)
        self.log = log
        with open(log + ".out", "wb") as out, open(log + ".err", "wb") as err:
            # Standard input stays open as long as the harness lives: some programs end with it.
            self.child = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=out, stderr=err,
                                          start_new_session=True, preexec_fn=_die_with_parent)
        atexit.register(self._end_at_exit)

    def _end_at_exit(self):
        if self.child.poll() is None:
            _end_group(self.child.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def output(self):
        with open(self.log + ".out", encoding="utf-8", errors="replace") as file:
            return file.read()

    def errors(self):
        with open(self.log + ".err", encoding="utf-8", errors="replace") as file:
            return file.read()

    def require_running(self):
        if self.child.poll() is not None:
            raise Failure(f"{shown(self.words)}: ended with {self.child.returncode}: {self.errors()[-1000:]}")

    def cpu(self):
        """User and system time so far, in seconds, of the process itself and all its threads."""
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, limit=30):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(limit)
            except subprocess.TimeoutExpired:
                say(f"{self.words[0]}: does not listen to SIGTERM; killed")
        _end_group(self.child.pid)
        self.child.stdin.close()
        self.child.wait()


def wait_for(what, condition, limit, pause=0.1):
    """The first true value of `condition()`. Failure after `limit` seconds, saying what was waited for."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {limit} s for {what}")
        time.sleep(pause)
