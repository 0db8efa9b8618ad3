"""tests/e2e/live_binance.py - the real program against Binance's books as tests/venues/binance.py plays them: what only
changes are told of is asked for, and can be read; again behind a cut and behind an update that was lost, though the
venue is too busy at first and then behind its own stream.
"""
import itertools
import json
import subprocess
import sys

import tapedeck
from tapedeck import wait_for

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import binance  # noqa: E402

CASES = tapedeck.Cases()
SYMBOLS = ["BTCUSDT", "ETHUSDT"]
INTERVAL_S, SESSION_BIT = 0.3, 1 << 30


def book(run, symbol):
    done = subprocess.run([tapedeck.PROGRAM, "state", f"BINANCE:{symbol}", "--json", "--data", run.data],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return json.loads(done.stdout).get("book", {}) if done.returncode == 0 else {}


def numbers(levels):
    return [[float(number) for number in level] for level in levels]


def wait_for_books(run, venue):
    """The market stands still: each book is the venue's, level by level."""
    wait_for(lambda: {symbol for symbol, _ in getattr(venue.open_session(), "sent", [])} == set(SYMBOLS), "updates")
    venue.paused = True

    def differ():
        for symbol in SYMBOLS:
            found = book(run, symbol)
            want = {side: numbers(binance.as_text(*level) for level in venue.books[symbol].best(side, 10))
                    for side in ("bids", "asks")}
            if not found.get("readable") or any(numbers(found[side]) != want[side] for side in want):
                return f"{symbol}: {found}, not {want}"
        return ""
    wait_for(lambda: not differ(), differ)
    venue.paused = False


def check_positions(run):
    """Each part of a whole book stands behind the one before, and no update between them; how many books came."""
    came, within = 0, None
    for record in run.read("log", "cat", "tape"):
        value, src = record["value"], record.get("src")
        if value["schema"] != "BookUpdate":
            continue
        if within is not None and within[0] == record["key"]:
            place = (src["file"], src["line"], src["part"])
            assert value["first_sequence"] is None and place == within[1], (within, record)
        came += value["snapshot"]
        whole = value["first_sequence"] is None and value["more"]
        within = (record["key"], (src["file"], src["line"], src.get("part", 0) + 1)) if whole else None
    return came


@CASES.add
def books(folder):
    with binance.Binance(SYMBOLS) as venue:
        venue.busy = venue.stale = 1
        wanted = {"method": "SUBSCRIBE", "params": [f"{symbol.lower()}@depth" for symbol in SYMBOLS], "id": 1}
        feed = (f"websocket: {{ url: '{venue.url}', subscribe: '{json.dumps(wanted)}', history: '{venue.history}', "
                "history_interval: 300ms, raw: true, reconnect: 50ms, lateness: 200ms, max_delay: 200ms }")
        with tapedeck.Live(folder, [feed]) as run:
            wait_for_books(run, venue)
            assert [code for _, _, code in venue.asked] == [429, 200, 200, 200], venue.asked
            venue.paused = True  # no update is lost: it is the session's end that the books do not outlive
            venue.cut("half")
            wait_for(lambda: len(venue.sessions) == 2, "another session")
            venue.paused = False
            wait_for(lambda: len(venue.asked) >= 6, "books of another session")
            wait_for_books(run, venue)
            venue.lose = "ETHUSDT"
            wait_for(lambda: len(venue.asked) == 7, "a lost update to be seen")
            wait_for_books(run, venue)
            gaps = run.gaps()
    (given_up,) = tapedeck.called_off(venue.sessions[1])
    assert json.loads(given_up) == wanted | {"method": "UNSUBSCRIBE"} and not venue.sessions[1].streams, given_up
    assert [symbol for _, symbol, _ in venue.asked[6:]] == ["ETHUSDT"], venue.asked
    assert [(g["reason"], g["status"]) for g in gaps if g["reason"] == "sequence"] == [("sequence", "filled")], gaps
    spans = [later[0] - earlier[0] for earlier, later in itertools.pairwise(venue.asked)]
    assert min(spans) > INTERVAL_S - 0.05, spans
    came = check_positions(run)
    answers = sum(r["value"]["kind"] == "answer" for r in run.read("log", "cat", "raw.websocket"))
    assert came == answers == 6, (came, answers)
    told = [line for line in run.stderr.splitlines() if "does not come" in line]
    assert len(told) == 2 and "the answer is code 429; the next try is in 1.0 s" in told[0], run.stderr
    assert "older than what has changed since; the next try is in " in told[1], run.stderr
    return f"{came} whole books, {len(run.values('BookUpdate'))} records of {len(SYMBOLS)} books"


if __name__ == "__main__":
    sys.exit(CASES.run())
