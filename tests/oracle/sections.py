#!/usr/bin/env python3
"""tests/oracle/sections.py - cross-sections equal a plain loop over the recorded bars, and are the same bytes whatever
the workers and however often the process is killed.

The oracle knows of bars alone: it groups them by their end, over the instruments that a set names, and ranks them with
pandas, as rank(pct=True) and rank(ascending=False) say. It prints what it compared and fails under a stated minimum.
"""
import collections
import decimal
import json
import math
import pathlib
import random
import subprocess
import sys

import pandas

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402

INSTRUMENTS, SECONDS = 24, 100
LEAST_BARS, LEAST_TIES, LEAST_SIGNALS = 1500, 200, 50
FEED = f"simulated: {{ instruments: {INSTRUMENTS}, ticks: 30000, duration: {SECONDS}s }}"
TOLD = """rank = rank(move), place = place(move), up = breadth(close > open), mean = xavg(move), deviation = xstddev(move),
    members = members(move)"""
TEXT = f"""strategy whole on bars(1s)
  move = close - open
  emit told {{ {TOLD} }}
  r = rank(move)
  buy  when r >= 90% and place(close) > 2  note "a leader"
  sell when r < 30%
  stop 1%
strategy group on bars(1s) for SIM:* where ref.group == "odd"
  param n = 3
  move = close - close[n]
  emit told {{ {TOLD} }}
strategy wide on bars(5s) for SIM:S0001, SIM:S0002, SIM:S0003
  move = high - low
  emit told {{ {TOLD} }}
"""
SETS = {"whole": lambda i: True, "group": lambda i: i % 2 == 1, "wide": lambda i: i <= 3}
WIDTHS = {"whole": 10**9, "group": 10**9, "wide": 5 * 10**9}


def number_of(instrument):
    return int(instrument.removeprefix("SIM:S"))


def moves(strategy, bars):
    """{end: {instrument: (move or None, close > open)}}: a bar without a past has no move."""
    ends, past = collections.defaultdict(dict), collections.defaultdict(list)
    for bar in bars:
        name = bar["instrument"]
        if bar["width_ns"] != WIDTHS[strategy] or bar["revision"] != 0 or not SETS[strategy](number_of(name)):
            continue
        first, high, low, last = (decimal.Decimal(bar[k]) for k in ("open", "high", "low", "close"))
        past[name].append(last)
        move = {"whole": last - first, "wide": high - low,
                "group": last - past[name][-4] if len(past[name]) > 3 else None}[strategy]
        ends[bar["end_ns"]][name] = (move, last > first)
    return ends


def expect(members):
    """What each of them is told."""
    values = pandas.Series({name: float(move) for name, (move, _) in members.items() if move is not None}, dtype=float)
    ranks, places = values.rank(pct=True), values.rank(ascending=False)
    mean = math.fsum(values) / len(values) if len(values) else None
    deviation = math.sqrt(math.fsum((v - mean)**2 for v in values) / len(values)) if len(values) else None
    up = sum(rises for _, rises in members.values()) / len(members)
    return {name: {"rank": ranks.get(name), "place": places.get(name), "up": up, "mean": mean, "deviation": deviation,
                   "members": len(values)} for name in members}, len(values) - values.nunique()


def same(told, wanted):
    if told is None or wanted is None:
        return told is None and (wanted is None or math.isnan(wanted))
    return math.isclose(told, wanted, rel_tol=1e-12, abs_tol=1e-15)


def read(data, topic):
    lines = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], stdout=subprocess.PIPE, text=True, check=True,
                           timeout=120).stdout.splitlines()
    return [json.loads(line)["value"] for line in lines]


def hold_against_loop(data):
    bars, signals = read(data, "bars"), read(data, "signals")
    over_ns = max(bar["end_ns"] for bar in bars) - 4 * 10**9  # the last ones wait for a record behind them
    compared = ties = different = 0
    for strategy in SETS:
        told = {(s["event_ns"], s["instrument"]): json.loads(s["data"]) for s in signals
                if s["strategy"] == strategy and s["action"] == "emit"}
        assert all(s["status"] == "fresh" for s in signals if s["strategy"] == strategy), "no signal is revised"
        wanted_of = {}
        for end, members in moves(strategy, bars).items():
            wanted, equal = expect(members)
            ties += equal
            wanted_of |= {(end, name): w for name, w in wanted.items()}
        missing = [key for key in wanted_of if key not in told]
        assert all(end > over_ns for end, _ in missing), f"{strategy}: {min(missing)} was not told"
        assert set(told) <= set(wanted_of), f"{strategy}: told of no bar"
        for key, values in told.items():
            wrong = {k: (values[k], w) for k, w in wanted_of[key].items() if not same(values[k], w)}
            different += bool(wrong)
            compared += 1
            if wrong and different <= 5:
                print(f"{strategy} at {key}: told, wanted: {wrong}")
    acted = sum(s["strategy"] == "whole" and s["action"] in ("buy", "sell", "exit") for s in signals)
    print(f"{compared} cross-sections of {INSTRUMENTS} instruments compared, {ties} ties in them, {different} differences; "
          f"{acted} changes of target")
    assert different == 0 and compared >= LEAST_BARS and ties >= LEAST_TIES and acted >= LEAST_SIGNALS


def explained(data):
    """A rank is told with how many it is of, whatever else the strategy names."""
    buy = [s for s in read(data, "signals") if s["strategy"] == "whole" and s["action"] == "buy"][-1]
    sure = next(s for s in read(data, "signals") if s["strategy"] == "whole" and s["action"] == "emit" and
                (s["event_ns"], s["instrument"]) == (buy["event_ns"], buy["instrument"]))
    done = subprocess.run([td.PROGRAM, "explain", "--data", data, buy["id"]], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if "rank(move)" in line]
    assert lines and all(line.endswith(f"  of {json.loads(sure['data'])['members']:.0f}") for line in lines), done.stdout
    print("told: " + " ".join(lines[0].split()))


def configure(home):
    strategy, table = pathlib.Path(home) / "sections.td", pathlib.Path(home) / "table.csv"
    strategy.write_text(TEXT, encoding="utf-8")
    rows = [f"SIM:S{i:04},{'odd' if i % 2 else 'even'}\n" for i in range(1, INSTRUMENTS + 1)]
    table.write_text("instrument,group\n" + "".join(rows), encoding="utf-8")
    return td.config(f"{home}/c.yaml", f"{home}/data", [FEED], bars="[1s]", strategies=[strategy], sink=False,
                     extra=f"instruments: {table}\n")


def compare(name, home, wanted):
    got = td.digests(f"{home}/data")
    wrong = [topic for topic in wanted if got.get(topic) != wanted[topic]]
    assert not wrong, f"{name}: {wrong} differ"
    print(f"{name}: equal, {sum(count for count, _ in wanted.values())} records")


def killed(home, file, count, seed):
    moments = random.Random(seed)
    alive = 0
    for _ in range(count):
        process = td.start(file, "--set", "workers=2", "--set", "speed=40x")
        try:
            process.wait(timeout=moments.uniform(0.2, 1.2))
        except subprocess.TimeoutExpired:
            alive += 1
            td.kill(process)
    summary = td.run(file, "--set", "workers=8", "--set", "speed=max")
    assert summary["diverged"] == 0, summary
    return alive


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with td.folder() as one, td.folder() as eight, td.folder() as dies:
        summary = td.run(configure(one), "--set", "workers=1", "--set", "speed=max")
        assert summary["diverged"] == 0, summary
        wanted = td.digests(f"{one}/data")
        hold_against_loop(f"{one}/data")
        td.run(configure(eight), "--set", "workers=8", "--set", "speed=max")
        compare("8 workers", eight, wanted)
        alive = killed(dies, configure(dies), 5, seed)
        assert alive > 0, "the run ends before it can be killed"
        compare(f"kill -9 at {alive} moments (seed {seed})", dies, wanted)
        done = subprocess.run([td.PROGRAM, "explain", "--all", "--json", "--data", f"{dies}/data"], stdout=subprocess.PIPE,
                              text=True, check=True, timeout=120)
        told = json.loads(done.stdout)
        assert told["differences"] == 0 and told["signals"] >= LEAST_BARS, told
        print(f"made again: {told['signals']} signals")
        explained(f"{dies}/data")


if __name__ == "__main__":
    main()
