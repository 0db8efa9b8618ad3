#!/usr/bin/env python3
"""sma and ema equal TA-Lib's within 1e-9, warm-up included; sma equals Python's fractions in every bit.

The closes are seeded walks, and the last trades per minute and second of the venues' original files, read by
tests/oracle/originals.py. What they become comes from tests/oracle/indicator_dump.c: INDICATOR_DUMP names the program.
"""
import fractions
import itertools
import math
import os
import random
import subprocess
import sys

import numpy
import talib

import originals

LENGTHS = [2, 3, 5, 10, 14, 20, 26, 50, 200, 390]
TOLERANCE = 1e-9  # absolute plus relative
# Fewer comparisons than these mean that the comparison itself is broken.
VALUES_AT_LEAST = {"TA-Lib": 300_000, "fractions": 150_000}


def seeded_walks():
    """Prices of all sizes as decimal text, some with long stretches that do not move."""
    for seed, (start, step, places) in enumerate([(100, 0.3, 2), (60_000, 25, 8), (0.00001, 0.0000002, 9),
                                                  (900_000_000, 1e6, 9)]):
        dice = random.Random(seed)
        price, closes = start, []
        for _ in range(3000):
            if dice.random() < 0.9:
                price = max(price + dice.gauss(0, step), start / 100)
            closes.append(f"{price:.{places}f}")
        yield f"walk {seed}", closes


def recorded():
    """The last trade of each minute (Lean) or second (Binance), in the order (event time, trade id or line)."""
    for data_set in originals.data_sets():
        width = originals.WIDTHS["1m" if data_set.format == "lean" else "1s"]
        last = {}
        for trade in originals.trades(data_set):
            if float(trade.price) <= 0:
                continue
            key = trade.instrument, trade.event_ns // width
            last[key] = max(last.get(key, ((), "")), ((trade.event_ns, trade.order), trade.price))
        for instrument, keys in itertools.groupby(sorted(last), key=lambda key: key[0]):
            yield f"{data_set.name}, {instrument}", [last[key][1] for key in keys]


def ours(closes):
    """{name_length: [value or None]} by the program."""
    done = subprocess.run([os.environ["INDICATOR_DUMP"], *map(str, LENGTHS)], input="\n".join(closes) + "\n",
                          stdout=subprocess.PIPE, check=True, text=True)
    values = {}
    for line in done.stdout.splitlines():
        name, _, value = line.split()
        values.setdefault(name, []).append(None if value == "na" else float(value))
    return values


def exact_sma(numbers, length):
    """Means of exact numbers, each rounded once."""
    short = min(length - 1, len(numbers))
    window, means = sum(numbers[:short], fractions.Fraction(0)), [None] * short
    for i in range(length - 1, len(numbers)):
        window += numbers[i]
        means.append(float(window / length))
        window -= numbers[i - length + 1]
    return means


def close_enough(mine, other):
    if mine is None or math.isnan(other):
        return mine is None and math.isnan(other)
    return abs(mine - other) <= TOLERANCE * (1 + abs(other))


def compare(name, closes, counts):
    """Adds to counts; returns descriptions of what differs."""
    mine, differences = ours(closes), []
    reals = numpy.array([float(close) for close in closes])
    decimals = [fractions.Fraction(close) for close in closes]
    for length in LENGTHS:
        for kind, function in ("sma", talib.SMA), ("ema", talib.EMA):
            expected = function(reals, timeperiod=length)
            for variant in f"{kind}_{length}", f"{kind}_real_{length}":
                counts["TA-Lib"] += len(closes)
                differences += [f"{name} {variant}[{i}]: {a}, TA-Lib has {b}"
                                for i, (a, b) in enumerate(zip(mine[variant], expected, strict=True))
                                if not close_enough(a, b)]
        for variant, numbers in ((f"sma_{length}", decimals),
                                 (f"sma_real_{length}", [fractions.Fraction(x) for x in reals.tolist()])):
            counts["fractions"] += len(closes)
            differences += [f"{name} {variant}[{i}]: {a!r}, exactly {b!r}"
                            for i, (a, b) in enumerate(zip(mine[variant], exact_sma(numbers, length), strict=True))
                            if a != b]
    return differences


def main():
    counts, differences = {"TA-Lib": 0, "fractions": 0}, []
    for name, closes in itertools.chain(seeded_walks(), recorded()):
        found = compare(name, closes, counts)
        print(f"{name}: {len(closes)} closes, lengths {LENGTHS}, {len(found)} differences")
        differences += found
    for difference in differences[:10]:
        print(difference)
    for what, count in counts.items():
        print(f"compared with {what}: {count} values")
        if count < VALUES_AT_LEAST[what]:
            differences.append(what)
            print(f"too few: at least {VALUES_AT_LEAST[what]}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
