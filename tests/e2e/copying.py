"""tests/e2e/copying.py - a log in which records name places of all kinds, for the tests that copy one: days of recordings
that come one by one, with outliers that are released, a strategy that is edited between them, and events that are copied
to another partition because a strategy there uses them."""
import json
import pathlib
import random
import subprocess
import time
import zipfile

import tapedeck as td

SYMBOLS = ("ibm", "spy", "aapl")
MINUTES, PARTITIONS = 30, 3
TEXT = """strategy pair on bars(1m) for LEAN:IBM, LEAN:AAPL
  use spy = LEAN:SPY
  f = sma(close, {length}) - spy.close
  buy when crossover(f, 0)
  sell when crossunder(f, 0)
"""
EXIT_CONFIG, EXIT_STOPPED = 3, 5


def day(home, number):
    """One trade a second of each symbol; in minute 5 one at 500, which is refused."""
    folder = pathlib.Path(home) / "days"
    folder.mkdir(exist_ok=True)
    for symbol in SYMBOLS:
        rng = random.Random(f"{symbol} {number}")
        lines, price = [], 1000000
        for second in range(60 * MINUTES):
            price += rng.randrange(-300, 301, 100)
            lines.append(f"{34200000 + second * 1000},{5000000 if second == 330 else price},100,P,0,0")
        with zipfile.ZipFile(folder / f"2024010{number}_{symbol}.zip", "w") as packed:
            packed.writestr(f"2024010{number}_{symbol}_Trade_Tick.csv", "\n".join(lines) + "\n")


def strategy(home, length):
    path = pathlib.Path(home) / "pair.td"
    path.write_text(TEXT.format(length=length), encoding="utf-8")
    return path


def market(home, name, length=4, extra=""):
    """The configuration of a run on the folder of that name."""
    pathlib.Path(home).mkdir(exist_ok=True)
    feeds = [f"file: {{ format: lean, path: \"{home}/days/*.zip\" }}"]
    return td.config(f"{home}/{name}.yaml", f"{home}/{name}", feeds, bars="[1s, 1m]", partitions=PARTITIONS, extra=extra,
                     strategies=[strategy(home, length)])


def history(home, name="log"):
    """Two days, a release and an edit between them. Returns the folder."""
    day(home, 2)
    words = ["--set", "log.segment=64KB"]
    first = td.run(market(home, name), *words)
    assert first["quarantined"] >= len(SYMBOLS) and first["signals"] > 0, first
    subprocess.run([td.PROGRAM, "quarantine", "release", "--reason", "outlier", "--yes", "--data", f"{home}/{name}"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    day(home, 3)
    second = td.run(market(home, name, length=6), *words)
    assert second["events"] > 0 and second["diverged"] == 0, second
    return f"{home}/{name}"


def retain(home, name, length, size):
    """What a run that has nothing to do removes."""
    idle = td.run(market(home, name, length=length), "--set", "log.segment=64KB", "--set", f"log.retain={size}")
    assert idle["events"] == 0, idle


def tell(*words, check=0, timeout=120):
    done = subprocess.run([td.PROGRAM, *map(str, words)], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=timeout)
    assert done.returncode == check, (words, done.returncode, done.stdout[-300:], done.stderr)
    return done.stdout if check == 0 else done.stderr


def copy(*words, check=0):
    """What it counted; where it is to fail, what it said."""
    said = tell("log", "copy", *words, *([] if check else ["--json"]), check=check)
    return said if check else json.loads(said)


def copy_killed(rng, longest_s, *words):
    """True: it was killed before its end."""
    process = subprocess.Popen([td.PROGRAM, "log", "copy", *map(str, words)], cwd=td.ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0, longest_s))
    alive = process.poll() is None
    td.kill(process)
    return alive


def topics(*where):
    lines = (json.loads(line) for line in tell("log", "ls", "--json", *where).splitlines())
    return sorted({line["topic"] for line in lines if not line["topic"].startswith(("_positions.", "_snapshots"))})


def records(topic, *where, without=()):
    """All of a topic, as the log shows them."""
    lines = (json.loads(line) for line in tell("log", "cat", topic, *where).splitlines())
    return [{key: value for key, value in line.items() if key not in without} for line in lines]


def same(here, there, without=(), but=()):
    """Every topic's records are equal, with all that the log keeps with them. Returns how many."""
    assert topics(*here) == topics(*there), (topics(*here), topics(*there))
    count = 0
    for topic in (name for name in topics(*here) if name not in but):
        got, wanted = (records(topic, *where, without=without) for where in (there, here))
        different = [pair for pair in zip(got, wanted) if pair[0] != pair[1]]
        assert got == wanted, (topic, len(got), len(wanted), different[:1])
        count += len(got)
    return count


def named_places(tape):
    """How many records of the tape name another one: by warming a program, by releasing."""
    values = [record["value"] for record in tape]
    return (sum(value["schema"] == "Program" and value["warm_from"] is not None for value in values),
            sum(value.get("origin") == "release" for value in values))
