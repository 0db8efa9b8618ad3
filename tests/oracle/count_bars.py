#!/usr/bin/env python3
"""Bars by count and by volume equal those of a loop over the venues' original files, in every row and every exact field.

The loop reads what tests/oracle/originals.py decodes, sorts it by (event time, the venue's id or line), and closes a bar
with the trade that makes it full; with the session, or the day, it begins anew.
"""
import decimal
import sys

import originals

decimal.getcontext().prec = 50
FIELDS = ["instrument", "width_ns", "start_ns", "end_ns", "open", "high", "low", "close", "volume", "notional",
          "trade_count"]
TRADES, VOLUME = 10**18, 2 * 10**18
WIDTHS = {"lean": {"7 trades": TRADES + 7, "100 trades": TRADES + 100, "5000 volume": VOLUME + 5000 * 10**8},
          "binance-collector": {"1 trades": TRADES + 1, "100 trades": TRADES + 100, "2.5 volume": VOLUME + 250_000_000}}
# Fewer rows than these in a data set mean that the comparison itself is broken.
ROWS_AT_LEAST = {("bundled Lean", "all"): 80_000, ("bundled Lean", "regular"): 80_000,
                 ("bundled Binance", "all"): 16_000, ("bundled Binance", "regular"): 16_000,
                 ("Lean of 2013-10-08", "all"): 80_000, ("Lean of 2013-10-08", "regular"): 80_000}


def text(number):
    return format(number.normalize(), "f")


class Bars:
    """Of one instrument and width."""

    def __init__(self, instrument, width):
        self.instrument, self.width = instrument, width
        self.trades, self.volume, self.day, self.next_ns = [], 0, None, 0
        self.rows = []

    def add(self, trade, day):
        if self.day is not None and day != self.day:
            self.close(self.day[1])
        self.day = day
        price, size = decimal.Decimal(trade.price), decimal.Decimal(trade.size)
        if not self.trades:
            self.start_ns, self.volume = max(trade.event_ns, self.next_ns), decimal.Decimal(0)
        self.trades.append((price, size))
        self.volume += size
        full = (len(self.trades) >= self.width - TRADES if self.width < VOLUME
                else self.volume * 10**8 >= self.width - VOLUME)
        if full:
            self.next_ns = max(trade.event_ns, self.start_ns) + 1
            self.close(self.next_ns)

    def close(self, end_ns):
        if not self.trades:
            return
        prices = [price for price, _ in self.trades]
        numbers = (prices[0], max(prices), min(prices), prices[-1], self.volume, sum(p * s for p, s in self.trades))
        self.rows.append((self.instrument, self.width, self.start_ns, end_ns, *map(text, numbers), len(prices)))
        self.trades = []


def expected(data_set, hours):
    """{(instrument, width, start): row of FIELDS}."""
    bars = {}
    trades = sorted(originals.trades(data_set), key=lambda t: (t.instrument, t.event_ns, t.order))
    for trade in trades:
        day = originals.day(data_set.format, trade.event_ns, hours)
        if day is None or float(trade.price) <= 0 or float(trade.size) <= 0:
            continue
        for width in WIDTHS[data_set.format].values():
            key = trade.instrument, width
            if key not in bars:
                bars[key] = Bars(*key)
            bars[key].add(trade, day)
    for one in bars.values():
        one.close(one.day[1])
    return {row[:3]: row for one in bars.values() for row in one.rows}


def compare(data_set, folder, hours):
    """Prints what was compared; returns the number of differences."""
    summary, database = originals.run(data_set, folder, hours, widths=WIDTHS[data_set.format])
    rows = database.execute(f"SELECT {', '.join(FIELDS)}, revision FROM bars").fetchall()
    ours = {row[:3]: row[:-1] for row in rows}
    theirs = expected(data_set, hours)
    differences = originals.differing(ours, theirs)
    for what, wrong in (("rows with one key", len(rows) - len(ours)), ("late events", summary["late"]),
                        ("revisions", sum(row[-1] for row in rows))):
        if wrong:
            differences.append((what, wrong, 0))
    originals.show(differences, 6)
    for name, width in WIDTHS[data_set.format].items():
        print(f"  {name:12} {sum(key[1] == width for key in theirs):>8}")
    print(f"{data_set.name}, hours {hours}: {len(theirs)} bars of the loop, {len(ours)} of ours, {summary['events']} events;"
          f" {len(differences)} differ")
    at_least = ROWS_AT_LEAST[data_set.name, hours]
    if len(theirs) < at_least:
        print(f"  at least {at_least} rows are expected")
        return 1
    return len(differences)


def main():
    return originals.hold_each(compare, originals.data_sets(), ("all", "regular"))


if __name__ == "__main__":
    sys.exit(main())
