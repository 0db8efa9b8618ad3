#!/usr/bin/env python3
"""Every function of the language equals TA-Lib's of its name within 1e-9, warm-up included; what TA-Lib has not equals
numpy's. sma and sum equal Python's fractions in every bit.

The bars are seeded walks, and those of the trades in the venues' original files, read by tests/oracle/originals.py.
What they become comes from tests/oracle/indicator_dump.c: INDICATOR_DUMP names the program.
"""
import fractions
import itertools
import math
import os
import random
import subprocess
import sys
import typing

import numpy
import originals
import talib

LENGTHS = [2, 3, 14, 20, 50, 390]
TOLERANCE = 1e-9
# Fewer comparisons than these mean that the comparison itself is broken.
VALUES_AT_LEAST = {"TA-Lib": 1_000_000, "numpy": 60_000, "fractions": 100_000}
FUNCTIONS_AT_LEAST = 98
INSTRUMENTS_AT_LEAST = 3


# Fractions and percentages, whatever the price; of the others the terms are as large as prices.
RATIOS = {"RSI", "CMO", "ROC", "ROCP", "ROCR", "ROCR100", "TRIX", "ADX", "ADXR", "DX", "PLUS_DI", "MINUS_DI", "NATR",
          "WILLR", "CCI", "AROON", "AROONOSC", "MFI", "IMI", "PPO", "STOCHRSI", "STOCHF", "STOCH", "ULTOSC", "BOP"}

CANDLES = ["DOJI", "DRAGONFLYDOJI", "GRAVESTONEDOJI", "LONGLEGGEDDOJI", "TAKURI", "MARUBOZU", "CLOSINGMARUBOZU",
           "BELTHOLD", "LONGLINE", "SHORTLINE", "SPINNINGTOP", "HIGHWAVE"]


class Bars(typing.NamedTuple):
    name: str
    rows: list  # open, high, low, close, volume as decimal text

    def column(self, index):
        return numpy.array([float(row[index]) for row in self.rows])


def in_ticks(rows):
    """Prices as whole numbers of their last digit: doubles hold them, and what is equal is so for TA-Lib too."""
    places = max(len(price.rstrip("0").partition(".")[2]) for row in rows for price in row[:4])
    return [[str(int(fractions.Fraction(price) * 10**places)) for price in row[:4]] + row[4:] for row in rows]


def seeded_walks():
    """Prices of all sizes, some with long stretches that do not move."""
    for seed, (start, step, places) in enumerate([(100, 0.3, 2), (60_000, 25, 8), (0.00001, 0.0000002, 9),
                                                  (900_000_000, 1e6, 9)]):
        dice = random.Random(seed)
        price, rows = start, []
        for _ in range(1200):
            way = [price]
            for _ in range(4):
                if dice.random() < 0.9:
                    way.append(max(way[-1] + dice.gauss(0, step / 2), start / 100))
            price = way[-1]
            rows.append([f"{p:.{places}f}" for p in (way[0], max(way), min(way), price)] +
                        [f"{dice.expovariate(0.01):.{min(places, 8)}f}"])
        yield Bars(f"walk {seed}", in_ticks(rows) if places == 2 else rows)


def recorded():
    """Bars of a minute (Lean) or second (Binance) of trades in the order (event time, trade id or line)."""
    for data_set in originals.data_sets():
        width = originals.WIDTHS["1m" if data_set.format == "lean" else "1s"]
        trades = sorted((t.instrument, t.event_ns // width, t.event_ns, t.order, fractions.Fraction(t.price), t.price,
                         fractions.Fraction(t.size)) for t in originals.trades(data_set) if float(t.price) > 0)
        for instrument, of_one in itertools.groupby(trades, key=lambda t: t[0]):
            rows = []
            for _, of_bar in itertools.groupby(of_one, key=lambda t: t[1]):
                bar = list(of_bar)
                by_price = sorted(bar, key=lambda t: t[4])
                volume = f"{float(sum(t[6] for t in bar)):.8f}"
                rows.append([bar[0][5], by_price[-1][5], by_price[0][5], bar[-1][5], volume])
            yield Bars(f"{data_set.name}, {instrument}", in_ticks(rows))


def ours(bars, expressions):
    """[value or nan] by expression."""
    done = subprocess.run([os.environ["INDICATOR_DUMP"], *expressions], stdout=subprocess.PIPE, check=True, text=True,
                          input="".join(" ".join(row) + "\n" for row in bars.rows))
    table = [[math.nan if v == "na" else float(v) for v in line.split(" ")] for line in done.stdout.splitlines()]
    return {e: numpy.array(column) for e, column in zip(expressions, zip(*table, strict=True), strict=True)}


# ---- what must equal what ----

def talib_pairs(o, h, l, c, v):
    """(expression, TA-Lib's name, its values, what its terms add up from where it subtracts large ones)."""
    def bars(name, *args, fields=("",), over=(h, l, c), scale=None):
        call = f"{name.lower()}({', '.join(map(str, args))})"
        scale = (100.0 if name in RATIOS else c) if scale is None else scale
        results = getattr(talib, name)(*over, *args)
        results = results if isinstance(results, tuple) else (results,)
        for field, result in zip(fields, results, strict=True):
            yield call + field, name, result, scale

    def one(name, *args, fields=("",), scale=None, x="close", values=c):
        call = f"{name.lower()}({', '.join(map(str, (x, *args)))})"
        scale = (100.0 if name in RATIOS else c) if scale is None else scale
        results = getattr(talib, name)(values, *args)
        results = results if isinstance(results, tuple) else (results,)
        for field, result in zip(fields, results, strict=True):
            yield call + field, name, result, scale

    big = c * c  # what TA-Lib's variance is the difference of
    for n in LENGTHS:
        for name in ("SMA", "EMA", "WMA", "TRIMA", "RSI", "CMO", "MOM", "ROC", "ROCP", "ROCR", "ROCR100", "MAX", "MIN",
                     "SUM"):
            yield from one(name, n, scale=c * n if name in ("SUM", "WMA") else None)
    for n in 2, 5, 14, 30, 100:
        for name in "DEMA", "TEMA", "T3", "KAMA", "TRIX", "MIDPOINT":
            yield from one(name, n)
        for name in "LINEARREG", "LINEARREG_INTERCEPT", "LINEARREG_SLOPE", "TSF":
            yield from one(name, n, scale=c * n)
        yield from one("AVGDEV", n)
        yield from one("VAR", n, scale=big)
        for name in "ADX", "ADXR", "DX", "PLUS_DI", "MINUS_DI", "ATR", "NATR", "WILLR":
            yield from bars(name, n)
        yield from bars("CCI", n, scale=100 + c / numpy.maximum(talib.AVGDEV((h + l + c) / 3, n), c * 1e-15))
        for name in "PLUS_DM", "MINUS_DM", "AROONOSC", "MIDPRICE":
            yield from bars(name, n, over=(h, l))
        yield from bars("AROON", n, over=(h, l), fields=(".down", ".up"))
        yield from bars("MFI", n, over=(h, l, c, v))
        yield from bars("IMI", n, over=(o, c))
        yield from bars("ACCBANDS", n, fields=(".upper", ".middle", ".lower"))
    yield from one("LINEARREG_ANGLE", 14, scale=c * 14)
    for args in (12, 26, 9), (5, 34, 5), (26, 12, 9):
        yield from one("MACD", *args, fields=(".line", ".signal", ".hist"))
    yield from one("MACDFIX", 9, fields=(".line", ".signal", ".hist"))
    for args in (12, 26), (3, 10):
        yield from one("APO", *args)
        yield from one("PPO", *args)
    # A range that is only TA-Lib's rounding says nothing; the average stays off for as long as it holds such a value.
    flat = rolling(numpy.ptp, 5, talib.RSI(c, 14)) < 1e-9
    for field, values in (".k", talib.STOCHRSI(c, 14, 5, 3)[0]), (".d", talib.STOCHRSI(c, 14, 5, 3)[1]):
        off = flat | numpy.roll(flat, 1) | numpy.roll(flat, 2) if field == ".d" else flat
        yield "stochrsi(close, 14, 5, 3)" + field, "STOCHRSI", numpy.where(off, math.nan, values), 100.0
    for field, values in zip((".k", ".d"), talib.STOCH(h, l, c, 14, 3, 0, 5), strict=True):
        yield "stoch(14, 3, 5)" + field, "STOCH", values, 100.0
    yield from bars("STOCHF", 14, 3, fields=(".k", ".d"))
    yield from bars("ULTOSC", 7, 14, 28)
    yield from bars("SAR", 0.02, 0.2, over=(h, l))
    yield from bars("SAR", 0.1, 0.5, over=(h, l))
    yield from bars("TRANGE")
    yield from bars("AD", over=(h, l, c, v))
    yield from bars("ADOSC", 3, 10, over=(h, l, c, v), scale=numpy.maximum.accumulate(abs(talib.AD(h, l, c, v))))
    yield from bars("OBV", over=(c, v))
    yield from bars("BOP", over=(o, h, l, c))
    for name in "AVGPRICE", "TYPPRICE", "WCLPRICE", "MEDPRICE":
        yield from bars(name, over={"AVGPRICE": (o, h, l, c), "MEDPRICE": (h, l)}.get(name, (h, l, c)))
    for name in CANDLES if numpy.all(c == numpy.floor(c)) else []:  # elsewhere rounding decides ties
        found = getattr(talib, "CDL" + name)(o, h, l, c).astype(float)
        found[:10] = math.nan
        yield f"cdl{name.lower()}()", "CDL" + name, found, 0.0
    for name in ("CEIL", "FLOOR", "SQRT", "LN", "LOG10", "ATAN", "SIN", "COS", "TAN")[:9 if c.max() < 2**29 else 6]:
        yield from one(name, scale=numpy.abs(talib.TAN(c)) * c if name == "TAN" else 1.0)
    for name in "EXP", "SINH", "COSH", "TANH", "ASIN", "ACOS":
        yield from one(name, x="low / high", values=l / h, scale=1.0)
    for n in 5, 30, 100:
        yield f"bbands(close, {n}, 2, 1.5).upper", "BBANDS", talib.BBANDS(c, n, 2, 1.5)[0], c * 1e3
        yield f"bbands(close, {n}, 2, 1.5).middle", "BBANDS", talib.BBANDS(c, n, 2, 1.5)[1], 0.0
        yield f"bbands(close, {n}, 2, 1.5).lower", "BBANDS", talib.BBANDS(c, n, 2, 1.5)[2], c * 1e3
        least, most = talib.MINMAX(c, n)
        yield f"minmax(close, {n}).least", "MINMAX", least, 0.0
        yield f"minmax(close, {n}).most", "MINMAX", most, 0.0
        for name, sign in ("MAXINDEX", 1), ("MININDEX", -1):
            yield f"{name.lower()}(close, {n})", name, bars_ago(name, sign, n, c), 0.0
        yield f"minmaxindex(close, {n}).least", "MINMAXINDEX", bars_ago("MININDEX", -1, n, c), 0.0
    for name, symbol in ("ADD", "+"), ("SUB", "-"), ("MULT", "*"), ("DIV", "/"):
        yield f"{name.lower()}(high, low)", name, getattr(talib, name)(h, l), 0.0
        yield f"high {symbol} low", name, getattr(talib, name)(h, l), 0.0


def bars_ago(name, sign, n, c):
    """TA-Lib's index as a distance. Of equal ones ours is the newest, TA-Lib's hangs on where its scan stood."""
    theirs = numpy.arange(len(c), dtype=float) - getattr(talib, name)(c, n)
    theirs[:n - 1] = math.nan
    newest = rolling(lambda x: float(numpy.argmax(sign * x[::-1])), n, c)
    many = rolling(lambda x: float(numpy.sum(x == x[numpy.argmax(sign * x)])), n, c)
    return numpy.where(many > 1, newest, theirs)


def rolling(function, n, *columns):
    """function over each window of n; nan before the first."""
    windows = [numpy.lib.stride_tricks.sliding_window_view(column, n) for column in columns]
    values = [function(*window) for window in zip(*windows, strict=True)] if len(columns[0]) >= n else []
    return numpy.array([math.nan] * (len(columns[0]) - len(values)) + values)


def share_below(window):
    last = window[-1]
    return (numpy.sum(window < last) + (numpy.sum(window == last) + 1) / 2) / len(window)


def covariance(x, y):
    return numpy.cov(x, y, bias=True)[0, 1]


def beta(x, y):
    return 0.0 if numpy.ptp(x) == 0 else covariance(x, y) / numpy.var(x)


def correl(x, y):
    return 0.0 if numpy.ptp(x) == 0 or numpy.ptp(y) == 0 else numpy.corrcoef(x, y)[0, 1]


def numpy_pairs(o, h, l, c, v):
    """What TA-Lib has not, or computes from differences so large that its own error is greater than the tolerance."""
    for n in (20,):
        yield f"var(close, {n})", "numpy", rolling(numpy.var, n, c), 0.0
        yield f"stddev(close, {n}, 2)", "numpy", 2 * rolling(numpy.std, n, c), 0.0
        yield f"covar(close, volume, {n})", "numpy", rolling(covariance, n, c, v), c * v * 1e-4
        yield f"correl(close, volume, {n})", "numpy", rolling(correl, n, c, v), 1e-3
        returns_c, returns_h = ((x[1:] - x[:-1]) / x[:-1] for x in (c, h))
        yield f"beta(close, high, {n})", "numpy", numpy.append(math.nan, rolling(beta, n, returns_c, returns_h)), 1.0
        for q in 0.1, 0.5, 0.99:
            yield f"quantile(close, {n}, {q})", "numpy", rolling(lambda x, q=q: numpy.quantile(x, q), n, c), 0.0
        yield f"median(volume, {n})", "numpy", rolling(numpy.median, n, v), 0.0
        yield f"rank(close, {n})", "numpy", rolling(share_below, n, c), 0.0
        yield f"vwma(close, {n})", "numpy", rolling(lambda x, y: numpy.sum(x * y) / numpy.sum(y), n, c, v), 0.0
        squares = numpy.log(c[1:] / c[:-1]) ** 2
        yield f"realvol(close, {n})", "numpy", numpy.append(math.nan, numpy.sqrt(rolling(numpy.sum, n, squares))), 0.0
        yield f"rma(close, {n})", "numpy", wilder(c, n), 0.0


def wilder(x, n):
    values = [math.nan] * (n - 1) + [numpy.mean(x[:n])]
    for price in x[n:]:
        values.append((values[-1] * (n - 1) + price) / n)
    return numpy.array(values[:len(x)])


def exact(numbers, length, divisor):
    """Sums of exact numbers, each rounded once."""
    short = min(length - 1, len(numbers))
    window, values = sum(numbers[:short], fractions.Fraction(0)), [math.nan] * short
    for i in range(length - 1, len(numbers)):
        window += numbers[i]
        values.append(float(window / divisor))
        window -= numbers[i - length + 1]
    return numpy.array(values)


# ---- comparing ----

def differing(mine, other, scale, whole):
    """Where they differ: by value, or where only one has one. `scale`: as large are terms that the value may be a small
    difference of; 1e-12 of that is the rounding of doubles."""
    with numpy.errstate(invalid="ignore"):
        near = numpy.abs(mine - other) <= TOLERANCE * (numpy.abs(other) + numpy.abs(scale) * 1e-3)
    absent = numpy.isnan(other)
    return numpy.flatnonzero(~numpy.where(absent, numpy.isnan(mine) | (not whole), near | (mine == other)))


def compare(bars, counts, seen):
    """Adds to counts; returns descriptions of what differs."""
    columns = [bars.column(i) for i in range(5)]
    pairs = [*talib_pairs(*columns), *numpy_pairs(*columns)]
    for length in LENGTHS:
        for kind, divisor in ("sma", length), ("sum", 1):
            pairs.append((f"{kind}(close, {length})", "fractions",
                          exact([fractions.Fraction(row[3]) for row in bars.rows], length, divisor), None))
            pairs.append((f"{kind}(close * 1, {length})", "fractions",
                          exact([fractions.Fraction(x) for x in columns[3].tolist()], length, divisor), None))
    values = ours(bars, list(dict.fromkeys(expression for expression, *_ in pairs)))
    differences = []
    for expression, name, other, scale in pairs:
        mine = values[expression]
        of = name if name in counts else "TA-Lib"
        if scale is None:
            wrong = numpy.flatnonzero(~((mine == other) | (numpy.isnan(mine) & numpy.isnan(other))))
        else:
            # TA-Lib withholds a field until all have a value; ours come as they can
            wrong = differing(mine, other, scale, "." not in expression.rsplit(")", 1)[-1])
        counts[of] += int(numpy.sum(~numpy.isnan(other)))
        seen.add(name)
        if len(wrong) > 0:
            i = wrong[0]
            differences.append(f"{bars.name} {expression}: {len(wrong)} of {len(mine)}, first [{i}]: {mine[i]!r}, "
                               f"{of} has {other[i]!r}")
    return differences


def main():
    counts, seen, differences, instruments = {"TA-Lib": 0, "numpy": 0, "fractions": 0}, set(), [], 0
    for bars in itertools.chain(seeded_walks(), recorded()):
        found = compare(bars, counts, seen)
        instruments += not bars.name.startswith("walk")
        print(f"{bars.name}: {len(bars.rows)} bars, {len(found)} differences")
        differences += found
    for difference in differences[:int(os.environ.get("SHOW", "20"))]:
        print(difference)
    for what, count in counts.items():
        print(f"compared with {what}: {count} values")
        if count < VALUES_AT_LEAST[what]:
            differences.append(what)
            print(f"too few: at least {VALUES_AT_LEAST[what]}")
    names = seen & set(talib.get_functions())
    print(f"{len(names)} functions of TA-Lib, over {instruments} instruments")
    if len(names) < FUNCTIONS_AT_LEAST or instruments < INSTRUMENTS_AT_LEAST:
        differences.append("functions")
        print(f"too few: at least {FUNCTIONS_AT_LEAST} over {INSTRUMENTS_AT_LEAST}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
