#!/usr/bin/env python3
"""tests/e2e/run_live.py - `make run LIVE=local`: the venue is cut off again and again, one sees gaps open and close, a
second demo is refused, and SIGTERM ends the program with code 0 and leaves no process behind.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import tapedeck

CASES = tapedeck.Cases()
SCRIPT = tapedeck.ROOT / "scripts/run_live.sh"
DATA = tapedeck.BUILD / "live-local/data"
OPTIONS = ["--quiet", "--set", "serve.listen=127.0.0.1:0", "--set", "feeds.0.coinbase.reconnect=100ms",
           "--set", "feeds.0.coinbase.history_after=300ms"]
ENV = os.environ | {"TAPEDECK_BUILD": str(tapedeck.BUILD), "CUT_EVERY": "2", "AWAY": "0.3"}


def gaps():
    done = subprocess.run([tapedeck.PROGRAM, "gaps", "--json", "--data", DATA], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()][:-1]


def left_of(session):
    """Processes of that session: {pid: its command}."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text(encoding="utf-8").replace("\0", " ")
        except (OSError, ValueError, IndexError):
            continue  # no process, or gone by now
    return found


def left_behind(session):
    """The same, once those that were told to end had time to."""
    end = time.monotonic() + 10
    while left_of(session) and time.monotonic() < end:
        time.sleep(0.05)
    return left_of(session)


def start():
    return subprocess.Popen([SCRIPT, "local", *OPTIONS], cwd=tapedeck.ROOT, env=ENV, text=True, start_new_session=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_rest(session):
    for pid in left_of(session):
        os.kill(pid, signal.SIGKILL)


@CASES.add
def ends_before_it_has_begun(_folder):
    demo = start()
    try:
        end = time.monotonic() + 20
        while not any("coinbase.py" in command for command in left_of(demo.pid).values()):
            assert time.monotonic() < end, demo.communicate()
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=20)
        left = left_behind(demo.pid)
        assert demo.returncode != 0 and not left, (demo.returncode, left)
        return f"exit {demo.returncode}, none left"
    finally:
        kill_rest(demo.pid)


@CASES.add
def gaps_open_and_close(_folder):
    demo = start()
    try:
        seen, end = set(), time.monotonic() + 20
        while not {"open", "filled"} <= seen or len(gaps()) < 4:
            assert demo.poll() is None and time.monotonic() < end, f"{demo.poll()}, {seen}, {gaps()}"
            seen |= {gap["status"] for gap in gaps()}
            time.sleep(0.05)
        told = len(gaps())
        second = subprocess.run([SCRIPT, "local"], cwd=tapedeck.ROOT, env=ENV, stderr=subprocess.PIPE, text=True, check=False)
        assert second.returncode == 1 and "a demo is running already" in second.stderr, second
        running = left_of(demo.pid)
        assert len(running) >= 3, running  # the script, the venue, the program
        demo.send_signal(signal.SIGTERM)
        _, said = demo.communicate(timeout=20)
        left = left_behind(demo.pid)
        assert demo.returncode == 0 and not left, (demo.returncode, left, said)
        return f"{told} gaps told, {len(running)} processes, none left"
    finally:
        kill_rest(demo.pid)


if __name__ == "__main__":
    sys.exit(CASES.run())
