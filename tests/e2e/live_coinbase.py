"""tests/e2e/live_coinbase.py - the real program against Coinbase as tests/venues/coinbase.py plays it, cut off in every way,
with pages that fail and habits that venues have: in the end all of the market's trades are on the tape once, each hole
was told, and every bar is the market's.
"""
import collections
import decimal
import json
import os
import sqlite3
import subprocess
import sys
import time

import tapedeck
from tapedeck import wait_for

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import coinbase  # noqa: E402
import server  # noqa: E402

CASES = tapedeck.Cases()
PRODUCTS = ["BTC-USD", "ETH-USD", "SOL-USD"]
SECOND = 10**9
SETTINGS = "lateness: 200ms, max_delay: 200ms, history_after: 1500ms, heartbeat: 1500ms"


class Run(tapedeck.Live):
    def __init__(self, folder, venue, settings="", products=PRODUCTS, bars="[1s]"):
        words = [f"products: [{', '.join(products)}]", f"url: '{venue.url}'", f"history: '{venue.history}'",
                 "reconnect: 50ms", "history_interval: 120ms", settings]
        feed = "coinbase: { " + ", ".join(word for word in words if word) + " }"
        super().__init__(folder, [feed], bars)

    def trades(self):
        """{product: {trade id: its record}}, and how many came twice."""
        found, twice = collections.defaultdict(dict), 0
        for record in self.read("log", "cat", "tape"):
            value = record["value"]
            if value["schema"] == "Trade":
                of_product = found[record["key"].partition(":")[2]]
                twice += value["trade_id"] in of_product
                of_product.setdefault(value["trade_id"], value)
        return found, twice


def check_trades(run, market):
    """From the first that came to the last, none is missing, and each is what it was; {product: (first, last)}."""
    found, twice = run.trades()
    spans = {}
    for product in market.products:
        known = {t.trade_id: t for t in market.trades[product]}
        first, last = min(found[product]), max(found[product])
        missing = set(range(first, last + 1)) - set(found[product])
        assert not missing, f"{product}: {len(missing)} are missing, {sorted(missing)[:5]}"
        for trade_id, value in found[product].items():
            t = known[trade_id]
            there = (value["event_ns"], decimal.Decimal(value["price"]), decimal.Decimal(value["size"]), value["side"])
            right = (t.time_us * 1000, decimal.Decimal(t.price), decimal.Decimal(t.size),
                     "sell" if t.side == "buy" else "buy")
            assert there == right, f"{product} {trade_id}: {there}, not {right}"
        spans[product] = (first, last)
    return spans, twice


def check_bars(run, market, spans):
    """The last revision of each whole second is the market's; how many were compared."""
    compared = 0
    with sqlite3.connect(f"file:{run.data}/market.db?mode=ro", uri=True) as db:
        rows = db.execute("SELECT instrument, start_ns, open, high, low, close, volume, trade_count, quality FROM bars b "
                          "WHERE revision = (SELECT max(revision) FROM bars WHERE instrument = b.instrument"
                          "                  AND width_ns = b.width_ns AND start_ns = b.start_ns)").fetchall()
    for instrument, start, *values, trades, quality in rows:
        product = instrument.partition(":")[2]
        first, last = spans[product]
        of_bar = [t for t in market.trades[product] if start <= t.time_us * 1000 < start + SECOND]
        if of_bar[0].trade_id <= first or of_bar[-1].trade_id >= last:
            continue
        prices = [decimal.Decimal(t.price) for t in of_bar]
        right = [prices[0], max(prices), min(prices), prices[-1], sum(decimal.Decimal(t.size) for t in of_bar)]
        assert [decimal.Decimal(v) for v in values] == right, (instrument, start, values, right)
        assert trades == len(of_bar) and quality != "partial", (instrument, start, trades, len(of_bar), quality)
        compared += 1
    return compared


@CASES.add
def cuts(folder):
    market = coinbase.Market(PRODUCTS, rate=30)
    habits = coinbase.Habits(duplicate=0.05, reorder=0.03, unknown=0.05, busy=0.05, torn=0.05, excuse=0.05)
    with coinbase.Coinbase(market, habits) as venue, Run(folder, venue, SETTINGS) as run:
        for how in [*server.CUTS, "mute"]:
            wait_for(lambda: (venue.open_session() or server.Session(None)).sent, "a session")
            time.sleep(0.6)
            venue.cut(how)
        wait_for(lambda: (venue.open_session() or server.Session(None)).sent, "a session")
        wait_for(lambda: run.gaps() and all(gap["status"] == "filled" for gap in run.gaps()), "what was missed", 20)
        feed = json.loads(subprocess.check_output(
            [tapedeck.PROGRAM, "feeds", "--json", "--data", run.data], text=True))[0]
        time.sleep(1.5)  # the last bars over a gap close
    spans, twice = check_trades(run, market)
    compared = check_bars(run, market, spans)
    gaps = run.gaps()
    with sqlite3.connect(f"file:{run.data}/market.db?mode=ro", uri=True) as db:
        partial, repaired = (db.execute("SELECT count(*) FROM bars WHERE quality = ?", [q]).fetchone()[0]
                             for q in ("partial", "repaired"))
    assert len(venue.sessions) >= 6 and len(gaps) >= 15 and sum(gap["filled"] for gap in gaps) > 50, gaps
    assert feed["session"] in ("live", "idle") and feed["sessions"] == len(venue.sessions), feed
    assert feed["session_failures"] >= 5 and feed["open_gaps"] == 0 and feed["backfilled"] > 50, feed
    assert feed["end_reason"] == "no heartbeat came" and feed["end_time"].endswith("Z"), feed
    assert abs(feed["delay_ns"]) < SECOND, feed
    assert partial > 0 and repaired > 0 and compared > 15 and twice > 0, (partial, repaired, compared, twice)
    count = sum(last - first + 1 for first, last in spans.values())
    return f"{count} trades, {len(gaps)} gaps filled, {twice} doubles, {repaired} bars repaired, {compared} compared"


@CASES.add
def quiet_market(folder):
    """A trade is lost that no other follows; over wss and https; one product does not exist, another is never given."""
    tls = server.make_authority(f"{folder}/tls")
    market = coinbase.Market([*PRODUCTS, "DUMB-USD"], rate=20)
    habits = coinbase.Habits(unlisted=("DUMB-USD",))
    products = ["BTC-USD", "NONE-USD", "ETH-USD", "DUMB-USD", "SOL-USD"]
    with coinbase.Coinbase(market, habits, tls=tls) as venue:
        with Run(folder, venue, f"heartbeat: 2s, history_after: 500ms, ca: {tls}/ca.pem", products) as run:
            wait_for(lambda: len(venue.sessions) == 1 and len(venue.sessions[0].sent) > 20, "a session")
            time.sleep(5.2)  # until it is sure what it does not get
            habits.drop = 1
            known = {product: len(market.trades[product]) for product in PRODUCTS}
            wait_for(lambda: all(len(market.trades[product]) > known[product] + 2 for product in PRODUCTS), "a loss")
            for product in market.products:
                market.stop(product)
            last = {product: market.trades[product][-1].trade_id for product in PRODUCTS}
            habits.drop = 0
            wait_for(lambda: len(venue.sessions) == 2, "another session")
            wait_for(lambda: all(gap["status"] == "filled" for gap in run.gaps()) and run.gaps(),
                     lambda: f"what was missed: {run.gaps()}")
    market.products = PRODUCTS
    spans, _ = check_trades(run, market)
    assert {product: span[1] for product, span in spans.items()} == last, (spans, last)
    assert " has not come; the next try" in run.stderr, run.stderr
    told = [line for line in run.stderr.splitlines() if "the venue does not give" in line]
    assert len(told) == 1 and "NONE-USD, DUMB-USD: NONE-USD is not a valid product" in told[0], run.stderr
    return f"{sum(last - first + 1 for first, last in spans.values())} trades, the last ones by heartbeat"


@CASES.add
def changed_connections(folder):
    """Each start spreads the products over other connections, one of which ends: nothing is lost, nothing doubled."""
    market = coinbase.Market(PRODUCTS, rate=30)
    with coinbase.Coinbase(market) as venue:
        for connections, most in (3, 1), (1, 3), (2, 2):
            known = len(venue.sessions)
            with Run(folder, venue, f"{SETTINGS}, per_connection: {most}") as run:
                wait_for(lambda: len(venue.sessions) == known + connections and
                         all(session.sent for session in venue.sessions[known:]), "the sessions")
                wait_for(lambda: all(gap["status"] == "filled" for gap in run.gaps()), lambda: f"gaps: {run.gaps()}", 20)
                time.sleep(1.5)
                names = [feed["name"] for feed in json.loads(subprocess.check_output(
                    [tapedeck.PROGRAM, "feeds", "--json", "--data", run.data], text=True)) if feed["session"] != "down"]
            time.sleep(0.5)
    spans, _ = check_trades(run, market)
    compared = check_bars(run, market, spans)
    gaps = run.gaps()
    assert {"coinbase", "coinbase.2"} <= set(names), names
    assert len(gaps) >= 2 * len(PRODUCTS) and all(gap["status"] == "filled" for gap in gaps), gaps
    assert compared > 15, compared
    count = sum(last - first + 1 for first, last in spans.values())
    return f"{count} trades over 3, 1 and 2 connections, {len(gaps)} gaps filled, {compared} bars compared"


def last_bars(run):
    """The last revision of each bar of a second."""
    rows = [row for product in PRODUCTS for row in run.read("bars", f"COINBASE:{product}", "1s", "--json")]
    return {(row["instrument"], row["start_ns"]): [row[key] for key in ("open", "high", "low", "close", "volume", "vwap")]
            for row in rows}


@CASES.add
def imported(folder):
    """What was kept as it came, decoded once more: trades, gaps and bars are the market's and the live run's."""
    market = coinbase.Market(PRODUCTS, rate=30)
    habits = coinbase.Habits(duplicate=0.05, reorder=0.03, unknown=0.05, busy=0.05, torn=0.05, excuse=0.05)
    with coinbase.Coinbase(market, habits) as venue, Run(folder, venue, f"{SETTINGS}, raw: true") as run:
        for how in ["close", "mute", "half"]:
            wait_for(lambda: (venue.open_session() or server.Session(None)).sent, "a session")
            time.sleep(0.6)
            venue.cut(how)
        wait_for(lambda: (venue.open_session() or server.Session(None)).sent, "a session")
        wait_for(lambda: run.gaps() and all(gap["status"] == "filled" for gap in run.gaps()), "what was missed", 20)
        wait_for(lambda: len(last_bars(run)) > 15 + 3 * len(PRODUCTS), "bars enough, and the last over a gap", 20)
    again = Run(folder, venue)
    again.data = f"{folder}/again"
    told = json.loads(subprocess.check_output([tapedeck.PROGRAM, "import", "--raw", "coinbase", "--data", run.data, "--out",
                                               again.data, "--json", run.file], text=True, timeout=60))
    spans, twice = check_trades(again, market)
    keys = ("instrument", "reason", "status", "first_id", "last_id", "missing", "filled")
    # but for their numbers: a hole in mid-session and the session's end are told in the order in which somebody looked at the clock
    gaps, gaps_again = (sorted([str(gap[key]) for key in keys] for gap in each.gaps()) for each in (run, again))
    assert (spans, twice) == check_trades(run, market) and told["sessions"] == len(venue.sessions), (spans, told)
    assert gaps == gaps_again and len(gaps) > 5, (gaps, gaps_again)
    numbers = [sorted((gap["instrument"], gap["number"]) for gap in each.gaps()) for each in (run, again)]
    assert numbers[0] == numbers[1] and len(set(numbers[0])) == len(gaps), numbers
    bars, bars_again = last_bars(run), last_bars(again)
    known = bars.keys() & bars_again.keys()  # the last seconds close with the clock that went on
    assert {key: bars[key] for key in known} == {key: bars_again[key] for key in known}
    assert len(known) > 15 and len(bars) - len(known) <= 3 * len(PRODUCTS), (len(bars), len(bars_again))
    return f"{told['events']} events, {len(gaps)} gaps, {len(known)} bars: those of the live run and of the market"


@CASES.add
def books(folder):
    """Level 2, cut off twice: each session begins its books anew, and they end as what was sent last."""
    market = coinbase.Market(PRODUCTS, rate=20)
    with coinbase.Coinbase(market) as venue, Run(folder, venue, f"{SETTINGS}, level2: true") as run:
        for cuts in range(3):
            wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 20, "a session")
            if cuts < 2:
                venue.cut("half")
        for product in PRODUCTS:
            market.stop(product)
        time.sleep(1)
        session = venue.open_session()
    told = run.values("BookUpdate")
    for product in PRODUCTS:
        snapshots = sum(value["snapshot"] for key, value in told if key.endswith(product))
        book = json.loads(subprocess.check_output(
            [tapedeck.PROGRAM, "state", f"COINBASE:{product}", "--json", "--data", run.data], text=True))["book"]
        last = session.book[product]
        assert snapshots == len(venue.sessions) == 3, (product, snapshots, len(venue.sessions))
        best = [[float(number) for number in book[side][0]] for side in ("bids", "asks")]
        assert book["readable"] and best == [[float(last.bid), float(last.size)], [float(last.ask), float(last.size)]], (
            book, last)
    return f"{len(told)} records of {len(PRODUCTS)} books over {len(venue.sessions)} sessions"


@CASES.add
def leaving(folder):
    """Told to end, a run calls off what it asked for and hears the venue out, which need not answer, nor be there."""
    pauses = []
    for manner in ("answers", "deaf", "half-open"):
        os.mkdir(f"{folder}/{manner}")
        market = coinbase.Market(PRODUCTS, rate=40)
        with coinbase.Coinbase(market) as venue, Run(f"{folder}/{manner}", venue, SETTINGS) as run:
            wait_for(lambda: venue.sessions and len(venue.sessions[0].sent) > 20, "a session")
            time.sleep(0.5)
            venue.deaf = manner == "deaf"
            if manner == "half-open":
                venue.cut("mute")
        session = venue.sessions[0]
        assert len(venue.sessions) == 1 and run.drained_s < 8 and "the session ended" not in run.stderr, run.stderr
        if manner == "half-open":
            assert session.code is None, session.code
            continue
        (message,) = tapedeck.called_off(session)
        assert json.loads(message) == json.loads(session.received[0]) | {"type": "unsubscribe"}, session.received
        pauses.append(session.pause)
        if manner == "answers":  # all that came before its answer is on the tape
            assert not any(session.channels.values()), session.channels
            found = [(key.partition(":")[2], v["trade_id"]) for key, v in run.values("Trade")]
            assert set(session.sent) <= set(found), set(session.sent) - set(found)
    assert 0.25 < pauses[1] < 5, pauses
    return f"left {pauses[0]:.2f} s after the last word, {pauses[1]:.2f} s where nobody answers"


if __name__ == "__main__":
    sys.exit(CASES.run())
