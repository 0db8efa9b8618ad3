#!/usr/bin/env python3
"""tests/e2e/upgrade.py - logs that earlier versions wrote (tests/data/logs) are opened by today's: read, replayed as they
were made, and gone on with, and nothing in them changes.
"""
import json
import pathlib
import subprocess
import sys
import zipfile

import tapedeck as td

CASES = td.Cases()
LOGS = td.ROOT / "tests/data/logs"
MADE = ("tape", "bars", "signals")


def tell(home, *words, data="data"):
    done = subprocess.run([td.PROGRAM, *words, "--data", data], cwd=home, text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def records(home, topic, data="data"):
    """{(partition, offset): (key, value)}"""
    found = [json.loads(line) for line in tell(home, "log", "cat", topic, data=data).splitlines()]
    return {(r["partition"], r["offset"]): (r["key"], r["value"]) for r in found}


def check_replay(home, before):
    """The tape is the same, but that its programs are said anew where they come to stand; outputs say the same, in the
    schemas of today."""
    done = subprocess.run([td.PROGRAM, "replay", "data", "--out", "again"], cwd=home, text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    tape = records(home, "tape", "again")
    assert tape.keys() == before["tape"].keys()
    for place, (key, value) in before["tape"].items():
        program = value["schema"] == "Program"
        said = (tape[place][0], {word: tape[place][1].get(word) for word in value} if program else tape[place][1])
        assert said == (key, value), (place, value, tape[place])
        assert not program or tape[place][1]["warm_from"] is None, tape[place]
    for topic in MADE:
        again = records(home, topic, "again")
        assert again.keys() == before[topic].keys(), topic
        for place, (key, value) in before[topic].items():
            assert again[place][0] == key and value.items() <= again[place][1].items(), (topic, value, again[place])


def run(home):
    done = subprocess.run([td.PROGRAM, "run", "--until-end", "--json", "run.yaml"], cwd=home, text=True, check=False,
                          timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def another_day(home):
    """The recorded day's rows once more, under the next one's date."""
    count = 0
    for path in sorted(home.glob("20131007_*.zip")):
        symbol = path.stem.split("_")[1]
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(home / f"20131008_{symbol}.zip", "w") as new:
            text = old.read(f"20131007_{symbol}_Trade_Tick.csv")
            new.writestr(f"20131008_{symbol}_Trade_Tick.csv", text)
            count += text.count(b"\n")
    return count


def prices(home, day):
    """What a bar says that no version may say otherwise."""
    return [tuple(bar[word] for word in ("start", "open", "high", "low", "close", "volume", "trade_count"))
            for symbol in ("AIG", "IBM") for width in ("5s", "1m")
            for bar in map(json.loads, tell(home, "bars", f"LEAN:{symbol}", width, "--json", "--from", day).splitlines())]


def goes_on(archive, home):
    home = pathlib.Path(home)
    with zipfile.ZipFile(archive) as z:
        z.extractall(home)
    before = {topic: records(home, topic) for topic in MADE}
    assert all(len(before[topic]) > 10 for topic in MADE), before
    tell(home, "log", "verify")
    check_replay(home, before)

    first, said = run(home)  # nothing is new: what the log holds is passed over, its snapshots are made again
    assert (first["events"], first["bars"], first["diverged"], first["lost"]) == (0, 0, 0, 0), (first, said)
    old_rows = len(td.rows(home, "bars")), len(td.rows(home, "signals"))
    assert old_rows == (len(before["bars"]), len(before["signals"])), old_rows

    added = another_day(home)
    second, said = run(home)
    assert (second["accepted"], second["events"], second["diverged"], second["lost"]) == (added, added, 0, 0), (second, said)
    assert second["bars"] > 0 and second["signals"] > 0, second
    for topic in MADE:
        after = records(home, topic)
        assert len(after) > len(before[topic]), topic
        assert all(after[place] == was for place, was in before[topic].items()), f"{topic}: what was there has changed"
    old_day, new_day = prices(home, "2013-10-07T00:00:00Z"), prices(home, "2013-10-08T00:00:00Z")
    shifted = [("2013-10-08" + bar[0][10:], *bar[1:]) for bar in old_day if bar[0].startswith("2013-10-07")]
    assert shifted == new_day and len(new_day) > 10, "the same trades make other bars"
    return (f"{len(before['tape'])} records of the tape replayed, {second['bars']} bars and {second['signals']} signals of "
            "another day behind them")


for one in sorted(LOGS.glob("*.zip")):
    def opened(home, archive=one):
        return goes_on(archive, home)
    opened.__name__ = one.stem.replace("-", "_")
    CASES.add(opened)

if __name__ == "__main__":
    assert len(CASES) > 0
    sys.exit(CASES.run())
