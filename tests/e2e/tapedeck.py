"""tests/e2e/tapedeck.py - what the end-to-end tests share: running the program, and reading what it left behind."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TAPEDECK_BUILD", ROOT / "build"))
PROGRAM = BUILD / "tapedeck"
PUT_GAPS = BUILD / "tests" / "tools" / "put_gaps"
DIGEST = BUILD / "tests" / "tools" / "log_digest"
TOPICS = ["tape", "bars", "signals", "gaps", "actions", "quarantine", "rejected"]


class Cases(list):
    """The cases of one program, each a function of a folder of its own that returns what it saw."""

    def add(self, function):
        self.append(function)
        return function

    def run(self):
        """All of them, whatever comes of each; returns the exit code."""
        failed = 0
        for test in self:
            with folder() as home:
                began = time.monotonic()
                try:
                    print(f"{test.__name__}: {test(home)} ({time.monotonic() - began:.1f} s)", flush=True)
                except Exception as error:  # the next ones still have something to say
                    failed += 1
                    print(f"{test.__name__}: FAILED: {type(error).__name__}: {error}", flush=True)
        print(f"{len(self) - failed} passed, {failed} failed")
        return 1 if failed else 0


@contextlib.contextmanager
def locked(database):
    """Another process has the sink's file to itself."""
    held = sqlite3.connect(database, isolation_level=None, timeout=10)
    try:
        held.execute("BEGIN EXCLUSIVE")
        yield
        held.execute("ROLLBACK")
    finally:
        held.close()


def folder(prefix="tapedeck-"):
    """A temporary folder as a context; it vanishes with the test."""
    return tempfile.TemporaryDirectory(prefix=prefix)


def config(path, data, feeds, bars="[1s, 5s, 1m]", strategies=(), partitions=8, sink=True, extra=""):
    """Writes a configuration and returns its path."""
    lines = ["feeds:"] + [f"  - {feed}" for feed in feeds]
    lines += [f"bars: {bars}", f"log: {{ dir: {data}, partitions: {partitions} }}"]
    if strategies:
        lines.append("strategies: [" + ", ".join(str(s) for s in strategies) + "]")
    if sink:
        lines += ["sinks:", f"  - sqlite: {{ file: {data}/market.db }}"]
    path = pathlib.Path(path)
    path.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")
    return path


def run(file, *options, check=0, timeout=600):
    """Runs to the end; returns the summary object (and checks the exit code)."""
    done = subprocess.run([PROGRAM, "run", "--until-end", "--json", *options, file], cwd=ROOT, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == check, f"exit {done.returncode}, wanted {check}:\n{done.stderr}"
    summary = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return summary | {"stderr": done.stderr}


def start(file, *options):
    """Starts a run in the background."""
    return subprocess.Popen([PROGRAM, "run", "--until-end", "--json", *options, file], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(process):
    """kill -9 of a process this test started, and of no other."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def put_gaps(data, gaps):
    """Puts rows of (instrument, feed, number, status, reason, from, to, missing, filled) into a log at rest."""
    lines = "".join(" ".join(map(str, gap)) + "\n" for gap in gaps)
    subprocess.run([PUT_GAPS, data], input=lines, text=True, check=True, timeout=60)


def digests(data, topics=TOPICS):
    """{topic-partition: (count, sha256)} of the sequences of (key, value)."""
    done = subprocess.run([DIGEST, data, *topics], stdout=subprocess.PIPE, text=True, check=True)
    return {name: (int(count), sha) for name, count, sha in (line.split() for line in done.stdout.splitlines())}


def rows(data, table):
    """All rows of a table but their place in the log, which batching and epochs may change."""
    with sqlite3.connect(f"file:{data}/market.db?mode=ro", uri=True) as db:
        columns = [c[1] for c in db.execute(f"PRAGMA table_info({table})") if not c[1].startswith("src_")]
        return sorted(db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall())
