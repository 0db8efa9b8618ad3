#!/usr/bin/env python3
"""tests/oracle/pair_trade.py - what examples/strategies/ko_pep.td is said to give, by a plain loop over its table: no
streams, no windows that slide, one decision for both legs.
"""
import csv
import datetime
import math
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "strategies" / "ko_pep"
N, WIDTH, LEAST = 390, datetime.timedelta(minutes=5), 8
OWN, LEG = "NYSE:KO", "NASDAQ:PEP"


def read_closes():
    closes = {OWN: {}, LEG: {}}
    with open(FOLDER / "bars.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            closes[row["instrument"]][datetime.datetime.fromisoformat(row["time"].rstrip("Z"))] = float(row["close"])
    return closes


def slope(y, x):
    mean_y, mean_x = math.fsum(y) / N, math.fsum(x) / N
    return (math.fsum((a - mean_y) * (b - mean_x) for a, b in zip(y, x))
            / math.fsum((b - mean_x) ** 2 for b in x))


def zscore(values):
    mean = math.fsum(values) / N
    return (values[-1] - mean) / math.sqrt(math.fsum((v - mean) ** 2 for v in values) / N)


def decide(z, age, ko, target):
    """What both become, and by which rule; None: nothing happens."""
    fresh = age < datetime.timedelta(minutes=10)
    if abs(z) < 0.5 or abs(z) > 4:
        return (0, 0, "" if abs(z) < 0.5 else "stop") if ko != 0 else None
    if z > 2 and fresh and ko >= 0:
        return -1, target, ""
    if z < -2 and fresh and ko <= 0:
        return 1, -target, ""
    return None


def signals(closes):
    y, x, spread, ko, pep = [], [], [], 0, 0.0
    for start, close in closes[OWN].items():
        seen = [at for at in closes[LEG] if at <= start]
        if not seen:
            continue
        y.append(math.log(close))
        x.append(math.log(closes[LEG][seen[-1]]))
        if len(y) < N:
            continue
        b = slope(y[-N:], x[-N:])
        spread.append(y[-1] - b * x[-1])
        if len(spread) < N:
            continue
        decided = decide(zscore(spread[-N:]), start - seen[-1], ko, b)
        if decided is None:
            continue
        # A bar of the table is four trades at its begin: when this one is final, the next one's are there.
        last = closes[LEG].get(start + WIDTH, closes[LEG][seen[-1]])
        words = ("exit", "exit") if decided[0] == 0 else ("buy", "short") if decided[0] > 0 else ("short", "buy")
        end = (start + WIDTH).strftime("%Y-%m-%dT%H:%M")
        yield f"ko_pep/{OWN}/{end}#1", words[0], decided[0], close, decided[2]
        yield f"ko_pep/{OWN}/{end}#2", f"{words[1]} {LEG}", decided[1], last, decided[2]
        ko, pep = decided[:2]
    assert (ko == 0) == (pep == 0)


def main():
    wanted = list(signals(read_closes()))
    with open(FOLDER / "signals.csv", encoding="utf-8", newline="") as table:
        told = list(csv.DictReader(table))
    assert len(told) == len(wanted) >= LEAST, f"{len(told)} signals are said, {len(wanted)} come of the loop"
    for row, (name, action, target, price, reason) in zip(told, wanted):
        assert (row["id"], row["action"], row["reason"]) == (name, action, reason), (row, name, action, reason)
        assert abs(float(row["target"]) - target) < 1e-7 and float(row["price"]) == price, (row, target, price)
        assert row["status"] == "fresh", row
    assert any(row["reason"] == "stop" for row in told), "no stop is among them"
    print(f"{len(told)} signals, legs and all, are those of a plain loop")


if __name__ == "__main__":
    main()
