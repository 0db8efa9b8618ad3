"""Reads the venues' original files with a decoder of its own, and runs the program over the same files.

Nothing here looks at anything that Tapedeck wrote but its SQLite tables: an oracle must not share our mistakes.
"""
import datetime
import decimal
import gzip
import itertools
import json
import math
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import typing
import zipfile
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TAPEDECK_BINARY", ROOT / "build/tapedeck"))
WIDTHS = {"1s": 10**9, "5s": 5 * 10**9, "1m": 60 * 10**9, "7m": 420 * 10**9, "1h": 3600 * 10**9, "1d": 86400 * 10**9}
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


class Trade(typing.NamedTuple):
    instrument: str
    event_ns: int
    order: int  # among trades of the same instant: the venue's trade id, else the line
    price: str  # decimal text
    size: str


class Quote(typing.NamedTuple):
    instrument: str
    event_ns: int
    order: int
    bid: int | None  # in 10^-9; None: nobody is on that side
    bid_size: int | None
    ask: int | None
    ask_size: int | None


class DataSet(typing.NamedTuple):
    name: str
    format: str
    files: list  # of paths


def data_sets():
    """What is bundled, and the further days where TAPEDECK_TEST_DATA has them."""
    bundled = ROOT / "examples/data"
    sets = [
        DataSet("bundled Lean", "lean", sorted((bundled / "lean").glob("*.zip"))),
        DataSet("bundled Binance", "binance-collector", sorted((bundled / "binance").glob("*.gz"))),
    ]
    further = os.environ.get("TAPEDECK_TEST_DATA")
    if further:
        lean = sorted(pathlib.Path(further).glob("lean_equity/tick/*/20131008_*.zip"))
        if lean:
            sets.append(DataSet("Lean of 2013-10-08", "lean", lean))
    return sets


def lean_midnight_ns(member):
    """Of the day that the name of a member begins with, in New York."""
    day = datetime.datetime.strptime(member.split("_")[0], "%Y%m%d").replace(tzinfo=NEW_YORK)
    return int(day.timestamp()) * 10**9


def lean_lines(path, wanted):
    """Of a file of that kind: instrument, time, number and further columns of each line; its first is ms since midnight in
    New York."""
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.namelist()
        symbol, kind = member.split("_")[1:3]
        if kind.lower() != wanted:
            return
        midnight_ns = lean_midnight_ns(member)
        with archive.open(member) as lines:
            for number, line in enumerate(lines, 1):
                ms, *columns = line.decode().split(",")
                yield f"LEAN:{symbol.upper()}", midnight_ns + int(ms) * 10**6, number, columns


def lean_trades(path):
    """Price x 10000, size, exchange, condition, suspicious."""
    for instrument, event_ns, number, (price, size, *_) in lean_lines(path, "trade"):
        whole, part = divmod(int(price), 10000)
        yield Trade(instrument, event_ns, number, f"{whole}.{part:04}", size)


def lean_quotes(path):
    """Bid x 10000, its size, ask x 10000, its size, exchange, condition, suspicious; 0 and 0: that side is empty. Lines
    that say a price without a size, the other way round, or nothing are none."""
    for *place, columns in lean_lines(path, "quote"):
        sides = list(map(int, columns[:4]))
        whole = all((price > 0) == (size > 0) for price, size in (sides[:2], sides[2:]))
        if whole and any(sides):
            bid, bid_size, ask, ask_size = (side or None for side in sides)
            yield Quote(*place, bid and bid * 10**5, bid_size, ask and ask * 10**5, ask_size)


def billionths(text):
    """Of a decimal's text, exactly."""
    number = decimal.Decimal(text).scaleb(9)
    assert number == int(number), text
    return int(number)


def binance_trades(path):
    """One `receive_ns json` a line; trades are messages of kind "trade" with their own id and time."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if '"e":"trade"' not in line:
                continue
            data = json.loads(line.split(" ", 1)[1])["data"]
            yield Trade(f"BINANCE:{data['s']}", data["T"] * 10**6, data["t"], data["p"], data["q"])


def trades(data_set):
    decode = {"lean": lean_trades, "binance-collector": binance_trades}[data_set.format]
    for path in data_set.files:
        yield from decode(path)


def day(format, event_ns, hours):
    """The exchange's day that holds the instant, or its session; None outside of that. The days of the data sets are
    plain ones of trade."""
    zone = NEW_YORK if format == "lean" else datetime.timezone.utc
    date = datetime.datetime.fromtimestamp(event_ns // 10**9, zone).date()
    opens, closes = datetime.time(), None
    if format == "lean" and hours == "regular":
        opens, closes = datetime.time(9, 30), datetime.time(16)
    next_date = date + datetime.timedelta(days=closes is None)
    start, end = (int(datetime.datetime.combine(*at, tzinfo=zone).timestamp()) * 10**9
                  for at in ((date, opens), (next_date, closes or opens)))
    return (start, end) if start <= event_ns < end else None


def run(data_set, folder, hours="all", rules="basic", strategies=(), partitions=8, widths=tuple(WIDTHS)):
    """Runs the program over the files until they end; returns its summary and the bars' database."""
    inputs = folder / "inputs"
    inputs.mkdir()
    for path in data_set.files:  # one folder for one glob; names stay unique and keep their order
        (inputs / f"{path.parent.name}-{path.name}").symlink_to(path)
    config = folder / "oracle.yaml"
    config.write_text(f"""\
feeds:
  - file: {{ format: {data_set.format}, path: "{inputs}/*", rules: {rules} }}
bars: [{", ".join(widths)}]
hours: {hours}
strategies: [{", ".join(map(str, strategies))}]
log: {{ dir: "{folder}/log", partitions: {partitions} }}
sinks:
  - sqlite: {{ file: "{folder}/market.db" }}
""", encoding="utf-8")
    done = subprocess.run([BINARY, "run", "--until-end", "--quiet", "--json", config], stdout=subprocess.PIPE,
                          check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]), sqlite3.connect(folder / "market.db")


def same(ours, theirs, rel_tol, abs_tol):
    """Of values that may be unknown."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return math.isclose(float(ours), theirs, rel_tol=rel_tol, abs_tol=abs_tol)


def differing(ours, theirs):
    """What is not the same under a key, or on one side only: the key, ours, theirs."""
    return [(key, ours.get(key), theirs.get(key))
            for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]


def show(differences, most):
    for key, ours, theirs in differences[:most]:
        print(f"  {key}\n    ours   {ours}\n    theirs {theirs}")


def ended(passed, failed, skipped=0):
    """Says the counts as scripts/count_tests.py reads them; the exit code."""
    print(f"{passed:d} passed, {failed:d} failed, {skipped:d} skipped")
    return int(failed > 0)


def hold_each(compare, sets, *choices, skipped=0):
    """compare(a set, a folder of its own, a choice of each...) says whether something is wrong; the exit code."""
    sys.stdout.reconfigure(line_buffering=True)
    failed, cases = 0, list(itertools.product(sets, *choices))
    for data_set, *chosen in cases:
        with tempfile.TemporaryDirectory() as folder:
            failed += bool(compare(data_set, pathlib.Path(folder), *chosen))
    return ended(len(cases) - failed, failed, skipped)
