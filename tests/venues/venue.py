"""tests/venues/venue.py - a venue on this machine: plays recorded messages to whoever is connected, at a rate, over ws
or wss, and ends connections in every way that a network knows. The market goes on while nobody listens.

    venue.py RECORDING.gz [--rate 1000] [--port 0] [--cut-every SECONDS] [--loop] [--tls FOLDER]

prints the URL and plays until it is stopped. What has been played so far is its past: /api/v3/trades and
/api/v3/historicalTrades give pages of trades at the same host and port, by http or https. RECORDING has lines of
"receive_ns json", as hftbacktest's collector writes them. --tls makes a test authority in FOLDER: believe FOLDER/ca.pem.
"""
import asyncio
import gzip
import itertools
import json
import time
import urllib.parse

from server import Server, arguments, play


def read_frames(path):
    """The messages of a recording, without their receive times."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split(" ", 1)[1] for line in lines if " " in line]


class Venue(Server):
    """Plays from the first connection on. A session's `sent` holds the index in the recording of each message."""

    def __init__(self, frames, rate=1000, port=0, tls=None, loop=False):
        super().__init__(port, tls)
        self.frames, self.rate, self.loop = frames, rate, loop
        self.next = 0
        self.pages = 0
        self.paused = False

    def trades(self, symbol):
        """Of the frames played so far, in their order, as messages."""
        bodies = (json.loads(frame) for frame in self.frames[:self.next])
        bodies = (body.get("data", body) for body in bodies)
        return [body for body in bodies if body.get("e") == "trade" and body["s"] == symbol]

    def _asked(self, path, query):
        """A page of the past."""
        if path not in ("/api/v3/trades", "/api/v3/historicalTrades"):
            return super()._asked(path, query)
        wanted = dict(urllib.parse.parse_qsl(query))
        limit = int(wanted["limit"])
        trades = self.trades(wanted["symbol"])
        if "fromId" in wanted:
            trades = [t for t in trades if t["t"] >= int(wanted["fromId"])][:limit]
        self.pages += 1
        return 200, {}, json.dumps([
            {"id": t["t"], "price": t["p"], "qty": t["q"], "time": t["T"], "isBuyerMaker": t["m"], "isBestMatch": True}
            for t in trades[-limit:]]).encode()

    async def _play(self):
        """Time passes whether or not somebody listens."""
        while not self.sessions and not self._stop.is_set():
            await asyncio.sleep(0.005)
        began = time.monotonic()
        numbers = itertools.cycle(range(len(self.frames))) if self.loop else iter(range(len(self.frames)))
        for played, number in enumerate(numbers):
            while self.paused or time.monotonic() < began + played / self.rate:
                if self.paused:
                    began += 0.005
                await asyncio.sleep(0.005)
            if self._stop.is_set():
                return
            session = self.open_session()
            if session is not None and await self._send(session, self.frames[number]):
                session.sent.append(number)
            self.next = number + 1
        self.finished.set()


def main():
    parser = arguments(__doc__)
    parser.add_argument("recording")
    parser.add_argument("--rate", type=float, default=1000, help="messages per second")
    parser.add_argument("--loop", action="store_true", help="begin again at the recording's end")
    o = parser.parse_args()
    play(Venue(read_frames(o.recording), o.rate, o.port, o.tls, o.loop), o.cut_every)


if __name__ == "__main__":
    main()
