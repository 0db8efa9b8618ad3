"""tests/e2e/live.py - the real program against a real WebSocket server that cuts it off in every way: each message sent
on a session is on the tape in its place, and each loss is told by Time records. Over ws, over wss, and after a restart.
"""
import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import tapedeck

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import server  # noqa: E402
import venue as venues  # noqa: E402

RECORDING = tapedeck.ROOT / "examples/data/binance/spot_btcusdt_20240808.gz"
SESSION_BIT = 1 << 31
RATE = 4000
SESSION_S = 0.4


def ids(frames, sent):
    """What the tape must hold of a session: {line: trade id or update id}."""
    wanted = {}
    for line, number in enumerate(sent, 1):
        message = json.loads(frames[number])
        body = message.get("data", message)
        kind = body.get("e") or message.get("stream", "").partition("@")[2]
        if kind == "trade":
            wanted[line] = body["t"]
        elif kind == "bookTicker" or ("u" in body and "s" in body and "e" not in body):
            wanted[line] = body["u"]
    return wanted


def records(data, topic="tape"):
    done = subprocess.run([tapedeck.PROGRAM, "log", "cat", topic, "--data", data], stdout=subprocess.PIPE, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def held(data):
    """{session: {line: id}} of the tape."""
    sessions = collections.defaultdict(dict)
    for record in records(data):
        value, src = record["value"], record.get("src")
        if value["schema"] in ("Trade", "Quote"):
            key = value["trade_id"] if value["schema"] == "Trade" else value["sequence"]
            sessions[src["file"] - SESSION_BIT][src["line"]] = key
    return sessions


class Run:
    """The program in the background; leaving stops it with SIGTERM and checks that it goes in peace."""

    def __init__(self, file):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([tapedeck.PROGRAM, "run", "--json", "--quiet", file], cwd=tapedeck.ROOT,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)

    @property
    def stderr(self):
        """What it has said so far."""
        return os.pread(self.errors.fileno(), 1 << 24, 0).decode()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        self.stdout, _ = self.process.communicate(timeout=30)
        if kind is None:
            assert self.process.returncode == 0, f"exit {self.process.returncode}:\n{self.stderr}"
            assert time.monotonic() - began < 10, "it takes too long to stop"


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def play(venue, file, cuts):
    """Cuts the run off in those ways, lets it come back each time, then stops it. What it said."""
    with Run(file) as run:
        for how in cuts:
            wait_for(lambda: venue.open_session() is not None)
            time.sleep(SESSION_S)
            venue.cut(how)
        wait_for(lambda: venue.open_session() is not None)
        time.sleep(SESSION_S)
        venue.paused = True
        time.sleep(0.3)
    return run


def check_sessions(data, venue, first):
    """The venue's sessions are the log's from number `first` on, with what was sent on each."""
    tape, compared = held(data), 0
    for number, session in enumerate(venue.sessions, first):
        wanted, found = ids(venue.frames, session.sent), tape[number]
        if session.cut == "reset":  # what is on the way dies with a reset; nothing before it may be missing
            last = max(found, default=0)
            wanted = {line: key for line, key in wanted.items() if line <= last}
        assert found == wanted, f"session {number} ({session.cut}): {len(found)} on the tape, {len(wanted)} sent"
        compared += len(wanted)
    return compared


def check_losses(data, partitions, sessions):
    """In each partition: live and down in turn, one pair per session, and each says since when and until when."""
    marks = collections.defaultdict(list)
    for record in records(data):
        value = record["value"]
        if value["schema"] == "Time" and value["session"] in ("live", "down"):
            marks[record["partition"]].append((record["src"]["file"] - SESSION_BIT, value))
    assert sorted(marks) == list(range(partitions))
    for of_partition in marks.values():
        begun = {number for number, value in of_partition if value["session"] == "live"}
        ended = [(number, value) for number, value in of_partition if value["session"] == "down"]
        assert begun == set(range(1, sessions + 1)), begun
        assert [number for number, _ in ended] == list(range(1, sessions)), ended
        for number, down in ended:
            back = next(v for n, v in of_partition if n == number + 1 and v["session"] == "live")
            assert down["bound_ns"] is None and back["clock_ns"] >= down["clock_ns"], (down, back)


def check_status(folder, frames):
    """A feed that was quiet before its venue went away is told as down, not by its last sign of life."""
    data = f"{folder}/quiet"
    with venues.Venue(frames, RATE, loop=True) as venue:
        file = tapedeck.config(f"{folder}/quiet.yaml", data, [f"websocket: {{ url: '{venue.url}' }}"], partitions=2,
                               sink=False)
        run = Run(file)
        wait_for(lambda: venue.open_session() is not None)
        time.sleep(SESSION_S)
        venue.paused = True
        time.sleep(2.5)

    def session():
        done = subprocess.run([tapedeck.PROGRAM, "status", "--json", "--data", data], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)["feeds"][0]["session"]

    with run:
        wait_for(lambda: session() == "down", 10)


def check_explained(folder):
    """Why a day is not closed: of a running process, of one whose venue is gone, and the same of the log it left."""
    instrument, began_ms = "BINANCE:BTCUSDT", int(time.time() * 1000)
    frames = [json.dumps({"e": "trade", "s": "BTCUSDT", "t": n, "p": "60000.1", "q": "1", "T": began_ms + n * 10,
                          "m": True}) for n in range(3000)]
    data = f"{folder}/explained"

    def explain(width, *words):
        done = subprocess.run([tapedeck.PROGRAM, "explain", "window", instrument, width, str(began_ms * 10**6),
                               "--data", data, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.stdout

    with venues.Venue(frames, 100) as venue:
        feed = f"websocket: {{ url: '{venue.url}', reconnect: 60s }}"
        file = tapedeck.config(f"{folder}/explained.yaml", data, [feed], bars="[100ms, 1d]", partitions=1, sink=False)
        with Run(file):
            tapedeck.wait_for(lambda: "closed: revision 0 of " in explain("100ms"), lambda: explain("100ms"), 20)
            day = explain("1d")
            assert ": open, " in day and "session live, lateness 1s" in day, day
            assert "feed websocket closes it; its watermark in tape-0 stands at" in day and " short of the end" in day
            venue.cut("drop")
            wait_for(lambda: "(session down," in explain("1d"))
            down = explain("1d")
            assert "the session is down: bounds go on `hold` after it broke" in down, down
            assert "its last record there is a Time of" in down and "gap 1 lies over it (session, from" in down, down
            assert "to a time not known yet) and makes it partial: open, nobody knows how many" in down, down
        stopped = explain("1d")
        assert stopped == down, (stopped, down)
        told = json.loads(explain("1d", "--json"))
        assert told["state"] == "open" and told["session"] == "down" and told["trades"] > 20, told
        assert told["end_ns"] - told["watermark_ns"] == told["short_ns"] > 0 and told["last"]["kind"] == "Time", told
    print(f"explained: open after {told['trades']} trades, beside the process and without it")


def check_history(folder, frames):
    """With the venue's past at hand no trade is missing in the end, and none is there twice by accident."""
    data, tls = f"{folder}/past", server.make_authority(f"{folder}/tls")
    with venues.Venue(frames, 1000, tls=tls) as venue:
        feed = (f"websocket: {{ url: '{venue.url}', ca: {tls}/ca.pem, reconnect: 20ms, history: '{venue.history}', "
                "history_interval: 10ms, history_after: 300ms }")
        file = tapedeck.config(f"{folder}/past.yaml", data, [feed], partitions=2, sink=False)

        def trades(origin):
            return [r["value"]["trade_id"] for r in records(data)
                    if r["value"]["schema"] == "Trade" and r["value"]["origin"] == origin]

        def whole():
            live, past = set(trades("feed")), set(trades("backfill"))
            wanted = {t["t"] for t in venue.trades("BTCUSDT") if t["t"] >= min(live)}
            assert not live & past and live | past <= wanted
            return live | past == wanted

        play(venue, file, ["drop", "half"])
        venue.paused = False
        time.sleep(SESSION_S)
        with Run(file):  # what the process missed while it was not there
            wait_for(lambda: venue.open_session() is not None)
            time.sleep(SESSION_S)
            venue.paused = True
            wait_for(whole)
        gaps = {r["value"]["number"]: r["value"]["status"] for r in records(data, "gaps")}
        assert len(gaps) >= 3 and set(gaps.values()) == {"filled"} and len(trades("backfill")) > 20, gaps
        print(f"history: {len(trades('backfill'))} trades from {venue.pages} pages in {len(gaps)} gaps")


def main():
    frames = venues.read_frames(RECORDING)
    with tapedeck.folder() as folder, venues.Venue(frames, RATE, loop=True) as venue:
        data = f"{folder}/data"
        feed = f"websocket: {{ url: '{venue.url}', reconnect: 20ms, subscribe: '{{\"id\":1}}' }}"
        file = tapedeck.config(f"{folder}/live.yaml", data, [feed], partitions=4, sink=False)
        run = play(venue, file, server.CUTS)
        assert run.stderr.count("the session ended") == len(server.CUTS), run.stderr
        assert all(s.received == ['{"id":1}'] for s in venue.sessions)
        first = len(venue.sessions)
        compared = check_sessions(data, venue, 1)
        venue.paused = False
        play(venue, file, [])
        compared = check_sessions(data, venue, 1)
        check_losses(data, 4, len(venue.sessions))
        assert len(venue.sessions) == first + 1 and compared > 3000, (first, compared)
        print(f"ws: {len(venue.sessions)} sessions, {compared} messages compared")

    with tapedeck.folder() as folder:
        check_status(folder, frames)
        check_explained(folder)
        check_history(folder, frames)
    with tapedeck.folder() as folder:
        tls = server.make_authority(f"{folder}/tls")
        with venues.Venue(frames, RATE, tls=tls, loop=True) as venue:
            strangers = f"websocket: {{ url: '{venue.url}', reconnect: 20ms }}"
            file = tapedeck.config(f"{folder}/no.yaml", f"{folder}/no", [strangers], partitions=1, sink=False)
            with Run(file) as run:
                wait_for(lambda: "no session: " in run.stderr)
            assert not venue.sessions
            feed = f"websocket: {{ url: '{venue.url}', reconnect: 20ms, ca: {tls}/ca.pem }}"
            file = tapedeck.config(f"{folder}/yes.yaml", f"{folder}/yes", [feed], partitions=4, sink=False)
            play(venue, file, ["drop"])
            compared = check_sessions(f"{folder}/yes", venue, 1)
            assert compared > 1000, compared
            print(f"wss: {len(venue.sessions)} sessions, {compared} messages compared")


if __name__ == "__main__":
    main()
