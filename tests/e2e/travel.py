#!/usr/bin/env python3
"""tests/e2e/travel.py - the past as it was: bars and states at random places, held to a replay to that place and to what
the log says of each output's cause and of when it became known. Trades come up to 68 s late, over three hours.
"""
import argparse
import contextlib
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tapedeck as td  # noqa: E402

HOURS, SYMBOLS, START_MS = 3, ("AAAUSDT", "BBBUSDT", "CCCUSDT"), 1723162200000  # ten past
STRATEGY = """strategy crossing on bars(1m) for BINANCE:*
  slow = sma(close, 9)
  buy when crossover(sma(close, 3), slow)
  sell when crossunder(sma(close, 3), slow)

strategy whole on bars(1m) for BINANCE:*
  buy when volume >= 60
  sell when volume < 60
"""


def tapedeck(*words, check=0):
    done = subprocess.run([td.PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stderr}"
    return done.stdout if check == 0 else done.stderr


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def record(home, dice):
    """A seeded market, one trade of each symbol a second, one of twenty late; run into home/data."""
    messages = []
    for symbol in SYMBOLS:
        price = 10000
        for n in range(HOURS * 3600):
            price += dice.randrange(-20, 21)
            at = START_MS + n * 1000 + dice.randrange(1000)
            late = dice.randrange(68_000) if dice.randrange(20) == 0 else dice.randrange(50)
            messages.append((at + late, json.dumps({"stream": f"{symbol.lower()}@trade", "data": {
                "e": "trade", "s": symbol, "t": n, "p": str(price), "q": "1", "T": at, "m": True}})))
    messages.sort(key=lambda message: message[0])
    with gzip.open(f"{home}/market.gz", "wt", compresslevel=1) as out:
        out.writelines(f"{ms}000000 {text}\n" for ms, text in messages)
    pathlib.Path(f"{home}/crossing.td").write_text(STRATEGY, encoding="utf-8")
    file = td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {home}/market.gz, rules: off }}"], bars="[10s, 1m]",
                     strategies=[f"{home}/crossing.td"], partitions=2, sink=False)
    # Hourly snapshots are written while it runs: not faster than the log is synced. Ids that come late fill gaps, and
    # their bars would be kept for it: without a horizon some are late for good.
    summary = td.run(file, "--set", "speed=5000x", "--set", "log.sync_interval=10ms", "--set", "repair_horizon=0s")
    assert summary["revised"] > 500 and summary["late"] > 0, summary


class Log:
    """What the folder holds, by the program's own export."""

    def __init__(self, data):
        self.data = data
        self.bars = lines_of(tapedeck("log", "cat", "bars", "--data", data))
        self.tape = lines_of(tapedeck("log", "cat", "tape", "--data", data))

    def instrument(self, dice):
        return "BINANCE:" + dice.choice(SYMBOLS)

    def partition(self, instrument):
        return next(record["partition"] for record in self.bars if record["key"] == instrument)

    def bars_known(self, instrument, width_ns, known, now):
        """The last revision of each bar that was known there; or of those bars the last one."""
        found, there = {}, set()
        for record in self.bars:
            bar = record["value"]
            if record["key"] != instrument or bar["width_ns"] != width_ns:
                continue
            if known(record):
                there.add(bar["start_ns"])
            if now or known(record):
                found[bar["start_ns"]] = (bar["close"], bar["trade_count"], bar["revision"], bar["known_at_ns"])
        return {start: row for start, row in found.items() if start in there}

    def offset_of(self, partition, time_ns):
        """Before the first record that became known later; there is one feed."""
        known = [(record["offset"], record["value"].get("receive_ns", record["value"].get("clock_ns", 0)))
                 for record in self.tape if record["partition"] == partition]
        return next((offset for offset, at in known if at > time_ns), known[-1][0] + 1)


def bars_are_as_known(log, dice, count):
    revised_since = 0
    for _ in range(count):
        instrument, width = log.instrument(dice), dice.choice(["10s", "1m"])
        width_ns = {"10s": 10 * 10**9, "1m": 60 * 10**9}[width]
        offset = dice.randrange(1, HOURS * 3600)
        time_ns = START_MS * 10**6 + dice.randrange(HOURS * 3600 * 10**9)
        places = [(f"@{offset}", lambda record: int(record["cause"].split("/")[3]) < offset),
                  (str(time_ns), lambda record: record["value"]["known_at_ns"] <= time_ns)]
        for (place, known), then in [(p, t) for p in places for t in ("then", "now")]:
            text = tapedeck("bars", instrument, width, "--as-of", place, "--known", then, "--limit", 100000, "--json",
                            "--data", log.data)
            ours = {bar["start_ns"]: (bar["close"], bar["trade_count"], bar["revision"], bar["known_at_ns"])
                    for bar in lines_of(text)}
            wanted = log.bars_known(instrument, width_ns, known, then == "now")
            assert ours == wanted, f"{instrument} {width} {place} known {then}: {len(ours)} bars, wanted {len(wanted)}"
            revised_since += then == "now" and ours != log.bars_known(instrument, width_ns, known, False)
    assert revised_since > count // 4, revised_since
    return f"bars: {4 * count} questions, {revised_since} places whose bars were revised later"


def states_are_those_of_a_replay(log, home, dice, count):
    bare = f"{home}/bare"
    shutil.copytree(log.data, bare, ignore=shutil.ignore_patterns("snapshots"))
    saved = digests = 0
    for turn in range(count):
        instrument = log.instrument(dice)
        partition = log.partition(instrument)
        end = max(record["offset"] for record in log.tape if record["partition"] == partition) + 1
        place, wanted = f"@{dice.randrange(end)}", None
        if turn % 2 == 1:
            time_ns = START_MS * 10**6 + dice.randrange(HOURS * 3600 * 10**9)
            place, wanted = str(time_ns), log.offset_of(partition, time_ns)
        states = [json.loads(tapedeck("state", instrument, "--as-of", place, "--json", "--data", data))
                  for data in (log.data, bare)]
        assert wanted in (None, states[0]["offset"]), (place, wanted, states[0]["offset"])
        saved += states[0].pop("snapshot_offset") > states[1].pop("snapshot_offset")
        assert states[0] == states[1], (place, states)
        digests += states[0]["widths"][1]["targets"].get("crossing") in ("0", "1")
    assert saved > count // 3 and digests > count // 2, (saved, digests)
    return f"states: {count} places, {saved} of them reached from a snapshot"


@contextlib.contextmanager
def served(file, data):
    """A function that asks a process over that log."""
    with subprocess.Popen([td.PROGRAM, "run", "--quiet", "--set", "serve.listen=127.0.0.1:0", "--set",
                           "repair_horizon=0s", file], cwd=td.ROOT) as process:
        place = pathlib.Path(data, "SERVE")

        def ask(path):
            with urllib.request.urlopen(place.read_text(encoding="utf-8").strip() + "/api/v1/" + path, timeout=30) as answer:
                return json.load(answer)

        def level():
            assert process.poll() is None, "the server has ended"
            with contextlib.suppress(OSError):
                told = ask("status")
                return told["run"] and told["run"]["lag_records"] == 0 and not told["view"]["loading"]
            return False

        try:
            td.wait_for(level, "the view", 60)
            yield ask
        finally:
            process.terminate()
            code = process.wait(30)
        assert code == 0, f"exit {code}"


def tape_of(data):
    """Per partition its records without when they were appended."""
    found = {}
    for record in lines_of(tapedeck("log", "cat", "tape", "--data", data)):
        found.setdefault(record["partition"], []).append((record["key"], record["value"]))
    return found


def all_is_as_in_a_replay_to_there(log, home, dice, count):
    """The recording is cut at a random place and played into a log of its own, which knows nothing of what came later. As of
    where the two tapes part the whole log has the same bars, signals, fills and states, by command and over the API."""
    with gzip.open(f"{home}/market.gz", "rt") as recorded:
        messages = recorded.readlines()
    whole, known = tape_of(log.data), dict.fromkeys(("bars", "signals", "fills", "later"), 0)
    for turn in range(count):
        part = f"{home}/part{turn}"
        with gzip.open(f"{part}.gz", "wt", compresslevel=1) as out:
            out.writelines(messages[:dice.randrange(len(messages) // 4, len(messages))])
        text = pathlib.Path(f"{home}/c.yaml").read_text(encoding="utf-8")
        file = pathlib.Path(f"{part}.yaml")
        file.write_text(text.replace(f"{home}/market.gz", f"{part}.gz").replace(f"{home}/data", part), encoding="utf-8")
        td.run(file, "--set", "repair_horizon=0s")
        tape = tape_of(part)
        with served(f"{home}/c.yaml", log.data) as ask, served(file, part) as ask_part:
            for name in (f"BINANCE:{symbol}" for symbol in SYMBOLS):
                p = log.partition(name)
                pairs = zip(whole[p], tape[p])
                offset = next((n for n, (one, other) in enumerate(pairs) if one != other), len(tape[p]))
                assert offset > len(tape[p]) // 2, (offset, len(tape[p]))
                place = f"@{offset}"
                states = [json.loads(tapedeck("state", name, "--as-of", place, "--json", "--data", d)) for d in (log.data, part)]
                for state in states:
                    state.pop("snapshot_offset")
                assert states[0] == states[1], (name, place, states)
                for topic in ("bars", "signals", "fills"):
                    query = f"{topic}?instrument={name}&as_of={place}&limit=5000" + ("&width=1m" if topic == "bars" else "")
                    rows = [[{**row, "appended_ms": 0} for row in asked(query)[topic]] for asked in (ask, ask_part)]
                    assert rows[0] == rows[1], (name, place, topic, len(rows[0]), len(rows[1]))
                    known[topic] += len(rows[0])
                    known["later"] += rows[0] != [{**row, "appended_ms": 0} for row in ask(query.replace(f"&as_of={place}", ""))[topic]]
    assert all(number > count for number in known.values()), known
    return f"replays to {count} places: {known}"


def windows_are_explained_as_they_were(log, dice):
    instrument = log.instrument(dice)
    partition = log.partition(instrument)
    revised = [record for record in log.bars if record["key"] == instrument and record["value"]["revision"] == 1
               and record["value"]["width_ns"] == 60 * 10**9]
    bar = revised[len(revised) // 2]
    start, cause = bar["value"]["start_ns"], int(bar["cause"].split("/")[3])

    def explain(place):
        return tapedeck("explain", "window", instrument, "1m", start, "--data", log.data, "--as-of", place)

    assert "closed: revision 0 of" in explain(f"@{cause}"), explain(f"@{cause}")
    assert "closed: revision 1 of" in explain(f"@{cause + 1}"), explain(f"@{cause + 1}")
    assert ": open, " in explain(start + 30 * 10**9), explain(start + 30 * 10**9)
    refused = tapedeck("state", instrument, "--data", log.data, "--as-of", "@99999999", check=3)
    assert f"tape-{partition} holds offsets 0 to " in refused, refused
    for wrong in ("yesterday", "@", "@-1", "@12x"):
        assert "neither a time" in tapedeck("bars", instrument, "1m", "--as-of", wrong, "--data", log.data, check=2)
    return "windows: open, closed, revised, each at its place; places that are none are named"


def keeps_so_many(log, home):
    kept = [len(list(pathlib.Path(log.data, "snapshots").glob(f"tape-{p}@*"))) for p in (0, 1)]
    assert all(HOURS - 1 <= n <= HOURS for n in kept), kept
    file = td.config(f"{home}/few.yaml", f"{home}/few",
                     [f"file: {{ format: binance-collector, path: {home}/market.gz, rules: off }}"], bars="[1s]",
                     partitions=2, sink=False)
    td.run(file, "--set", "speed=5000x", "--set", "log.sync_interval=10ms", "--set", "log.snapshots=2")
    few = [len(list(pathlib.Path(f"{home}/few", "snapshots").glob(f"tape-{p}@*"))) for p in (0, 1)]
    assert few == [2, 2], few
    return f"snapshots: {kept} hourly ones of {HOURS} hours, and never more than are to be kept"


def bars_of(data):
    """{(instrument, width, start): what each revision says but for when it was known}"""
    found = {}
    for record in lines_of(tapedeck("log", "cat", "bars", "--data", data)):
        bar = record["value"]
        said = [bar[name] for name in ("open", "high", "low", "close", "volume", "notional", "vwap", "trade_count")]
        found.setdefault((record["key"], bar["width_ns"], bar["start_ns"]), []).append(said)
    return found


def too_late_for_some(data, widths):
    """The bars of trades that came too late for a narrower one: they may still be revised."""
    found = set()
    for record in lines_of(tapedeck("log", "cat", "quarantine", "--data", data)):
        event = record["value"]
        for width in widths - set(event["missed_widths_ns"]):
            found.add((record["key"], width, event["event_ns"] // width * width))
    return found


def under_gaps(data, keys):
    """The bars that a gap lay over: they are given again when it is told and when it is filled."""
    gaps = {}
    for record in lines_of(tapedeck("log", "cat", "gaps", "--data", data)):
        gap = record["value"]
        gaps.setdefault(record["key"], []).append((gap["event_ns"], gap["to_ns"]))
    return {(name, width, start) for name, width, start in keys
            if any(first < start + width and last >= start for first, last in gaps.get(name, []))}


def replays_as_received_and_as_repaired(log, home):
    topics = [topic for topic in td.TOPICS if topic != "rejected"] + ["gaps"]
    tapedeck("replay", log.data, "--out", f"{home}/received")
    assert td.digests(f"{home}/received", topics) == td.digests(log.data, topics)
    moved = json.loads(tapedeck("replay", log.data, "--out", f"{home}/repaired", "--as-repaired", "--json"))["moved"]
    received, repaired = bars_of(log.data), bars_of(f"{home}/repaired")
    revised = [key for key, said in received.items() if len(said) > 1]
    excused = too_late_for_some(log.data, {width for _, width, _ in received})
    excused |= under_gaps(f"{home}/repaired", received)
    assert received.keys() == repaired.keys()
    assert all(said[-1] == repaired[key][-1] for key, said in received.items())
    at_once = [key for key in revised if key not in excused]
    wrong = [key for key in received if key not in excused and repaired[key] != [received[key][-1]]]
    assert not wrong and len(at_once) > 300 and moved > 1000, (wrong[:3], len(wrong), len(at_once), moved)
    corrected = [sum(record["value"]["status"] != "fresh" for record in lines_of(tapedeck("log", "cat", "signals", "--data", data)))
                 for data in (log.data, f"{home}/repaired")]
    assert corrected[0] > 20 and corrected[1] < corrected[0] // 5, corrected
    assert "a log already" in tapedeck("replay", log.data, "--out", f"{home}/received", check=3)
    assert "not both" in tapedeck("replay", log.data, "--out", "x", "--as-received", "--as-repaired", check=2)
    return (f"replays: as received equal; as repaired {moved} events moved, {len(at_once)} bars that had been revised are"
            f" right at once, {corrected[0]} corrected signals became {corrected[1]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("seed", type=int, nargs="?", default=20261121)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with td.folder() as home:
        record(home, dice)
        log = Log(f"{home}/data")
        print(bars_are_as_known(log, dice, options.places // 4))
        print(states_are_those_of_a_replay(log, home, dice, options.places))
        print(all_is_as_in_a_replay_to_there(log, home, dice, max(2, options.places // 10)))
        print(windows_are_explained_as_they_were(log, dice))
        print(replays_as_received_and_as_repaired(log, home))
        print(keeps_so_many(log, home))
    print("6 passed, 0 failed")


if __name__ == "__main__":
    main()
