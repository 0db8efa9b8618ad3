#!/usr/bin/env python3
"""tests/e2e/live_alphavantage.py - the real program against Alpha Vantage as tests/venues plays it: each bar is on the tape
once, at its instant, whatever months have daylight saving in them and however often the process is killed; nothing that the
log holds is asked for again; limits and refusals are told and obeyed; the key is told to nobody.
"""
import datetime
import decimal
import pathlib
import sys
import time

import tapedeck
from tapedeck import wait_for

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import alphavantage  # noqa: E402
import server  # noqa: E402

CASES = tapedeck.Cases()
KEY = "kept-from/every&log-4713"  # some of it is escaped in an address
NS = 10**9
DAY = datetime.timedelta(days=1)


def feed(venue, symbols, settings):
    return (f"alphavantage: {{ symbols: [{', '.join(symbols)}], token: '${{KEY}}', url: '{venue.url}', reconnect: 50ms, "
            f"per_minute: 0, per_day: 0, {settings} }}")


def start_ns(local):
    return int(local.replace(tzinfo=alphavantage.NEW_YORK).timestamp()) * NS


def bars_of(run):
    """{(symbol, width): {start: (open, high, low, close, volume)}} of the tape; nothing is there twice."""
    found = {}
    for key, v in run.values("VendorBar"):
        bars = found.setdefault((key.removeprefix("ALPHAVANTAGE:"), v["width_ns"]), {})
        assert v["start_ns"] not in bars, (key, v)
        bars[v["start_ns"]] = tuple(decimal.Decimal(v[c]) for c in alphavantage.COLUMNS)
    return found


def months_of(venue, symbol, interval, months):
    return {start_ns(at): tuple(map(decimal.Decimal, row))
            for month in months for at, row in venue.bars(symbol, interval, month).items()}


def check_hidden(run):
    told = tapedeck.texts_of(run.process, run.data)
    assert not any(word.encode() in text for word in (KEY, "every%26log") for text in told), "the key is told"


def held(run):
    """How many answers the log holds as a whole."""
    if not pathlib.Path(f"{run.data}/_answers-0").exists():
        return 0
    answers = {r["key"]: r["value"] for r in run.read("log", "cat", "_answers")}
    return sum(str(value).startswith("whole") for value in answers.values())


@CASES.add
def months_and_days(folder):
    """As JSON over TLS, slowly; a second start asks for nothing."""
    tls, months = server.make_authority(f"{folder}/tls"), ["2024-03", "2024-11"]
    with alphavantage.AlphaVantage(["IBM", "MSFT"], KEY, tls=tls, drip_s=0.2) as venue:
        feeds = [feed(venue, ["IBM", "MSFT"], f"interval: [5min, daily], months: {months}, ca: {tls}/ca.pem".replace("'", ""))]
        with tapedeck.Live(folder, feeds, KEY=KEY) as run:
            wait_for(lambda: held(run) == 6, "six answers")
            check_hidden(run)
        with tapedeck.Live(folder, feeds, KEY=KEY) as run:
            time.sleep(1.5)
        assert sorted(venue.asked) == sorted(set(venue.asked)) and len(venue.asked) == 6, venue.asked
    found = bars_of(run)
    for symbol in ("IBM", "MSFT"):
        assert found[symbol, 300 * NS] == months_of(venue, symbol, "5min", months), symbol
        days = {at: row for at, row in venue.days(symbol).items() if start_ns(at + DAY) <= time.time() * NS}
        got = found[symbol, 24 * 3600 * NS]
        assert got == {start_ns(at): tuple(map(decimal.Decimal, row)) for at, row in days.items()}, symbol
    count = sum(map(len, found.values()))
    assert count > 6000, count
    return f"{count} bars of 6 answers, none asked for twice"


@CASES.add
def killed_within(folder):
    """kill -9 again and again: what came is kept, and the call under way goes on where it stood."""
    months, kills, asked = ["2024-01", "2024-02", "2024-03"], 0, 0
    with alphavantage.AlphaVantage(["IBM", "MSFT"], KEY) as venue:
        feeds = [feed(venue, ["IBM", "MSFT"], "interval: 1min, from: '2024-01', to: '2024-03', datatype: csv")]
        while True:
            run = tapedeck.Live(folder, feeds, KEY=KEY)
            run.__enter__()
            wait_for(lambda n=asked: len(venue.asked) > n or held(run) == 6, "an answer")
            time.sleep(0.03 * kills)  # sooner or later an answer is synced before it
            tapedeck.kill(run.process)
            kills, asked = kills + 1, len(venue.asked)
            if held(run) == 6:
                break
            assert kills < 30, "it never comes to an end"
    found = bars_of(run)
    for symbol in ("IBM", "MSFT"):
        assert found[symbol, 60 * NS] == months_of(venue, symbol, "1min", months), symbol
    # a kill costs the answers since the last sync, which a busy machine does seldom
    assert len(venue.asked) <= 6 + 4 * kills and kills >= 3, (len(venue.asked), kills)
    return f"{sum(map(len, found.values()))} bars once each, {kills} kills, {len(venue.asked)} requests for 6 answers"


@CASES.add
def mistakes_and_refusals(folder):
    """What is no answer is asked for again; what is not in the plan or makes no sense is told once, and kept."""
    with alphavantage.AlphaVantage(["IBM"], KEY, premium=["TIME_SERIES_INTRADAY"], mistakes={1: "cut", 2: "page"}) as venue:
        feeds = [feed(venue, ["IBM", "NONE"], "interval: [60min, daily], months: [2024-01]")]
        with tapedeck.Live(folder, feeds, KEY=KEY) as run:
            wait_for(lambda: venue.requests >= 6 and len(run.read("log", "cat", "rejected")) >= 3, "three refusals", 30)
            time.sleep(0.5)
            requests = venue.requests
            refused = [r["value"]["detail"] for r in run.read("log", "cat", "rejected")]
        assert sorted(refused) == ["IBM 60min 2024-01: not in the plan of this key",
                                   "NONE 60min 2024-01: not in the plan of this key",
                                   "NONE daily: the request is refused"], refused
    assert requests == 6, (requests, venue.asked)
    return f"3 of 4 calls refused, {requests} requests"


@CASES.add
def prices_up_to_the_day_s_limit(folder):
    """Prices are asked for again and again, until the key's day is used up; the notice shows the key, we do not."""
    with alphavantage.AlphaVantage(["IBM", "MSFT"], KEY, per_day=7, mistakes={3: "busy"}) as venue:
        with tapedeck.Live(folder, [feed(venue, ["IBM", "MSFT"], "quote: true, quote_interval: 200ms")], KEY=KEY) as run:
            wait_for(lambda: venue.notices, "the day's limit", 30)
            time.sleep(1)
            check_hidden(run)
        assert KEY in venue.notices[0] and venue.requests == 9, (venue.notices, venue.requests)
    prices = [v["price"] for _, v in run.values("Price")]
    assert len(prices) == 7 and len(set(prices)) == 7, prices
    assert "the day's requests are used up; it is asked again at 20" in run.stderr, run.stderr
    assert KEY not in run.stderr + run.stdout, run.stderr
    return f"{len(prices)} prices, and no request more"


@CASES.add
def a_wrong_key(folder):
    with alphavantage.AlphaVantage(["IBM"], "another") as venue:
        with tapedeck.Live(folder, [feed(venue, ["IBM"], "interval: daily")], KEY=KEY) as run:
            wait_for(lambda: venue.notices, "a try")
            time.sleep(1.5)
            check_hidden(run)
        assert venue.requests == 1, venue.requests
    assert run.stderr.count("the vendor wants another key (token, token_file)") == 1, run.stderr
    return "told once, with what to do"


if __name__ == "__main__":
    sys.exit(CASES.run())
