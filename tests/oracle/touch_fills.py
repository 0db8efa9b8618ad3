#!/usr/bin/env python3
"""Paper fills at the touch equal a plain loop over the quotes and trades of the Lean files: whose signal was filled, at what
instant, at which side's price, what was bought or sold and what is held then, as docs/language.md states them.

The log has a feed's events by their time, at one time quotes before trades, then by line. Strategies run on trades, so that
their signals follow from the files alone; some delays are none, some long, so that signals overtake each other.
"""
import collections
import heapq
import itertools
import pathlib
import sys
import tempfile
import typing

import originals

# Fewer than these of an instrument mean that the comparison itself is broken: signals, fills, fills of quotes that were waited for.
AT_LEAST = {"LEAN:IBM": (2_300, 1_800, 900), "LEAN:AIG": (2_400, 1_900, 900), "LEAN:BAC": (14_000, 8_000, 4_000)}
MS = 10**6
AFTER = {"at_once": 0, "soon": 250 * MS, "later": 5_000 * MS}
STRATEGY = """\
strategy {name} on trades for LEAN:IBM, LEAN:AIG, LEAN:BAC
  buy   qty 2   when price > price[1] and size > 200 and size != 300
  short qty 0.5 when price < price[1] and size > 200 and size != 300
  exit when size == 300
  fill touch{after}
"""
SIZE = 10**8


class Tick(typing.NamedTuple):
    instrument: str
    event_ns: int
    order: int
    price: int  # in 10^-9
    size: int


class Order:
    def __init__(self, signal, due_ns, target):
        self.signal, self.due_ns, self.target = signal, due_ns, target
        self.waits = False  # its side was not known when it was due


class Desk:
    """Of one strategy and instrument."""

    def __init__(self, name, instrument):
        self.name, self.instrument, self.after = name, instrument, AFTER[name]
        self.target, self.position, self.order, self.price = 0, 0, None, None
        self.numbers = collections.Counter()
        self.signals, self.fills, self.waited = 0, [], 0

    def side(self, quote):
        """What the order would get of that quote; None: it does not say."""
        if quote is None or (quote.bid and quote.ask and quote.bid > quote.ask):
            return None
        return quote.ask if self.order.target > self.position else quote.bid

    def fill(self, at_ns, price):
        order, self.order = self.order, None
        quantity, self.position = order.target - self.position, order.target
        self.waited += order.waits
        self.fills.append((*order.signal, at_ns, "buy" if quantity > 0 else "sell", abs(quantity), price, self.position))

    def see(self, event_ns, quote, is_quote):
        """An event, `quote` the one that stood before it, or itself."""
        if self.order is None or event_ns <= self.order.due_ns:
            return
        if not self.order.waits:
            price = self.side(quote[0])
            if price is not None:
                self.fill(self.order.due_ns, price)
                return
            self.order.waits = True
        if is_quote and self.side(quote[1]) is not None:
            self.fill(event_ns, self.side(quote[1]))

    def act(self, trade):
        before, self.price = self.price, trade.price
        target = self.target
        if trade.size == 300:
            target = 0
        elif before is not None and trade.size > 200:
            if trade.price > before and target <= 0:
                target = 2 * SIZE
            elif trade.price < before and target >= 0:
                target = -SIZE // 2
        if target == self.target:
            return
        self.target = target
        self.signals += 1
        self.numbers[trade.event_ns] += 1
        self.order = None
        if target != self.position:
            signal = (self.name, self.instrument, trade.event_ns, self.numbers[trade.event_ns])
            self.order = Order(signal, trade.event_ns + self.after, target)


def play(quotes, trades):
    """The desks of one instrument, its events in the order of the log."""
    desks, quote = [Desk(name, trades[0].instrument) for name in AFTER], None
    events = heapq.merge(((q.event_ns, 0, q.order, q) for q in quotes), ((t.event_ns, 1, t.order, t) for t in trades))
    for event_ns, kind, _, event in events:
        before, quote = quote, event if kind == 0 else quote
        for desk in desks:
            desk.see(event_ns, (before, quote), kind == 0)
            if kind == 1:
                desk.act(event)
    return desks


def expected(files):
    """Desks by instrument."""
    of_one = collections.defaultdict(lambda: ([], []))
    for path in files:
        for quote in originals.lean_quotes(path):
            of_one[quote.instrument][0].append(quote)
        for trade in originals.lean_trades(path):
            price, size = (originals.billionths(text) for text in (trade.price, trade.size))
            if price > 0 and size > 0:
                of_one[trade.instrument][1].append(Tick(trade.instrument, trade.event_ns, trade.order, price, size // 10**9))
    return {instrument: play(*events) for instrument, events in sorted(of_one.items())}


def told(database):
    """Fills in their order by strategy and instrument, and how many signals."""
    fills, signals = collections.defaultdict(list), collections.Counter()
    for strategy, instrument in database.execute("SELECT strategy, instrument FROM signals WHERE status = 'fresh'"):
        signals[strategy, instrument] += 1
    for ident, strategy, instrument, of_ns, event_ns, side, *numbers, kind in database.execute("""
            SELECT f.signal, s.strategy, s.instrument, s.event_ns, f.event_ns, f.side, f.quantity, f.price, f.position, f.kind
            FROM fills AS f JOIN signals AS s ON s.id = f.signal ORDER BY s.event_ns, f.signal"""):
        quantity, price, position = map(originals.billionths, numbers)
        number = int(ident.rpartition("#")[2])
        assert kind == "touch", kind
        fills[strategy, instrument].append((strategy, instrument, of_ns, number, event_ns, side, quantity // 10, price, position // 10))
    return fills, signals


def main():
    data_set = originals.data_sets()[0]
    files = [path for path in data_set.files if "_spy_" not in path.name]  # it has no quotes
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "touch.td").write_text("".join(
            STRATEGY.format(name=n, after=f" after {ns // MS}ms" if ns else "") for n, ns in AFTER.items()), encoding="utf-8")
        _, database = originals.run(data_set._replace(files=files), folder, strategies=[folder / "touch.td"], widths=["1m"])
        ours, signals = told(database)
        fills_in_all = database.execute("SELECT count(*) FROM fills").fetchone()[0]
    differ, compared, short = 0, 0, []
    for instrument, desks in expected(files).items():
        counts = (sum(d.signals for d in desks), sum(len(d.fills) for d in desks), sum(d.waited for d in desks))
        for desk in desks:
            mine, theirs = ours[desk.name, instrument], sorted(desk.fills, key=lambda f: f[2:4])
            wrong = [pair for pair in itertools.zip_longest(sorted(mine, key=lambda f: f[2:4]), theirs) if pair[0] != pair[1]]
            differ += len(wrong) + (signals[desk.name, instrument] != desk.signals)
            compared += len(theirs)
            print(f"  {instrument} {desk.name:8} {desk.signals} signals ({signals[desk.name, instrument]} of ours), {len(theirs)} fills,"
                  f" {desk.waited} waited for a side; {len(wrong)} differ")
            for mine, theirs in wrong[:3]:
                print(f"    ours   {mine}\n    theirs {theirs}")
        short += [instrument] if any(map(int.__lt__, counts, AT_LEAST[instrument])) else []
    differ += fills_in_all != compared
    print(f"{compared} fills at the touch, {fills_in_all} of ours; {differ} differ"
          + (f"; too few of {', '.join(short)}: at least {AT_LEAST}" if short else ""))
    failed = differ > 0 or bool(short)
    return originals.ended(not failed, failed)


if __name__ == "__main__":
    sys.exit(main())
