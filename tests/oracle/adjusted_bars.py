#!/usr/bin/env python3
"""Bars in shares of later, as Python's fractions have them: from the venue's original rows and the same file of actions,
for splits alone and with dividends, as known now and as known then. Two days: the recorded one, and its rows again under
the next day's date.
"""
import csv
import datetime
import fractions
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import originals

ACTIONS = """\
date,instrument,kind,value,currency,announced
2013-10-07,AIG,split,5:1,,2013-09-01
2013-10-08,AIG,split,3:1,,2013-09-01
2013-10-09,AIG,split,1:20,,2013-09-02
2013-10-08,AIG,dividend,0.10,USD,2013-09-03
2013-10-09,AIG,dividend,0.333333333,USD,2013-10-20
2013-10-10,AIG,dividend,1.25,USD,2013-09-03
2013-10-11,AIG,split,7:3,,2013-10-09
2199-01-01,AIG,split,2:1,,2013-09-01
2013-10-08,IBM,dividend,0.95,USD,2013-09-03
2013-10-09,IBM,split,1000000:7,,2013-10-08
2013-10-10,IBM,split,1:1000000,,2013-10-10
"""
QUESTIONS = [(how, as_of, known) for how in ("split", "all")
             for as_of, known in ((None, "then"), ("2013-10-09T12:00:00Z", "then"), ("2013-10-11T12:00:00Z", "then"),
                                  ("2013-10-11T12:00:00Z", "now"))]
WIDTHS = {"1m": 60 * 10**9, "1h": 3600 * 10**9}
FIELDS = ("open", "high", "low", "close", "volume", "notional", "vwap")


def instant(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) * 10**9


def midnight(date, zone):
    return int(datetime.datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=zone).timestamp()) * 10**9


def half_even(value, places):
    """Python's round() of a fraction is half to even, and exact."""
    return fractions.Fraction(round(value * 10**places), 10**places)


def read_actions(instrument):
    """[(ex_ns, split or None, dividend or None, announced_ns)]"""
    for row in csv.DictReader(ACTIONS.splitlines()):
        if row["instrument"] != instrument:
            continue
        split = fractions.Fraction(*map(int, row["value"].split(":"))) if row["kind"] == "split" else None
        dividend = fractions.Fraction(row["value"]) if row["kind"] == "dividend" else None
        yield (midnight(row["date"], originals.NEW_YORK), split, dividend,
               midnight(row["announced"], datetime.timezone.utc))


def adjusted(bar, start_ns, actions):
    """What the actions behind the bar's begin make of (open, high, low, close, volume, notional)."""
    behind = [a for a in actions if a[0] > start_ns]
    ratio, dividends = fractions.Fraction(1), fractions.Fraction(0)
    for ex_ns, split, dividend, _ in behind:
        if split is not None:
            ratio *= split
            continue
        later = fractions.Fraction(1)
        for other in behind:
            if other[1] is not None and other[0] > ex_ns:
                later *= other[1]
        dividends += half_even(dividend / later, 9)
    *prices, volume, notional = bar
    volume = half_even(volume * ratio, 8)
    values = [half_even(price / ratio, 9) - dividends for price in prices]
    return values + [volume, notional, half_even(notional / volume, 9) - dividends]


def raw_bars(trades, width_ns):
    """{start: (open, high, low, close, volume, notional)} of trades in their order."""
    bars = {}
    for trade in trades:
        price, size = fractions.Fraction(trade.price), fractions.Fraction(trade.size)
        start = trade.event_ns - trade.event_ns % width_ns
        first, high, low, _, volume, notional = bars.get(start, (price, price, price, price, 0, 0))
        bars[start] = (first, max(high, price), min(low, price), price, volume + size, notional + price * size)
    return bars


def two_days(home, symbol):
    """The recorded day, and one of its rows under the next date."""
    path = originals.ROOT / f"examples/data/lean/20131007_{symbol}_trade.zip"
    with zipfile.ZipFile(path) as archive:
        rows = archive.read(archive.namelist()[0])
    again = home / f"20131008_{symbol}_trade.zip"
    with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"20131008_{symbol}_Trade_Tick.csv", rows)
    first = home / f"20131007_{symbol}_trade.zip"
    first.symlink_to(path)
    trades = [trade for file in (first, again) for trade in originals.lean_trades(file)]
    return sorted(trades, key=lambda t: t.event_ns)


def ours(home, instrument, width, how, as_of, known):
    """{start: [field, …]} as `tapedeck bars` tells them."""
    words = ["--adjust", how, "--known", known, "--limit", "100000", "--csv"] + (["--as-of", as_of] if as_of else [])
    done = subprocess.run([originals.BINARY, "bars", instrument, width, "--data", home / "log", *words],
                          stdout=subprocess.PIPE, check=True, text=True)
    return {int(row["start_ns"]): [fractions.Fraction(row[field]) for field in FIELDS]
            for row in csv.DictReader(done.stdout.splitlines())}


def compare(home, symbol, trades):
    compared = wrong = 0
    for width, width_ns in WIDTHS.items():
        bars = raw_bars(trades, width_ns)
        for how, as_of, known in QUESTIONS:
            at_ns = instant(as_of) if as_of else instant("2026-01-01T00:00:00Z")
            actions = [a for a in read_actions(symbol.upper())
                       if a[0] <= at_ns and (known == "now" or a[3] <= at_ns) and (how == "all" or a[1] is not None)]
            theirs = {start: adjusted(bar, start, actions) for start, bar in bars.items()}
            told = ours(home, f"LEAN:{symbol.upper()}", width, how, as_of, known)
            assert told.keys() == theirs.keys(), f"{symbol} {width}: {len(told)} bars, wanted {len(theirs)}"
            for start, values in theirs.items():
                compared += 1
                if values != told[start]:
                    wrong += 1
                    if wrong <= 5:
                        print(f"  {symbol} {width} {how} {as_of} {start}: {told[start]}, wanted {values}")
    return compared, wrong


def main():
    compared = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        (home / "actions.csv").write_text(ACTIONS, encoding="utf-8")
        trades = {symbol: two_days(home, symbol) for symbol in ("aig", "ibm")}
        config = home / "oracle.yaml"
        config.write_text(f"""\
feeds:
  - file: {{ format: lean, path: "{home}/*_trade.zip", rules: basic }}
  - file: {{ format: actions, path: "{home}/actions.csv" }}
bars: [{", ".join(WIDTHS)}]
hours: all
log: {{ dir: "{home}/log", partitions: 2 }}
sinks: []
""", encoding="utf-8")
        subprocess.run([originals.BINARY, "run", "--until-end", "--quiet", config], check=True)
        for symbol, rows in trades.items():
            more, bad = compare(home, symbol, rows)
            compared, wrong = compared + more, wrong + bad
    print(f"{compared} adjusted bars compared, {wrong} differ")
    return 1 if wrong or compared < 14000 else 0


if __name__ == "__main__":
    sys.exit(main())
