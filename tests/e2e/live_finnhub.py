"""tests/e2e/live_finnhub.py - the real program against Finnhub as tests/venues/finnhub.py plays it: what was sent is on the
tape, equal trades as often as they came; what was missed is told; what the key does not reach is told once; a wrong key
is left alone; and the key is told to nobody.
"""
import collections
import decimal
import json
import sys
import time

import tapedeck
from tapedeck import wait_for

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import coinbase  # noqa: E402
import finnhub  # noqa: E402
import server  # noqa: E402

CASES = tapedeck.Cases()
SYMBOLS = ["AAPL", "TSLA", "BINANCE:BTCUSDT", "OANDA:EUR_USD"]
TOKEN = "kept-from-every-log-4712"


def feed(venue, settings="", symbols=SYMBOLS, token="token: '${FINNHUB_TOKEN}'"):
    names = ", ".join(f"'{symbol}'" for symbol in symbols)
    return (f"finnhub: {{ symbols: [{names}], url: '{venue.url}', {token}, reconnect: 50ms, lateness: 200ms, "
            f"max_delay: 200ms{settings} }}")


def flags_of(codes):
    """A bit for each code, hexadecimal."""
    return f"{sum(1 << int(code) for code in codes):x}" if codes else ""


def check_quiet(run):
    assert not any(TOKEN.encode() in text for text in tapedeck.texts_of(run.process, run.data)), "the token is told"


@CASES.add
def cuts(folder):
    """Over wss. All that was sent is there, in the order of each symbol."""
    tls = server.make_authority(f"{folder}/tls")
    market = coinbase.Market(SYMBOLS, rate=15)
    with finnhub.Finnhub(market, TOKEN, finnhub.Habits(ping_s=0.5), tls=tls) as venue:
        with tapedeck.Live(folder, [feed(venue, f", heartbeat: 2s, ca: {tls}/ca.pem")], FINNHUB_TOKEN=TOKEN) as run:
            for how in ["close", "drop", "reset", "mute"]:
                wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 10, "a session")
                time.sleep(0.3)
                venue.cut(how)
            wait_for(lambda: len((venue.open_session() or server.Session(None)).sent) > 10, "the last session")
            for symbol in SYMBOLS:
                market.stop(symbol)
            time.sleep(2.5)  # pings alone keep a session
            check_quiet(run)
            assert venue.open_session() is venue.sessions[-1] and len(venue.sessions) == 5, len(venue.sessions)
    sent, found = collections.defaultdict(list), collections.defaultdict(list)
    for session in venue.sessions[:3] + venue.sessions[4:]:  # the mute one's last words were read by nobody
        for symbol, *row in (row for message in session.sent for row in message):
            sent[symbol].append(row)
    for key, v in run.values("Trade"):
        found[key.partition(":")[2]].append(v)
    doubles, cut, conditions, gaps = 0, 0, set(), run.gaps()
    for symbol, rows in sent.items():
        got = [(v["event_ns"], decimal.Decimal(v["price"]), decimal.Decimal(v["size"]), v["condition"])
               for v in found[symbol]]
        want = [(t * 10**6, decimal.Decimal(str(p)), decimal.Decimal(str(v)), flags_of(c or [])) for t, p, v, c in rows]
        for row in collections.Counter(want) - collections.Counter(got):  # cut off on their way: told as missing
            assert any(gap["from_ns"] <= row[0] <= gap["to_ns"] for gap in gaps if gap["instrument"].endswith(symbol)), row
            cut += 1
        doubles += sum(n - 1 for n in collections.Counter(got).values())
        conditions |= {row[3] for row in got}
    assert doubles > 5 and cut < 20 and conditions == {"1001102", "2", ""}, (doubles, cut, conditions)
    assert {gap["reason"] for gap in gaps} == {"session"} and len(gaps) >= 4 * 3, gaps
    assert len(tapedeck.called_off(venue.sessions[4])) == len(SYMBOLS), venue.sessions[4].received
    assert run.stderr.count("the session ended") == 4 and TOKEN not in run.stderr, run.stderr
    return f"{sum(map(len, found.values()))} trades, {doubles} equal ones, {len(gaps)} gaps"


@CASES.add
def too_many(folder):
    """Of five symbols the last two are refused without their names, and told once; the others go on, and are called off
    in the end."""
    market = coinbase.Market([*SYMBOLS, "MSFT"], rate=20)
    with finnhub.Finnhub(market, TOKEN, finnhub.Habits(most=3)) as venue:
        with tapedeck.Live(folder, [feed(venue, symbols=[*SYMBOLS, "MSFT"])], FINNHUB_TOKEN=TOKEN) as run:
            wait_for(lambda: venue.sessions and len(venue.sessions[0].received) == 7, "what was refused, again", 20)
            time.sleep(2.5)
            assert len(venue.sessions) == 1 and venue.sessions[0].symbols == SYMBOLS[:3], venue.sessions[0].symbols
    assert run.stderr.count("does not give OANDA:EUR_USD, MSFT: Subscribing to too many symbols") == 1, run.stderr
    given_up = [json.loads(message) for message in tapedeck.called_off(venue.sessions[0])]
    assert given_up == [{"type": "unsubscribe", "symbol": symbol} for symbol in SYMBOLS[:3]], given_up
    found = collections.Counter(key for key, _ in run.values("Trade"))
    assert set(found) == {f"FINNHUB:{symbol}" for symbol in SYMBOLS[:3]} and min(found.values()) > 50, found
    return f"{sum(found.values())} trades of the others"


@CASES.add
def wrong_token(folder):
    """Given by a file. One try; what to do is told; the other feed goes on."""
    with open(f"{folder}/key", "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    with finnhub.Finnhub(coinbase.Market(SYMBOLS), "another") as venue:
        feeds = [feed(venue, token=f"token_file: {folder}/key"), "simulated: { instruments: 2, ticks: 0 }"]
        with tapedeck.Live(folder, feeds) as run:
            wait_for(lambda: venue.refused, "a try")
            time.sleep(2)
            check_quiet(run)
    assert venue.refused == 1 and not venue.sessions, venue.refused
    told = [line for line in run.stderr.splitlines() if "401" in line]
    assert len(told) == 1 and "wants another token (token, token_file)" in told[0], run.stderr
    assert TOKEN not in run.stderr + run.stdout and run.values("Trade"), run.stderr
    return told[0].partition("finnhub: ")[2]


if __name__ == "__main__":
    sys.exit(CASES.run())
