#!/usr/bin/env python3
"""Recorded sessions of four venues: what is on the tape equals what Python's json and decimal read from the originals.

Each trade and quote is compared in full, with the file, line and part of its message, and so is what was left out, by
kind. Sessions in TAPEDECK_TEST_DATA are read behind those that come along.
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

import originals

TICKS_AT_LEAST, VENUES = 200, {"COINBASE", "BINANCE", "BITSTAMP", "KRAKEN"}
HOSTS = {"coinbase.com": "COINBASE", "binance.com": "BINANCE", "bitstamp.net": "BITSTAMP", "kraken.com": "KRAKEN"}
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
    sides = [(number(price, 9), number(size, 8)) for price, size in (bid, ask)]
    return "Quote", symbol, event_ns, *[(None, None) if side == (0, 0) else side for side in sides], sequence


def coinbase(message, _received_ns, _url):
    if message["type"] == "match":
        yield trade(message["product_id"], rfc3339_ns(message["time"]), message["price"], message["size"],
                    UPSIDE_DOWN[message["side"]], message["trade_id"])
    elif message["type"] == "ticker" and "best_bid_size" in message:
        yield quote(message["product_id"], rfc3339_ns(message["time"]),
                    (message["best_bid"], message["best_bid_size"]), (message["best_ask"], message["best_ask_size"]),
                    message["sequence"])


def binance(message, received_ns, url):
    data = message.get("data", message)
    kind = data.get("e", "bookTicker" if {"b", "B", "a", "A", "u"} <= data.keys() else None)
    if kind == "trade" or kind == "aggTrade" and "@aggTrade" in url and "@trade" not in url:
        yield trade(data["s"], data["T"] * 10**6, data["p"], data["q"], "sell" if data["m"] else "buy",
                    data["t" if kind == "trade" else "a"])
    elif kind == "bookTicker":
        yield quote(data["s"], received_ns, (data["b"], data["B"]), (data["a"], data["A"]), data["u"])


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


def expected(path, index):
    """{(file, line, part): tick}, and how many lines are none."""
    ticks, rest, venue, url = {}, 0, None, ""
    for line, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not text.strip():
            continue
        said = []
        if text[0].isdigit():
            received, message = text.split(": ", 1)
            decode = {"COINBASE": coinbase, "BINANCE": binance, "BITSTAMP": bitstamp, "KRAKEN": kraken}[venue]
            said = list(decode(json.loads(message), seconds_ns(received), url))
        elif " <-> " in text:
            url = text.split(" ", 1)[0]
            host = url.split("/")[2].split(":")[0]
            venue = HOSTS[".".join(host.split(".")[-2:])]
        rest += not said
        for part, (kind, symbol, *fields) in enumerate(said):
            ticks[index, line, part] = (kind, f"{venue}:{symbol}", *fields)
    return ticks, rest


def of_tape(record):
    value = record["value"]
    if value["schema"] == "Trade":
        return ("Trade", record["key"], value["event_ns"], decimal.Decimal(value["price"]),
                decimal.Decimal(value["size"]), value["side"], value["trade_id"])
    sides = [tuple(None if value[f"{side}_{what}"] is None else decimal.Decimal(value[f"{side}_{what}"])
                   for what in ("price", "size")) for side in ("bid", "ask")]
    return ("Quote", record["key"], value["event_ns"], *sides, value["sequence"])


def on_tape(folder):
    ticks = {}
    lines = subprocess.run([originals.BINARY, "log", "cat", "tape", "--data", folder / "log"], stdout=subprocess.PIPE,
                           check=True, text=True).stdout.splitlines()
    for record in map(json.loads, lines):
        if record["value"]["schema"] in ("Trade", "Quote"):
            place = record["src"]
            ticks[place["file"], place["line"], place.get("part", 0)] = of_tape(record)
    return ticks


def sessions():
    paths = sorted((originals.ROOT / "examples/data/cryptofeed").glob("*.ws.*"))
    further = os.environ.get("TAPEDECK_TEST_DATA")
    if further:
        known = {path.name for path in paths}
        paths += [path for path in sorted(pathlib.Path(further).glob("cryptofeed_raw/*.ws.*"))
                  if path.name not in known and path.name.split(".")[0] in VENUES]
    return paths


def volumes(ticks):
    sums = collections.Counter()
    for kind, instrument, *fields in ticks.values():
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
            ticks, none = expected(link.resolve(), index)
            theirs.update(ticks)
            rest += none
    differ = [place for place in ours.keys() | theirs.keys() if ours.get(place) != theirs.get(place)]
    venues = {tick[1].split(":")[0] for tick in theirs.values()}
    print(f"{len(paths)} sessions of {', '.join(sorted(venues))}: {len(theirs)} trades and quotes by Python, {len(ours)}"
          f" on the tape, {len(differ)} differ; {rest} other lines, {summary['ignored']} of ours;"
          f" {summary['rejected']} rejected; volumes of {len(volumes(theirs))} instruments equal:"
          f" {volumes(ours) == volumes(theirs)}")
    for place in sorted(differ)[:5]:
        print(f"  {place}\n    ours   {ours.get(place)}\n    theirs {theirs.get(place)}")
    good = (not differ and summary["ignored"] == rest and summary["rejected"] == 0 and venues == VENUES
            and volumes(ours) == volumes(theirs) and len(theirs) >= TICKS_AT_LEAST)
    print("1 passed" if good else "1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
