#!/usr/bin/env python3
"""Books of Coinbase and Binance: at places all over recorded sessions, and at their ends, `tapedeck state` says the same
ten best levels of each side as plain dictionaries to which Python has applied the original messages.

Binance's rule is that of its documents: updates are kept until a snapshot comes, those that it has in are dropped, and
each must follow on the one before.
"""
import decimal
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

import originals

DEPTH = 10
BOOKS_AT_LEAST, LEVELS_AT_LEAST = 16, 1500
EXAMPLES = originals.ROOT / "examples/data"


class Book:
    """Sides by price; None in place of a view where it cannot be known."""

    def __init__(self):
        self.sides, self.last, self.early = None, None, []

    def begin(self, bids, asks, last=None):
        self.sides = {"bids": {}, "asks": {}}
        self.last = last
        self.put("bids", bids)
        self.put("asks", asks)
        early, self.early = self.early, []
        for update in early:
            self.update(*update)

    def put(self, side, levels):
        for price, size, *_ in levels:
            price, size = decimal.Decimal(price), decimal.Decimal(size)
            if size > 0:
                self.sides[side][price] = size
            else:
                self.sides[side].pop(price, None)

    def update(self, first, last, bids, asks):
        if self.sides is None:
            self.early.append((first, last, bids, asks))
        elif last > self.last:
            assert first <= self.last + 1, "the recording has a hole"
            self.last = last
            self.put("bids", bids)
            self.put("asks", asks)

    def view(self):
        if self.sides is None:
            return None
        best = {side: sorted(levels.items(), reverse=side == "bids")[:DEPTH] for side, levels in self.sides.items()}
        assert best["bids"][0][0] < best["asks"][0][0], "crossed"
        return best


class Model:
    """The books of a data set: each message of one, in the order of the tape, with what it made of its book."""

    def __init__(self):
        self.books, self.history = {}, {}

    def take(self, place, instrument, apply):
        book = self.books.setdefault(instrument, Book())
        apply(book)
        self.history.setdefault(instrument, []).append((place, book.view()))


def take_coinbase(model, place, m):
    instrument = f"COINBASE:{m.get('product_id')}"
    if m["type"] == "snapshot":
        model.take(place, instrument, lambda book: book.begin(m["bids"], m["asks"]))
    elif m["type"] == "l2update":
        sides = {"buy": "bids", "sell": "asks"}
        model.take(place, instrument,
                   lambda book: [book.put(sides[side], [level]) for side, *level in m["changes"]])


def take_binance(model, place, m, symbol):
    data = m.get("data", m)
    if "lastUpdateId" in data:
        model.take(place, f"BINANCE:{symbol}",
                   lambda book: book.begin(data["bids"], data["asks"], data["lastUpdateId"]))
    elif data.get("e") == "depthUpdate":
        model.take(place, f"BINANCE:{data['s']}",
                   lambda book: book.update(data["U"], data["u"], data["b"], data["a"]))


def read_collected(paths):
    model = Model()
    for index, path in enumerate(paths):
        symbol = path.name.split("_")[1].upper()
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line, text in enumerate(lines, 1):
                take_binance(model, (index, line), json.loads(text.split(" ", 1)[1]), symbol)
    return model


def read_sessions(paths):
    """Files are one tape by the time of their lines."""
    model, lines = Model(), []
    for index, path in enumerate(paths):
        url = ""
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if " <-> " in text:
                url = text.split(" ")[0]
            elif " -> " in text:
                asked, answer = text.split(" -> ", 1)
                lines.append((decimal.Decimal(answer.split(": ")[0]), index, line, asked, answer.split(": ", 1)[1]))
            elif text[:1].isdigit():
                lines.append((decimal.Decimal(text.split(": ")[0]), index, line, url, text.split(": ", 1)[1]))
    for _, index, line, url, message in sorted(lines):
        if "coinbase" in url:
            take_coinbase(model, (index, line), json.loads(message))
        elif "binance" in url and ("/depth?" in url or url.startswith("wss:")):
            asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
            take_binance(model, (index, line), json.loads(message), asked.get("symbol", [None])[0])
    return model


def offsets(log):
    """{(instrument, file, line): offset behind its last part}."""
    found = {}
    cat = subprocess.run([originals.BINARY, "log", "cat", "tape", "--data", log], stdout=subprocess.PIPE, check=True,
                         text=True)
    for record in map(json.loads, cat.stdout.splitlines()):
        if record["value"]["schema"] == "BookUpdate":
            found[record["key"], record["src"]["file"], record["src"]["line"]] = record["offset"] + 1
    return found


def ask_state(*words):
    said = subprocess.run([originals.BINARY, "state", *words], stdout=subprocess.PIPE, check=True, text=True)
    return said.stdout


def state_of(log, instrument, offset):
    book = json.loads(ask_state(instrument, "--data", log, "--json", "--as-of", f"@{offset}"))["book"]
    if not book["readable"]:
        assert book["reason"] == "waits for a snapshot", book
        return None
    return {side: [(decimal.Decimal(price), decimal.Decimal(size)) for price, size in book[side]]
            for side in ("bids", "asks")}


def compare(name, format, paths, read, each):
    """At `each` places of a book and at its end. Returns books, levels and places compared, and how many places differ."""
    books = levels = places = waiting = 0
    differ = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        summary, _ = originals.run(originals.DataSet(name, format, paths), folder)
        assert summary["rejected"] == 0, summary
        where = offsets(folder / "log")
        model = read([link.resolve() for link in sorted((folder / "inputs").iterdir())])
        for instrument, history in sorted(model.history.items()):
            books += 1
            for at in sorted({len(history) * k // each for k in range(each)} | {len(history) - 1}):
                place, theirs = history[at]
                ours = state_of(folder / "log", instrument, where[instrument, *place])
                places += 1
                waiting += theirs is None
                levels += 0 if theirs is None else sum(map(len, theirs.values()))
                if ours != theirs:
                    differ.append((instrument, place, ours, theirs))
            if ours is not None:
                lines = [tuple(" x ".join(map(str, level)) for level in pair) for pair in zip(ours["bids"], ours["asks"])]
                text = ask_state(instrument, "--data", folder / "log", "--as-of", f"@{where[instrument, *place]}")
                assert all(f"{bid} | {ask}\n" in text for bid, ask in lines), (lines, text)  # people see the same
    print(f"{name}: {books} books at {places} places, {waiting} of them before a snapshot: {levels} levels compared,"
          f" {len(differ)} places differ")
    for instrument, place, ours, theirs in differ[:3]:
        print(f"  {instrument} at {place}\n    ours   {ours}\n    theirs {theirs}")
    return books, levels, len(differ)


def main():
    sets = [("collected by Binance", "binance-collector", sorted((EXAMPLES / "binance").glob("*.gz")), read_collected,
             12),
            ("sessions of Coinbase and Binance", "cryptofeed",
             sorted(path for venue in ("COINBASE", "BINANCE") for path in (EXAMPLES / "cryptofeed").glob(f"{venue}.*")),
             read_sessions, 4)]
    books, levels, differ = map(sum, zip(*(compare(*one) for one in sets)))
    good = differ == 0 and books >= BOOKS_AT_LEAST and levels >= LEVELS_AT_LEAST
    print("1 passed" if good else "1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
