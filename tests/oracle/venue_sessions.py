#!/usr/bin/env python3
"""Recorded sessions of four venues: what is on the tape equals what Python's json and decimal read from the originals.

Each trade, quote and part of a book is compared in full, with the file, line and part of its message, and what was left
out by its count. Sessions in TAPEDECK_TEST_DATA are read behind those that come along.
"""
import collections
import datetime
import decimal
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

import originals

EVENTS_AT_LEAST, VENUES = 9900, {"COINBASE", "BINANCE", "BITSTAMP", "KRAKEN"}
HOSTS = {"coinbase.com": "COINBASE", "binance.com": "BINANCE", "bitstamp.net": "BITSTAMP", "kraken.com": "KRAKEN"}
LEVELS_MAX = 128  # of one event
UPSIDE_DOWN = {"buy": "sell", "sell": "buy"}
decimal.getcontext().prec = 60


def number(text, places):
    return decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-places), rounding=decimal.ROUND_HALF_EVEN)


def seconds_ns(text):
    return int(decimal.Decimal(text) * 10**9)


def rfc3339_ns(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def trade(symbol, event_ns, price, size, side, trade_id):
    return "Trade", symbol, event_ns, number(price, 9), number(size, 8), side, trade_id


def quote(symbol, event_ns, bid, ask, sequence):
    both = [(number(price, 9), number(size, 8)) for price, size in (bid, ask)]
    return "Quote", symbol, event_ns, *[(None, None) if side == (0, 0) else side for side in both], sequence


def book(symbol, event_ns, numbers, snapshot, levels):
    """A message of many levels is several events; the first of them begins the book anew."""
    levels = [(side, number(price, 9), number(size, 8)) for side, price, size, *_ in levels]
    parts = [levels[at:at + LEVELS_MAX] for at in range(0, len(levels), LEVELS_MAX)] or [[]]
    for at, part in enumerate(parts):
        yield "Book", symbol, event_ns, *numbers, snapshot and at == 0, at + 1 < len(parts), part


def sides(bids, asks):
    return [("bid", *level) for level in bids] + [("ask", *level) for level in asks]


def coinbase(message, received_ns, _url):
    if message["type"] == "match":
        yield trade(message["product_id"], rfc3339_ns(message["time"]), message["price"], message["size"],
                    UPSIDE_DOWN[message["side"]], message["trade_id"])
    elif message["type"] == "ticker" and "best_bid_size" in message:
        yield quote(message["product_id"], rfc3339_ns(message["time"]),
                    (message["best_bid"], message["best_bid_size"]), (message["best_ask"], message["best_ask_size"]),
                    message["sequence"])
    elif message["type"] in ("snapshot", "l2update"):
        snapshot = message["type"] == "snapshot"
        time_ns = rfc3339_ns(message["time"]) if "time" in message else received_ns
        levels = (sides(message["bids"], message["asks"]) if snapshot else
                  [({"buy": "bid", "sell": "ask"}[side], *rest) for side, *rest in message["changes"]])
        yield from book(message["product_id"], time_ns, (None, None), snapshot, levels)


def binance(message, received_ns, url):
    if "lastUpdateId" in message and "symbol=" in url:
        symbol = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["symbol"][0]
        yield from book(symbol, received_ns, (None, message["lastUpdateId"]), True,
                        sides(message["bids"], message["asks"]))
        return
    data = message.get("data", message)
    kind = data.get("e", "bookTicker" if {"b", "B", "a", "A", "u"} <= data.keys() else None)
    if kind == "trade" or kind == "aggTrade" and "@aggTrade" in url and "@trade" not in url:
        yield trade(data["s"], data["T"] * 10**6, data["p"], data["q"], "sell" if data["m"] else "buy",
                    data["t" if kind == "trade" else "a"])
    elif kind == "bookTicker":
        yield quote(data["s"], received_ns, (data["b"], data["B"]), (data["a"], data["A"]), data["u"])
    elif kind == "depthUpdate":
        yield from book(data["s"], data["E"] * 10**6, (data["U"], data["u"]), False, sides(data["b"], data["a"]))


def bitstamp(message, _received_ns, _url):
    data = message["data"]
    if message["event"] == "trade" and message["channel"].startswith("live_trades_"):
        yield trade(message["channel"].removeprefix("live_trades_").upper(), int(data["microtimestamp"]) * 1000,
                    data["price_str"], data["amount_str"], ["buy", "sell"][data["type"]], data["id"])


def kraken(message, received_ns, _url):
    if isinstance(message, dict):
        return
    said, name, pair = message[1], message[-2], message[-1]
    if name == "trade":
        for price, size, time, side, *_ in said:
            yield trade(pair, seconds_ns(time), price, size, {"b": "buy", "s": "sell"}[side], None)
    elif name == "ticker":
        yield quote(pair, received_ns, (said["b"][0], said["b"][2]), (said["a"][0], said["a"][2]), None)
    elif name == "spread":
        bid, ask, time, bid_size, ask_size = said
        yield quote(pair, seconds_ns(time), (bid, bid_size), (ask, ask_size), None)


def venue_of(url):
    host = url.split("/")[2].split(":")[0]
    return HOSTS[".".join(host.split(".")[-2:])]


def said_by(venue, received, message, url):
    decode = {"COINBASE": coinbase, "BINANCE": binance, "BITSTAMP": bitstamp, "KRAKEN": kraken}[venue]
    return list(decode(json.loads(message), seconds_ns(received), url))


def expected(path, index):
    """{(file, line, part): event}, and how many lines are none."""
    events, rest, venue, url = {}, 0, None, ""
    for line, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not text.strip():
            continue
        said, whose = [], venue
        if text[0].isdigit():
            received, message = text.split(": ", 1)
            said = said_by(venue, received, message, url)
        elif " -> " in text:  # asked for; only whole books are events
            (asked, answer), whose = text.split(" -> ", 1), venue_of(text)
            if "/depth?" in asked:
                said = said_by(whose, *answer.split(": ", 1), asked)
        elif " <-> " in text:
            url = text.split(" ", 1)[0]
            venue = venue_of(url)
        rest += not said
        for part, (kind, symbol, *fields) in enumerate(said):
            events[index, line, part] = (kind, f"{whose}:{symbol}", *fields)
    return events, rest


def of_tape(record):
    value = record["value"]
    if value["schema"] == "Trade":
        return ("Trade", record["key"], value["event_ns"], decimal.Decimal(value["price"]),
                decimal.Decimal(value["size"]), value["side"], value["trade_id"])
    if value["schema"] == "BookUpdate":
        return ("Book", record["key"], value["event_ns"], value["first_sequence"], value["last_sequence"],
                value["snapshot"], value["more"], [(level["side"], decimal.Decimal(level["price"]),
                                                    decimal.Decimal(level["size"])) for level in value["levels"]])
    quoted = [tuple(None if value[f"{side}_{what}"] is None else decimal.Decimal(value[f"{side}_{what}"])
                   for what in ("price", "size")) for side in ("bid", "ask")]
    return ("Quote", record["key"], value["event_ns"], *quoted, value["sequence"])


def on_tape(folder):
    events = {}
    lines = subprocess.run([originals.BINARY, "log", "cat", "tape", "--data", folder / "log"], stdout=subprocess.PIPE,
                           check=True, text=True).stdout.splitlines()
    for record in map(json.loads, lines):
        if record["value"]["schema"] in ("Trade", "Quote", "BookUpdate"):
            place = record["src"]
            events[place["file"], place["line"], place.get("part", 0)] = of_tape(record)
    return events


def sessions():
    paths = sorted((originals.ROOT / "examples/data/cryptofeed").glob("*.*.[0-9]*"))
    further = os.environ.get("TAPEDECK_TEST_DATA")
    if further:
        known = {path.name for path in paths}
        paths += [path for path in sorted(pathlib.Path(further).glob("cryptofeed_raw/*.*.[0-9]*"))
                  if path.name not in known and path.name.split(".")[0] in VENUES]
    return paths


def volumes(events):
    sums = collections.Counter()
    for kind, instrument, *fields in events.values():
        if kind == "Trade":
            sums[instrument] += fields[2]
    return sums


def main():
    paths = sessions()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        data_set = originals.DataSet("sessions", "cryptofeed", paths)
        summary, _ = originals.run(data_set, folder)
        ours = on_tape(folder)
        links = sorted((folder / "inputs").iterdir())
        theirs, rest = {}, 0
        for index, link in enumerate(links):
            events, none = expected(link.resolve(), index)
            theirs.update(events)
            rest += none
    differ = [place for place in ours.keys() | theirs.keys() if ours.get(place) != theirs.get(place)]
    venues = {event[1].split(":")[0] for event in theirs.values()}
    kinds = collections.Counter(event[0] for event in theirs.values())
    print(f"{len(paths)} sessions of {', '.join(sorted(venues))}: {dict(kinds)} by Python, {len(ours)} events"
          f" on the tape, {len(differ)} differ; {rest} other lines, {summary['ignored']} of ours;"
          f" {summary['rejected']} rejected; volumes of {len(volumes(theirs))} instruments equal:"
          f" {volumes(ours) == volumes(theirs)}")
    for place in sorted(differ)[:5]:
        print(f"  {place}\n    ours   {ours.get(place)}\n    theirs {theirs.get(place)}")
    good = (not differ and summary["ignored"] == rest and summary["rejected"] == 0 and venues == VENUES
            and volumes(ours) == volumes(theirs) and len(theirs) >= EVENTS_AT_LEAST)
    print("1 passed" if good else "1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
