"""tests/e2e/tapedeck.py - what the end-to-end tests share: running the program, and reading what it left behind."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TAPEDECK_BUILD", ROOT / "build"))
PROGRAM = BUILD / "tapedeck"
PUT_GAPS = BUILD / "tests" / "tools" / "put_gaps"
DIGEST = BUILD / "tests" / "tools" / "log_digest"
TOPICS = ["tape", "bars", "signals", "fills", "gaps", "actions", "quarantine", "rejected", "sections"]


class Cases(list):
    """The cases of one program, each a function of a folder of its own that returns what it saw."""

    def add(self, function):
        self.append(function)
        return function

    def run_at_once(self):
        """The same, each on a thread of its own: for those that mostly wait."""
        codes = []
        threads = [threading.Thread(target=lambda c=case: codes.append(Cases([c]).run())) for case in self]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(codes)

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


class Live:
    """Live feeds in the background, with a dashboard on a free port; leaving stops them and keeps what was said."""

    def __init__(self, folder, feeds, bars="[1s]", **variables):
        self.data, self.env = f"{folder}/data", os.environ | variables
        self.file = config(f"{folder}/live.yaml", self.data, feeds, bars=bars, partitions=2,
                           extra="serve: { listen: 127.0.0.1:0 }\n")

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, "run", "--json", "--quiet", self.file], cwd=ROOT, env=self.env,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        self.stdout, self.stderr = self.process.communicate(timeout=30)
        self.drained_s = time.monotonic() - began
        assert kind or self.process.returncode == 0, f"exit {self.process.returncode}:\n{self.stderr}"

    def read(self, *words):
        done = subprocess.run([PROGRAM, *words, "--data", self.data], stdout=subprocess.PIPE, text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def gaps(self):
        return self.read("gaps", "--json")[:-1]  # behind them, the totals

    def values(self, schema):
        """Of the tape's records of that schema, in its order, with their instruments; the run has ended or goes on."""
        return [(r["key"], r["value"]) for r in self.read("log", "cat", "tape") if r["value"]["schema"] == schema]


def called_off(session):
    """What a session called off when its run was told to end: with these messages, last of all, and a goodbye."""
    assert (session.cut, session.code) == ("left", 1000), (session.cut, session.code)
    verbs = ["unsubscribe" in message.lower() for message in session.received]
    assert verbs == sorted(verbs), session.received
    return session.received[verbs.count(False):]


def texts_of(process, data):
    """All that a run says and keeps, while it runs: what must hold no secret."""
    url = pathlib.Path(f"{data}/SERVE").read_text(encoding="utf-8").strip()
    told = [pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()]
    for path in ("/metrics", "/api/v1/status", "/readyz"):
        try:
            told.append(urllib.request.urlopen(url + path, timeout=10).read())
        except urllib.error.HTTPError as error:
            told.append(error.read())
    told += [path.read_bytes() for path in pathlib.Path(data).rglob("*") if path.is_file()]
    assert len(told) > 10, told
    return told


def wait_for(what, why, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited in vain for {why() if callable(why) else why}"
        time.sleep(0.05)


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
