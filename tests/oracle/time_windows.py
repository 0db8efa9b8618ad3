#!/usr/bin/env python3
"""Windows by time equal a plain recomputation: for each bar the elements are looked up by what the documents say of the
window, and Python's fractions, statistics and numpy say what they come to. Sessions are the hours of New York by
Python's time zones, or days of UTC.

The bars are of a minute: seeded walks with holes over nights, week-ends and a change of the clocks, and those of the trades
in Lean's original files, read by tests/oracle/originals.py. tests/oracle/indicator_dump.c says what they become:
INDICATOR_DUMP names the program.
"""
import bisect
import datetime
import decimal
import fractions
import itertools
import math
import os
import random
import subprocess
import sys
import zoneinfo

import numpy
import originals

MINUTE = 60 * 10**9
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
CALENDAR = str(originals.ROOT / "calendars/us-equities.cal")
TOLERANCE = 1e-9
# Fewer comparisons than these mean that the comparison itself is broken.
VALUES_AT_LEAST, RECORDED_AT_LEAST = 400_000, 200_000
BARS_MOST = 220


class Bars:
    def __init__(self, name, calendar, rows):
        self.name, self.calendar, self.rows = name, calendar, rows  # start, then open high low close volume as text
        self.starts = [row[0] for row in rows]
        self.ends = [row[0] + MINUTE for row in rows]
        self.texts = dict(zip(("open", "high", "low", "close", "volume"), zip(*(row[1:] for row in rows)), strict=True))
        self.columns = {name: [float(text) for text in texts] for name, texts in self.texts.items()}
        self.arrays = {name: numpy.array(column) for name, column in self.columns.items()}
        self.billionths = {name: [int(decimal.Decimal(text).scaleb(9)) for text in texts] for name, texts in self.texts.items()}
        self.sessions = [self.session(end - 1) for end in self.ends]

    def session(self, ns):
        """(open, close) around the instant, or None."""
        at = datetime.datetime.fromtimestamp(ns // 10**9, NEW_YORK if self.calendar else datetime.timezone.utc)
        opens, closes = datetime.time(9, 30), datetime.time(16)
        if not self.calendar:
            start = ns - ns % (1440 * MINUTE)
            return start, start + 1440 * MINUTE
        if at.weekday() > 4 or not opens <= at.time() < closes:
            return None
        return tuple(int(at.replace(hour=t.hour, minute=t.minute, second=0).timestamp()) * 10**9
                     for t in (opens, closes))

    def elapsed(self, i):
        return math.nan if self.sessions[i] is None else self.ends[i] - self.sessions[i][0]

    def clock(self, i):
        """Minutes since midnight at the end of the bar, of the day that the bar lies in."""
        zone = NEW_YORK if self.calendar else datetime.timezone.utc
        at = datetime.datetime.fromtimestamp((self.ends[i] - MINUTE) // 10**9, zone)
        return at.hour * 60 + at.minute + 1


def walks():
    for seed, calendar in enumerate((CALENDAR, CALENDAR, "")):
        dice, price, rows = random.Random(seed), 100.0, []
        at = int(datetime.datetime(2023, 3, 9 + 2 * (seed % 2), 13, tzinfo=datetime.timezone.utc).timestamp()) * 10**9
        while len(rows) < BARS_MOST:
            gap = dice.random()
            at += MINUTE * (1 if gap < 0.9 else dice.randint(2, 40) if gap < 0.995 else dice.randint(300, 1500))
            way = [price] + [max(price + dice.gauss(0, 0.2), 1.0) for _ in range(3)]
            price = way[-1]
            rows.append([at] + [f"{p:.2f}" for p in (way[0], max(way), min(way), price)] + [f"{dice.expovariate(0.01):.3f}"])
        yield Bars(f"walk {seed}", calendar, rows)


def recorded():
    for data_set in originals.data_sets():
        if data_set.format != "lean":
            continue
        trades = sorted((t.instrument, t.event_ns, t.order, t.price, t.size) for t in originals.trades(data_set)
                        if float(t.price) > 0 and t.event_ns % (1440 * MINUTE) >= 13 * 60 * MINUTE)
        for instrument, of_one in itertools.groupby(trades, key=lambda t: t[0]):
            rows = []
            for minute, of_bar in itertools.islice(itertools.groupby(of_one, key=lambda t: t[1] // MINUTE), BARS_MOST):
                prices, sizes = zip(*((price, size) for *_, price, size in of_bar))
                by_price = sorted(prices, key=decimal.Decimal)
                rows.append([minute * MINUTE, prices[0], by_price[-1], by_price[0], prices[-1],
                             f"{sum(map(decimal.Decimal, sizes)):.8f}"])
            yield Bars(f"{data_set.name}, {instrument}", CALENDAR, rows)


# ---- which elements ----

def of_span(minutes):
    def members(bars, i, _admits):
        if bars.ends[i] - bars.starts[0] < minutes * MINUTE:
            return None
        return range(bisect.bisect_right(bars.ends, bars.ends[i] - minutes * MINUTE), i + 1)
    return members


def of_session(bars, i, _admits):
    if bars.sessions[i] is None:
        return None
    return [k for k in range(bisect.bisect_left(bars.starts, bars.sessions[i][0] - MINUTE + 1), i + 1)
            if bars.sessions[k] == bars.sessions[i]]


def of_since(condition):
    def members(bars, i, _admits):
        last = next((k for k in range(i, -1, -1) if condition(bars, k)), None)
        return None if last is None else range(last, i + 1)
    return members


def of_count(n):
    def members(bars, i, admits):
        found = [k for k in range(i + 1) if admits(bars, k)]
        return found[-n:] if len(found) >= n else None
    return members


def rises(bars, i):
    return bars.columns["close"][i] > bars.columns["open"][i]


def busy(bars, i):
    return bars.columns["volume"][i] > 200


def soon(bars, i):
    return bars.elapsed(i) <= 15 * MINUTE


def morning(bars, i):
    return 570 < bars.clock(i) <= 720


WINDOWS = [("30m", of_span(30)), ("90s", of_span(1.5)), ("2h", of_span(120)), ("session", of_session),
           ("since(close > open)", of_since(rises)), ("since(volume > 200)", of_since(busy))]
CONDITIONS = [("", lambda _bars, _i: True), (", where = close > open", rises),
              (", where = session.elapsed <= 15m", soon), (", where = time > 09:30 and time <= 12:00", morning)]


# ---- what of them ----

def exact(column, share):
    """The sum of the elements, or with `share` its mean: without rounding up to the last step."""
    def of(bars, members, _i):
        total = sum(bars.billionths[column][k] for k in members)
        return float(fractions.Fraction(total, 10**9 * (len(members) if share else 1)))
    return of


def paired(function):
    return lambda bars, members, _i: function(*(bars.arrays[c][members] for c in ("close", "volume")))


def covariance(x, y):
    return float((x - x.mean()) @ (y - y.mean())) / len(x)


def correl(x, y):
    deviation = math.sqrt(covariance(x, x) * covariance(y, y))
    return 0.0 if deviation == 0 else covariance(x, y) / deviation


def slope(y, x):
    return covariance(x, y) / covariance(x, x) if numpy.ptp(x) > 0 else math.nan


def over(column, function):
    return lambda bars, members, _i: function([bars.columns[column][k] for k in members])


def array(column, function):
    return lambda bars, members, _i: float(function(bars.arrays[column][members]))


def share_below(values):
    return (sum(v < values[-1] for v in values) + (values.count(values[-1]) + 1) / 2) / len(values)


def zscore(bars, members, i):
    """Of this bar's value, be it among the elements or not."""
    values = bars.arrays["close"][members]
    deviation = float(numpy.std(values))
    return (bars.columns["close"][i] - float(numpy.mean(values))) / deviation if deviation > 1e-12 else math.nan


# (call, needs this bar among its elements, value of no elements, tolerance's scale; None: every bit, value)
FUNCTIONS = [
    ("sum(volume, {})", False, 0.0, None, exact("volume", share=False)),
    ("avg(close, {})", False, math.nan, None, exact("close", share=True)),
    ("max(high, {})", False, math.nan, None, over("high", max)),
    ("min(low, {})", False, math.nan, None, over("low", min)),
    ("first(open, {})", False, math.nan, None, over("open", lambda v: v[0])),
    ("last(close, {})", False, math.nan, None, over("close", lambda v: v[-1])),
    ("count(close > open, {})", False, 0.0, None, lambda b, m, _i: float(sum(rises(b, k) for k in m))),
    ("if any(volume > 200, {}) then 1 else 0", False, 0.0, None, lambda b, m, _i: float(any(busy(b, k) for k in m))),
    ("if all(close > open, {}) then 1 else 0", False, 1.0, None, lambda b, m, _i: float(all(rises(b, k) for k in m))),
    ("vwap({})", False, 0.0, 1.0, paired(lambda c, v: float((c * v).sum() / v.sum()))),
    ("var(close, {})", False, math.nan, 1.0, array("close", numpy.var)),
    ("stddev(close, {})", False, math.nan, 1.0, array("close", numpy.std)),
    ("covar(close, volume, {})", False, math.nan, 1e3, paired(covariance)),
    ("correl(close, volume, {})", False, math.nan, 1.0, paired(correl)),
    ("regress(close, volume, {}).slope", False, math.nan, 1.0, paired(slope)),
    ("zscore(close, {})", False, math.nan, 1e3, zscore),
    ("median(close, {})", False, math.nan, 0.0, array("close", numpy.median)),
    ("quantile(volume, {}, 0.9)", False, math.nan, 0.0, array("volume", lambda v: numpy.quantile(v, 0.9))),
    ("rank(volume, {})", True, math.nan, 0.0, over("volume", share_below)),
]


def elements(bars, members, admits):
    """Of each bar the window's elements, or None where it has no value."""
    admitted = [admits(bars, i) for i in range(len(bars.rows))]
    windows = [members(bars, i, lambda _bars, k: admitted[k]) for i in range(len(bars.rows))]
    return [None if window is None else [k for k in window if admitted[k]] for window in windows]


def expected(bars, function, windows):
    _, needs_this, of_none, _, value = function
    values = []
    for i, found in enumerate(windows):
        if found is None or (needs_this and (not found or found[-1] != i)):
            values.append(math.nan)
        elif not found:
            values.append(of_none)
        else:
            values.append(value(bars, found, i))
    return numpy.array(values)


def ours(bars, expressions):
    done = subprocess.run([os.environ["INDICATOR_DUMP"], "--times", bars.calendar, *expressions], check=True, text=True,
                          stdout=subprocess.PIPE, input="".join(" ".join(map(str, row)) + "\n" for row in bars.rows))
    table = [[math.nan if v == "na" else float(v) for v in line.split(" ")] for line in done.stdout.splitlines()]
    return [numpy.array(column) for column in zip(*table, strict=True)]


def cases():
    for function, (window, members), (where, admits) in itertools.product(FUNCTIONS, WINDOWS, CONDITIONS):
        keeps = function[0].startswith(("median", "quantile", "rank"))
        if not (keeps and window.startswith("since")):
            yield function, window, members, where, admits
    for function, n in itertools.product(FUNCTIONS, (5, 20)):
        for where, admits in CONDITIONS[1:]:
            yield function, str(n), of_count(n), where, admits


def expression(call, window, where):
    """`where` stands behind all arguments."""
    text = call.format(window)
    end = text.index(")", text.index(window) + len(window))
    return text[:end] + where + text[end:]


def compare(bars):
    """(values compared, descriptions of what differs)"""
    todo, count, differences = list(cases()), 0, []
    mine = ours(bars, [expression(function[0], window, where) for function, window, _, where, _ in todo])
    windows = {}
    for values, (function, window, members, where, admits) in zip(mine, todo, strict=True):
        if (window, where) not in windows:
            windows[window, where] = elements(bars, members, admits)
        other = expected(bars, function, windows[window, where])
        scale = function[3]
        near = values == other
        if scale is not None:
            near |= numpy.abs(values - other) <= TOLERANCE * (numpy.abs(other) + scale)
        wrong = numpy.flatnonzero(~(near | (numpy.isnan(values) & numpy.isnan(other))))
        count += int(numpy.sum(~numpy.isnan(other)))
        if len(wrong) > 0:
            i = wrong[0]
            differences.append(f"{bars.name} {expression(function[0], window, where)}: {len(wrong)} of {len(values)}, "
                               f"first [{i}]: {values[i]!r}, recomputed {other[i]!r}")
    return count, differences


def main():
    total, of_recorded, differences = 0, 0, []
    for bars in itertools.chain(walks(), recorded()):
        count, found = compare(bars)
        print(f"{bars.name}: {len(bars.rows)} bars, {count} values, {len(found)} differences")
        total += count
        of_recorded += 0 if bars.name.startswith("walk") else count
        differences += found
    for difference in differences[:int(os.environ.get("SHOW", "20"))]:
        print(difference)
    print(f"compared {total} values, {of_recorded} of them over recorded bars")
    enough = total >= VALUES_AT_LEAST and of_recorded >= RECORDED_AT_LEAST
    if not enough:
        print(f"too few: at least {VALUES_AT_LEAST} and {RECORDED_AT_LEAST}")
    return 1 if differences or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
