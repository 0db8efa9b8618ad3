#!/usr/bin/env python3
"""tests/fault/draining.py - SIGTERM under load: all that was received reaches the sinks, within the stated bound; a sink
that is stuck cannot hold the process, a second signal ends it at once, and the next start goes on. A service manager
hears when it is ready, that it lives, and that it stops.
"""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402

CASES = td.Cases()
case = CASES.add


def start(home, *options, env=None):
    """A seeded market without end, fast enough to keep every thread busy."""
    file = td.config(f"{home}/c.yaml", f"{home}/data", ["simulated: { ticks: 0, instruments: 200 }"], extra="speed: 100x\n")
    process = subprocess.Popen([td.PROGRAM, "run", "--json", "--log", "json", *options, file], cwd=td.ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    return process, file


def count(home, topic):
    listed = subprocess.run([td.PROGRAM, "log", "ls", "--json", "--data", f"{home}/data"], stdout=subprocess.PIPE,
                            text=True, check=True).stdout.splitlines()
    return sum(row["end"] for row in map(json.loads, listed) if row["topic"] == topic)


def wait_for_rows(home, least=1000):
    for _ in range(300):
        try:
            with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
                if db.execute("SELECT count(*) FROM bars").fetchone()[0] >= least:
                    return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.05)
    raise AssertionError("no rows came")


def stop(process, *signals, timeout=30):
    """Sends them 0.7 s apart: sooner they would be one wish; (seconds from the last to the end, exit code, what it said)."""
    for number in signals:
        process.send_signal(number)
        began = time.monotonic()
        time.sleep(0.7 if number is not signals[-1] else 0)
    out, err = process.communicate(timeout=timeout)
    return time.monotonic() - began, process.returncode, out, err


def start_again(home, file):
    """What was not drained is made good by the next start: each bar is in the sink, once."""
    process = subprocess.Popen([td.PROGRAM, "run", "--log", "json", file], cwd=td.ROOT, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    _, code, _, err = stop(process, signal.SIGTERM)
    assert code == 0 and "diverged" not in err, (code, err)
    rows = td.rows(f"{home}/data", "bars")
    assert len(rows) == len({r[:3] for r in rows}) == count(home, "bars")


@case
def under_load(home):
    process, _ = start(home)
    wait_for_rows(home)
    seconds, code, out, err = stop(process, signal.SIGTERM)
    summary = json.loads(out.splitlines()[-1])
    assert code == 0 and seconds < 10, (code, seconds, err)
    assert summary["events"] == summary["accepted"] + summary["quarantined"] + summary["duplicates"] + summary["rejected"] > 10000, summary
    assert len(td.rows(f"{home}/data", "bars")) == count(home, "bars") == summary["bars"], summary
    snapshots = list(pathlib.Path(f"{home}/data/snapshots").iterdir())
    assert len(snapshots) == 8, snapshots
    verify = subprocess.run([td.PROGRAM, "log", "verify", "--data", f"{home}/data"], stdout=subprocess.DEVNULL, check=False)
    assert verify.returncode == 0
    return f"{summary['events']} events, all {summary['bars']} bars delivered; ended {seconds:.2f} s after SIGTERM, exit 0"


@case
def with_a_stuck_sink(home):
    """Another process holds the sink's file: the drain ends when `drain` is over, with its own exit code."""
    process, file = start(home, "--set", "drain=2s")
    wait_for_rows(home)
    with td.locked(f"{home}/data/market.db"):
        time.sleep(0.5)
        seconds, code, _, err = stop(process, signal.SIGINT)
    assert code == 6 and 2 <= seconds < 7, (code, seconds, err)
    assert '"undrained"' in err, err
    assert len(td.rows(f"{home}/data", "bars")) < count(home, "bars")
    start_again(home, file)
    return f"ended {seconds:.2f} s after SIGINT, exit 6; the next start delivered the rest"


@case
def a_second_signal(home):
    process, file = start(home, "--set", "drain=1h")
    wait_for_rows(home)
    with td.locked(f"{home}/data/market.db"):
        seconds, code, _, err = stop(process, signal.SIGINT, signal.SIGTERM)
    assert code == -signal.SIGTERM and seconds < 1, (code, seconds, err)
    start_again(home, file)
    return f"ended {seconds:.3f} s after the second, killed by it; the next start held each bar once"


@case
def with_a_disk_that_never_answers(home):
    """No thread can be waited for: five seconds after `drain` the process ends as it is, and nothing is lost by it."""
    stuck = pathlib.Path(home) / "stuck"
    env = dict(os.environ, LD_PRELOAD=str(td.BUILD / "tests" / "fault" / "stuck_sync.so"), STUCK_SYNC=str(stuck))
    process, file = start(home, "--set", "drain=1s", env=env)
    wait_for_rows(home)
    stuck.touch()
    time.sleep(0.5)
    seconds, code, _, err = stop(process, signal.SIGTERM)
    assert code == 6 and 5 <= seconds < 8 and json.loads(err.splitlines()[-1])["event"] == "undrained", (code, seconds, err)
    start_again(home, file)
    return f"ended {seconds:.2f} s after SIGTERM, exit 6; the next start held each bar once"


@case
def while_the_log_is_opened(home):
    """Whoever stops a run that has not begun yet is heard, too: it ends as one that was drained."""
    stuck = pathlib.Path(home) / "stuck"
    stuck.touch()
    env = dict(os.environ, LD_PRELOAD=str(td.BUILD / "tests" / "fault" / "stuck_sync.so"), STUCK_SYNC=str(stuck))
    process, file = start(home, env=env)
    time.sleep(1)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    stuck.unlink()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and '"draining"' in err and json.loads(out)["diverged"] == 0, (process.returncode, err)
    start_again(home, file)
    return "ended as one that was drained"


@case
def told_to_the_service_manager(home):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(f"{home}/notify")
    manager.settimeout(10)
    env = dict(os.environ, NOTIFY_SOCKET=f"{home}/notify", WATCHDOG_USEC="2000000")
    process, _ = start(home, env=env)
    heard, began = [], time.monotonic()
    while time.monotonic() - began < 4:
        heard.append(manager.recv(1000).decode().splitlines()[0])
    process.send_signal(signal.SIGTERM)
    while heard[-1] != "STOPPING=1":
        heard.append(manager.recv(1000).decode().splitlines()[0])
    process.communicate(timeout=30)
    manager.close()
    assert process.returncode == 0 and heard[0] == "READY=1" and heard.count("READY=1") == 1, heard
    assert 3 <= heard.count("WATCHDOG=1") <= 8, heard
    return f"{heard[0]}, {heard.count('WATCHDOG=1')} signs of life in 4 s, {heard[-1]}"


if __name__ == "__main__":
    sys.exit(CASES.run())
