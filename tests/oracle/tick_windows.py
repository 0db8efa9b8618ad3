#!/usr/bin/env python3
"""Windows by time of strategies on ticks equal a plain recomputation over the quotes and trades of the Lean files: for each
event that ran the strategy the elements are looked up by what docs/language.md says of the window, and Python's integers,
fractions and statistics say what they come to.

On trades all run the strategy; on quotes, with `every 100ms`, those that are not sooner than that behind the last one that
did. Values are told on some of them, over windows that hold all.
"""
import bisect
import collections
import fractions
import json
import pathlib
import statistics
import sys
import tempfile

import originals

S = 10**9
KEPT = 4096  # the newest elements of a window by time, on ticks
# Fewer values than these of an instrument mean that the comparison itself is broken.
VALUES_AT_LEAST = {"LEAN:IBM": 70_000, "LEAN:AIG": 190_000, "LEAN:BAC": 480_000}


def mean(values):
    return float(fractions.Fraction(sum(values), len(values) * S)) if values else None


def number(function):
    """Of prices and sizes in billionths, na of none."""
    return lambda values: function(values) / S if values else None


def share_below(values):
    return (sum(v < values[-1] for v in values) + (values.count(values[-1]) + 1) / 2) / len(values)


class Window:
    """`of` an event the value that is an element, if `where` admits it; None is none."""

    def __init__(self, text, span_ns, of, value, where=lambda _: True):
        self.text, self.span_ns, self.of, self.value, self.where = text, span_ns, of, value, where


def price(t):
    return t.price


def size(t):
    return t.size


def large(t):
    return t.size > 300 * S


def bid(q):
    return q.bid


def ask_size(q):
    return q.ask_size and q.ask_size * S


ON_TRADES = {
    "sums": Window("sum(size, 5s)", 5 * S, size, lambda v: sum(v) / S),
    "means": Window("avg(price, 90s)", 90 * S, price, mean),
    "highs": Window("max(price, 2500ms)", 2_500_000_000, price, number(max)),
    "lows": Window("min(price, 10m, where = size > 300)", 600 * S, price, number(min), large),
    "firsts": Window("first(price, 5s)", 5 * S, price, number(lambda v: v[0])),
    "lasts": Window("last(price, 5s, where = size > 300)", 5 * S, price, number(lambda v: v[-1]), large),
    "counts": Window("count(size > 300, 1s)", S, lambda t: int(large(t)), lambda v: float(sum(v))),
    "medians": Window("median(price, 20s)", 20 * S, price, number(statistics.median)),
    "ranks": Window("rank(size, 20s)", 20 * S, size, share_below),
    "long": Window("max(size, 45m)", 2700 * S, size, number(max)),
}
ON_QUOTES = {
    "bids": Window("max(bid, 3s)", 3 * S, bid, number(max)),
    "asked": Window("sum(ask_size, 3s)", 3 * S, ask_size, lambda v: sum(v) / S),
    "two": Window("count(bid > 0, 1s)", S, lambda q: None if q.bid is None else 1, lambda v: float(sum(v))),
}
EVERY = 100_000_000
TEXT = f"""\
strategy traded on trades for LEAN:IBM, LEAN:AIG, LEAN:BAC
  emit w {{ {", ".join(f"{name} = {w.text}" for name, w in ON_TRADES.items())} }} when size > 200

strategy quoted on quotes every 100ms for LEAN:IBM, LEAN:AIG, LEAN:BAC
  emit w {{ {", ".join(f"{name} = {w.text}" for name, w in ON_QUOTES.items())} }} when spread > 0 or bid_size > 5
"""


def values_of(window, events):
    """Of each event, in their order, or None for na."""
    times, values, admitted = [], [], 0  # of elements
    for event in events:
        admitted = event.event_ns - window.span_ns
        element = window.of(event) if window.where(event) else None
        if element is not None:
            times.append(event.event_ns)
            values.append(element)
        if event.event_ns - events[0].event_ns < window.span_ns:
            yield None
        else:
            yield window, values, max(bisect.bisect_right(times, admitted), len(times) - KEPT), len(times)


def rows_of(windows, events, is_told):
    """{(event_ns, n): values} of those that are told."""
    rows, numbers = {}, collections.Counter()
    for event, *found in zip(events, *(values_of(window, events) for window in windows.values()), strict=True):
        if is_told(event):
            numbers[event.event_ns] += 1
            rows[event.event_ns, numbers[event.event_ns]] = tuple(
                None if one is None else one[0].value(one[1][one[2]:one[3]]) for one in found)
    return rows


def run_by(quotes):
    """Those that run a strategy on quotes."""
    ran, last_ns = [], None
    for quote in quotes:
        if last_ns is None or quote.event_ns - last_ns >= EVERY:
            ran.append(quote)
            last_ns = quote.event_ns
    return ran


def expected(files):
    """{(strategy, instrument): rows}"""
    rows = {}
    for path in files:
        trades = [t._replace(price=originals.billionths(t.price), size=originals.billionths(t.size))
                  for t in originals.lean_trades(path)]
        trades = [t for t in trades if t.price > 0 and t.size > 0]
        quotes = list(originals.lean_quotes(path))
        if trades:
            rows["traded", trades[0].instrument] = rows_of(ON_TRADES, trades, lambda t: t.size > 200 * S)
        if quotes:
            rows["quoted", quotes[0].instrument] = rows_of(
                ON_QUOTES, run_by(quotes), lambda q: (q.bid and q.ask and q.ask > q.bid) or (q.bid_size or 0) > 5)
    return rows


def told(database):
    rows = collections.defaultdict(dict)
    for strategy, instrument, event_ns, ident, data in database.execute(
            "SELECT strategy, instrument, event_ns, id, data FROM signals WHERE action = 'emit'"):
        values = json.loads(data)
        names = ON_TRADES if strategy == "traded" else ON_QUOTES
        rows[strategy, instrument][event_ns, int(ident.rpartition("#")[2])] = tuple(values[name] for name in names)
    return rows


def same(ours, theirs):
    return originals.same(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


def main():
    data_set = originals.data_sets()[0]
    files = [path for path in data_set.files if "_spy_" not in path.name]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "windows.td").write_text(TEXT, encoding="utf-8")
        _, database = originals.run(data_set._replace(files=files), folder, strategies=[folder / "windows.td"], widths=["1m"])
        ours = told(database)
    counts, differ = collections.Counter(), 0
    wanted = expected(files)
    for (strategy, instrument), theirs in sorted(wanted.items()):
        mine, names = ours[strategy, instrument], ON_TRADES if strategy == "traded" else ON_QUOTES
        wrong = [key for key in sorted(mine.keys() | theirs.keys())
                 if key not in mine or key not in theirs or not all(map(same, mine[key], theirs[key]))]
        known = {name: sum(row[i] is not None for row in theirs.values()) for i, name in enumerate(names)}
        counts[instrument] += sum(known.values())
        differ += len(wrong)
        print(f"{instrument} on {strategy}: {len(theirs)} events told of, {len(mine)} of ours, values {known}; {len(wrong)} differ")
        for key in wrong[:3]:
            print(f"    {key}\n    ours   {mine.get(key)}\n    theirs {theirs.get(key)}")
    strangers = sum(len(rows) for key, rows in ours.items() if key not in wanted)
    differ += strangers
    short = [name for name, least in VALUES_AT_LEAST.items() if counts[name] < least]
    print(f"compared {sum(counts.values())} values, {differ} events differ, {strangers} of them of nobody's"
          + (f"; too few of {', '.join(short)}: at least {VALUES_AT_LEAST}" if short else ""))
    failed = differ > 0 or bool(short)
    return originals.ended(not failed, failed)


if __name__ == "__main__":
    sys.exit(main())
