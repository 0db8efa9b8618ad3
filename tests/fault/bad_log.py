#!/usr/bin/env python3
"""tests/fault/bad_log.py - a log that is damaged, foreign or out of reach: what can go on does, what cannot says why and
what helps, and a repair states what is lost.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402
from bad_input import lean, lean_zip, topic, trades  # noqa: E402

CASES = td.Cases()
case = CASES.add


def log(*words, check=0):
    done = subprocess.run([td.PROGRAM, "log", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == check, f"exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done


def recorded(home, **options):
    for symbol in ("abc", "def", "ghi", "jkl", "mno"):
        lean_zip(home, f"20131007_{symbol}_Trade_Tick", trades(20000))
    file = lean(home, sink=False, **options)
    td.run(file)
    return file


def without_outputs(data):
    for path in [*pathlib.Path(data).glob("bars-*/*"), *pathlib.Path(data).glob("snapshots/*")]:
        path.unlink()


@case
def corrupt_batch(home):
    """A byte flipped in the middle of one tape partition: it stands, the others go on; repaired, it goes on, too."""
    data, file = f"{home}/data", recorded(home)
    wanted = td.digests(data, ["bars", "tape"])
    victim = max(pathlib.Path(data).glob("tape-*/*.log"), key=lambda p: p.stat().st_size)
    name, partition = victim.parent.name, victim.parent.name.split("-")[1]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0x40
    victim.write_bytes(content)
    without_outputs(data)
    s = td.run(file, check=1)
    assert f"tapedeck log repair {name} --data {data}" in s["stderr"] and s["bars"] > 0, s
    got = td.digests(data, ["bars"])
    assert [k for k in wanted if "bars" in k and wanted[k] != got.get(k)] == [f"bars-{partition}"], got
    assert name in log("verify", "--data", data, check=1).stdout

    told = log("repair", "--dry-run", "--data", data, check=1)
    assert name in told.stderr and victim.read_bytes() == bytes(content), told
    told = json.loads(log("repair", name, "--json", "--data", data).stdout)
    kept = list(victim.parent.glob("*.damaged"))
    assert told["damaged"] == 1 and told["lost"] > 0, told
    assert len(kept) == 1 and kept[0].read_bytes() in bytes(content) and kept[0].stat().st_size == told["removed_bytes"]
    log("verify", "--data", data)
    s = td.run(file)
    assert s["lost"] == told["lost"] and s["diverged"] == 0 and f"{s['lost']} records" in s["stderr"], s
    count = td.digests(data, ["tape"])[name][0]
    assert count == wanted[name][0] - told["lost"], (count, wanted[name], told)
    return f"{name} stands (exit 1), names its repair, and goes on after it without {told['lost']} of {wanted[name][0]} records"


@case
def repair_beside_a_run(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(5000))
    file = lean(home)
    first = td.start(file, "--set", "speed=1x")
    try:
        while not list(pathlib.Path(f"{home}/data").glob("tape-*")):
            assert first.poll() is None, first.stderr.read()
        assert "another process" in log("repair", "--data", f"{home}/data", check=3).stderr
    finally:
        td.kill(first)
    log("repair", "--data", f"{home}/data")
    return "refused while a run holds the lock, done after it"


@case
def newer_folder(home):
    data, file = f"{home}/data", recorded(home)
    mark = pathlib.Path(f"{data}/FORMAT")
    assert mark.read_text(encoding="utf-8") == "tapedeck 2\n", mark.read_text(encoding="utf-8")
    before = td.digests(data)
    mark.write_text("tapedeck 7\n", encoding="utf-8")
    s = td.run(file, check=3)
    assert "form 7" in s["stderr"] and "newer tapedeck" in s["stderr"], s["stderr"]
    for words in (["ls"], ["cat", "tape"], ["verify"], ["repair"]):
        assert "form 7" in log(*words, "--data", data, check=3).stderr
    mark.unlink()  # as version 1 left it
    td.run(file)
    assert mark.read_text(encoding="utf-8") == "tapedeck 2\n" and td.digests(data) == before
    return "a later form is refused by every command, untouched; an earlier one is taken over"


@case
def read_only_folder(home):
    """Root may write everywhere, so the test becomes nobody."""
    file = recorded(home)
    user = 65534 if os.geteuid() == 0 else None
    program = shutil.copy(td.PROGRAM, f"{home}/tapedeck")
    for path in [pathlib.Path(home), *pathlib.Path(home).rglob("*")]:
        path.chmod(0o555 if path.is_dir() or path == pathlib.Path(program) else 0o444)

    def as_nobody(*words):
        return subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              user=user, cwd="/", env={"PATH": os.environ["PATH"]})

    try:
        run = as_nobody("run", "--until-end", file)
        assert run.returncode == 3 and f"{home}/data" in run.stderr and "log ls" in run.stderr, run
        assert as_nobody("log", "repair", "--data", f"{home}/data").returncode == 3
        verify = as_nobody("log", "verify", "--data", f"{home}/data")
        assert verify.returncode == 0 and "tape-0: ok" in verify.stdout, verify
    finally:
        for path in [pathlib.Path(home), *pathlib.Path(home).rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    return "run and repair are refused by name, with what still works; log verify reads it"


@case
def spans_of_time(home):
    data = f"{home}/data"
    recorded(home)
    records = [r for r in topic(data, "bars") if r["partition"] == 0]
    times = sorted({r["timestamp"] for r in records})
    middle = times[len(times) // 2]
    for words, wanted in (
        (["--from-time", str(middle)], [r for r in records if r["timestamp"] >= middle]),
        (["--to-time", str(middle)], [r for r in records if r["timestamp"] < middle]),
        (["--from-time", str(middle), "--to-time", str(middle + 1)], [r for r in records if r["timestamp"] == middle]),
        (["--from-time", "2099-01-01T00:00Z"], []),
    ):
        got = [json.loads(line) for line in log("cat", "bars", "--partition", "0", *words, "--data", data).stdout.splitlines()]
        assert got == wanted, (words, len(got), len(wanted))
    log("cat", "bars", "--from-time", "yesterday", "--data", data, check=2)
    return f"{len(records)} records cut at {len(times)} append times"


@case
def old_segments_go(home):
    data, file = f"{home}/data", recorded(home)
    td.run(file, "--set", "log.retain_time=1ms")
    starts = {}
    for line in log("ls", "--json", "--data", data).stdout.splitlines():
        row = json.loads(line)
        starts[row["topic"]] = starts.get(row["topic"], 0) + row["start"]
    assert starts["bars"] > 0 and starts["_schemas"] == 0 and starts["_programs"] == 0, starts
    return f"{starts['bars']} bars of a run before are gone by age; what others are read by is kept"


@case
def state_begins_in_the_middle(home):
    """No snapshot can be read, and retention has taken what would make the state again: said, and no divergence."""
    data = f"{home}/data"
    file = td.config(f"{home}/c.yaml", data, ["simulated: { ticks: 400000, instruments: 20 }"], bars="[1s]", sink=False)
    retained = ("--set", "log.segment=64KB", "--set", "log.retain=4MB")
    made = td.run(file, *retained)["bars"]
    for path in pathlib.Path(data).glob("snapshots/*"):
        path.write_bytes(b"of another version")
    again = td.run(file, *retained)
    assert "retention has taken the beginning" in again["stderr"], again["stderr"]
    assert again["diverged"] == again["bars"] == 0 and "differ" not in again["stderr"], again
    return f"{made} bars stay as they were made"


@case
def retention_wins_over_a_slow_sink(home):
    """Its database is another's for a while: the log goes on, lets go, and says what the sink will never get."""
    file = td.config(f"{home}/c.yaml", f"{home}/data", ["simulated: { ticks: 400000, instruments: 20 }"], bars="[1s]",
                     partitions=2)
    process = td.start(file, "--set", "speed=4000x", "--set", "serve.listen=127.0.0.1:0", "--set", "log.segment=64KB",
                       "--set", "log.retain=2MB", "--set", "log.sync_interval=20ms")
    database = pathlib.Path(f"{home}/data/market.db")

    def positions(*words, check=0):
        done = subprocess.run([td.PROGRAM, "positions", *words, "--data", f"{home}/data"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def kept_from():
        return min(int(path.stem) for path in pathlib.Path(f"{home}/data/bars-0").glob("*.log"))

    def taken():
        rows = [row for row in json.loads(positions("ls", "--json")) if row.get("reader") == "sink:sqlite"]
        return max((row["offset"] for row in rows if (row["topic"], row["partition"]) == ("bars", 0)), default=0)

    while not (database.exists() and taken() > 0):
        time.sleep(0.02)
    with td.locked(database):
        while kept_from() < taken() + 8192:  # further than the batch in hand
            time.sleep(0.05)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert err.count("went before this sink had them") == 1, err
    rows = json.loads(positions("ls", "--json"))
    lost = [row for row in rows if "lost" in row]
    assert lost and all(row["lost"] > 0 and row["from_ns"] < row["to_ns"] for row in lost), rows
    assert {(row["reader"], row["lag"]) for row in rows if "reader" in row} == {("worker", 0)}, rows
    told = subprocess.run([td.PROGRAM, "status", "--data", f"{home}/data"], stdout=subprocess.PIPE, text=True, check=True)
    assert "warning: sink sqlite lacks" in told.stdout, told.stdout
    assert f"goes on without {sum(row['lost'] for row in lost)} records" in positions("reset", "sqlite")
    assert "lacks nothing" in positions("reset", "sqlite", check=3) and "RED" not in positions("ls")
    return f"{sum(row['lost'] for row in lost)} records of {len(lost)} partitions, told once, shown until acknowledged"


if __name__ == "__main__":
    sys.exit(CASES.run())
