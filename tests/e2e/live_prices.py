"""tests/e2e/live_prices.py - the real program against CoinCap and Twelve Data as tests/venues plays them: each price is on
the tape once, rounded as it says, and makes no trade and no bar; what the vendor does not give is told; a wrong key is told,
left alone and shown to nobody.
"""
import decimal
import json
import sys
import time

import tapedeck
from tapedeck import wait_for

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import coincap  # noqa: E402
import server  # noqa: E402
import twelvedata  # noqa: E402

CASES = tapedeck.Cases()
TOKEN = "kept-from/every&log-4713"  # some of it is escaped in an address
DIGITS = decimal.Decimal("1e-9")


def check_quiet(run):
    told = tapedeck.texts_of(run.process, run.data)
    assert not any(word.encode() in text for word in (TOKEN, "every%26log") for text in told), "the token is told"


def feed(kind, venue, names, settings=""):
    if kind == "twelvedata" and "history" not in settings:
        settings += ", history: ''"
    return (f"{kind}: {{ {names}, url: '{venue.url}', token: '${{KEY}}', reconnect: 50ms, lateness: 200ms, "
            f"max_delay: 200ms{settings} }}")


def prices_of(run, venue):
    found = {}
    for key, v in run.values("Price"):
        found.setdefault(key.removeprefix(f"{venue}:"), []).append(v)
    assert not run.values("Trade") and not run.read("log", "cat", "bars")
    return found


@CASES.add
def coincap_prices(folder):
    tls = server.make_authority(f"{folder}/tls")
    with coincap.CoinCap(["bitcoin", "ethereum", "dogecoin", "tether"], TOKEN, rate=50, tls=tls) as venue:
        feeds = [feed("coincap", venue, "assets: [bitcoin, ethereum, dogecoin]", f", ca: {tls}/ca.pem")]
        with tapedeck.Live(folder, feeds, KEY=TOKEN) as run:
            for how in server.CUTS:
                wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 20, "a session")
                time.sleep(0.3)
                venue.cut(how)
            wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 60, "the last session")
            check_quiet(run)
    found, compared, inexact = prices_of(run, "COINCAP"), 0, 0
    assert set(found) == {"bitcoin", "ethereum", "dogecoin"}, set(found)
    for asset, values in found.items():
        sent = [decimal.Decimal(p) for s in venue.sessions for a, p in s.sent if a == asset]
        want = [p.quantize(DIGITS, decimal.ROUND_HALF_EVEN) for p in sent]
        got = [decimal.Decimal(v["price"]) for v in values]
        at = 0
        for price in got:  # in their order; what was cut off on its way is missing
            at = want.index(price, at) + 1
        assert len(want) - len(got) <= 10, f"{asset}: {len(got)} of {len(want)}"
        assert all(v["flags"] & 2 and v["event_ns"] == v["receive_ns"] for v in values), values[0]
        inexact += sum(v["flags"] & 1 for v in values)
        compared += len(got)
    assert tapedeck.called_off(venue.sessions[-1]) == [], venue.sessions[-1].received
    gaps = run.gaps()
    assert inexact > 50 and len(gaps) >= 4 and {gap["reason"] for gap in gaps} == {"session"}, (inexact, gaps)
    assert TOKEN not in run.stderr, run.stderr
    return f"{compared} prices, {inexact} of them rounded, {len(gaps)} gaps"


@CASES.add
def twelvedata_prices(folder):
    """Its heartbeats keep it; what it does not know is told once, and keeps no others away."""
    with twelvedata.TwelveData(["AAPL", "EUR/USD", "BTC/USD"], TOKEN, rate=60, patience_s=12) as venue:
        feeds = [feed("twelvedata", venue, "symbols: [AAPL, ABC/XYZ, EUR/USD]")]
        with tapedeck.Live(folder, feeds, KEY=TOKEN) as run:
            wait_for(lambda: venue.sessions and any("heartbeat" in m for m in venue.sessions[0].received), "a beat", 20)
            time.sleep(2.5)  # past the venue's patience
            check_quiet(run)
            assert len(venue.sessions) == 1 and venue.open_session(), [s.cut for s in venue.sessions]
    found = prices_of(run, "TWELVEDATA")
    for symbol in ("AAPL", "EUR/USD"):
        want = [(t * 10**9, decimal.Decimal(str(p))) for s, t, p in venue.sessions[0].sent if s == symbol]
        got = [(v["event_ns"], decimal.Decimal(v["price"])) for v in found[symbol]]
        assert len(got) > 100 and want[:len(got)] == got and len(want) - len(got) <= 5, (symbol, len(want), len(got))
    assert set(found) == {"AAPL", "EUR/USD"}, set(found)
    given_up = [json.loads(message)["params"]["symbols"] for message in tapedeck.called_off(venue.sessions[0])]
    assert given_up == ["AAPL", "EUR/USD"] and not venue.sessions[0].symbols, given_up
    assert run.stderr.count("the venue does not give ABC/XYZ: it did not acknowledge them") == 1, run.stderr
    return f"{sum(map(len, found.values()))} prices"


def bars_of(run, width_s):
    """{(symbol, start in s): (prices, origin, gap)} of the tape's vendors' bars; nothing is there twice."""
    found = {}
    for key, v in run.values("VendorBar"):
        if v["width_ns"] != width_s * 10**9:
            continue
        at = key.removeprefix("TWELVEDATA:"), v["start_ns"] // 10**9
        assert at not in found, (key, v)
        prices = tuple(decimal.Decimal(v[column]) for column in twelvedata.COLUMNS)
        found[at] = prices, v["origin"], v["gap"]
    return found


@CASES.add
def twelvedata_bars_beside_gaps(folder):
    """What its stream missed it has as bars alone: they are marked, and the gap stays lost."""
    with twelvedata.TwelveData(["EUR/USD"], TOKEN, rate=40) as venue:
        more = f", history: '{venue.history}', history_after: 100ms, history_interval: 50ms"
        with tapedeck.Live(folder, [feed("twelvedata", venue, "symbols: [EUR/USD]", more)], KEY=TOKEN) as run:
            wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 20, "a session")
            venue.away_s = 0.5
            venue.cut("drop")
            wait_for(lambda: run.gaps() and run.gaps()[0]["status"] == "lost", "the gap's end", 30)
            check_quiet(run)
    (gap,), found = run.gaps(), bars_of(run, 60)
    assert [s[:2] for s in venue.served] == [("EUR/USD", "1min")] and venue.served[0][2] > 0, venue.served
    for (symbol, start), bar in found.items():  # none, while the gap's minute is not over
        assert gap["from_ns"] < (start + 60) * 10**9 <= time.time() * 10**9 and start * 10**9 < gap["to_ns"], (gap, start)
        assert bar == (tuple(map(decimal.Decimal, venue.bar(symbol, start))), "backfill", gap["number"]), bar
    return f"{len(found)} bars beside a gap that is {gap['status']}, of {venue.served[0][2]} that it has"


@CASES.add
def twelvedata_series(folder):
    """Page by page, within its credits; a symbol that is none is told."""
    with twelvedata.TwelveData(["EUR/USD"], TOKEN) as venue:
        feeds = [f"twelvedata-series: {{ symbols: [EUR/USD, ABC/XYZ], interval: [1min, 1day], months: [2026-02], token: "
                 f"'${{KEY}}', url: '{venue.history}', per_minute: 0, reconnect: 50ms }}"]
        with tapedeck.Live(folder, feeds, KEY=TOKEN) as run:
            wait_for(lambda: len(venue.told) >= 12, "all pages", 30)
            time.sleep(1)
            check_quiet(run)
    minutes, days = bars_of(run, 60), bars_of(run, 86400)
    first = twelvedata.TwelveData._seconds("2026-02-01")  # pylint: disable=protected-access
    assert {start for _, start in minutes} == set(range(first, first + 28 * 86400, 60)), len(minutes)
    for (symbol, start), bar in (minutes | days).items():
        assert bar == (tuple(map(decimal.Decimal, venue.bar(symbol, start))), "feed", None), bar
    assert len(days) > 300 and venue.told.count(400) == 2 and len(venue.told) == 12, (len(days), venue.told)
    assert run.stderr.count("the request is refused; it is not asked for again in this run") == 2, run.stderr
    return f"{len(minutes)} minutes on {len(venue.told) - 3} pages, {len(days)} days"


@CASES.add
def wrong_keys(folder):
    with coincap.CoinCap(["bitcoin"], "another") as first, twelvedata.TwelveData(["AAPL"], "another") as second:
        feeds = [feed("coincap", first, "assets: [bitcoin]"), feed("twelvedata", second, "symbols: [AAPL]"),
                 "simulated: { instruments: 2, ticks: 0 }"]
        with tapedeck.Live(folder, feeds, KEY=TOKEN) as run:
            wait_for(lambda: first.denied and second.sessions, "a try")
            time.sleep(2)
            check_quiet(run)
    told = [line for line in run.stderr.splitlines() if "the venue wants another token (token, token_file)" in line]
    assert first.denied == len(second.sessions) == 1 and len(told) == 2, run.stderr
    assert TOKEN not in run.stderr + run.stdout and run.values("Trade"), run.stderr
    return "each told once, with what to do"


if __name__ == "__main__":
    sys.exit(CASES.run())
