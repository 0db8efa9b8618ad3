"""tests/venues/twelvedata.py - Twelve Data on this machine: prices with answers that name what was taken and what was not,
many within a second, heartbeats of the client's, three connections of a key; and series of bars over HTTP, with errors
inside of HTTP 200 and so many credits a minute.

    twelvedata.py [--symbols AAPL,EUR/USD] [--token test-key] [--rate 20] [--port 0] [--cut-every SECONDS]
                  [--tls FOLDER]

prints the URL, for `twelvedata: { url }`, and the one for `history` and `twelvedata-series: { url }`, and plays until it is stopped.
"""
import asyncio
import datetime
import json
import random
import time
from urllib.parse import parse_qs, urlsplit

from server import Server, arguments, play

CONNECTIONS_MAX = 3
COLUMNS = ["open", "high", "low", "close"]
WIDTHS = {"1min": 60, "1h": 3600, "1day": 86400}
NO_KEY = "**apikey** parameter is incorrect or not specified. You can get your free API key at the vendor's site"


class TwelveData(Server):
    """A session's `sent` holds (symbol, second, price) in their order. `patience_s` without a heartbeat is its end."""

    def __init__(self, symbols, token, rate=20.0, port=0, tls=None, patience_s=30.0):
        super().__init__(port, tls)
        self.prices = {symbol: 10.0 * (n + 1) for n, symbol in enumerate(symbols)}
        self.token, self.rate, self.patience_s = token, rate, patience_s
        self._random = random.Random("twelvedata")
        self.credits, self.credits_max, self.rows_max = 0, 0, 5000
        self.served, self.told = [], []  # (symbol, interval, rows) of series, and the codes of all answers

    async def _connected(self, connection):
        open_ones = [s for s in self.sessions if s.cut is None]
        if len(open_ones) >= CONNECTIONS_MAX:
            open_ones[0].cut = "one too many"
            await open_ones[0].connection.close(1008, "too many connections")
        await super()._connected(connection)

    async def _heard(self, session, text):
        message = json.loads(text)
        session.beat = time.monotonic()
        if message["action"] == "heartbeat":
            await self._send(session, {"event": "heartbeat", "status": "ok"})
        elif parse_qs(urlsplit(session.connection.request.path).query).get("apikey") != [self.token]:
            await self._send(session, {"event": "subscribe-status", "status": "error", "message": NO_KEY})
        elif message["action"] == "unsubscribe":
            given_up = message["params"]["symbols"].split(",")
            session.symbols.difference_update(given_up)
            await self._send(session, {"event": "unsubscribe-status", "status": "ok",
                                       "success": [{"symbol": s} for s in given_up], "fails": None})
        elif message["action"] == "subscribe":
            asked = message["params"]["symbols"].split(",")
            session.symbols = getattr(session, "symbols", set()) | (set(asked) & set(self.prices))
            good = [{"symbol": s, "exchange": "NASDAQ", "type": "Common Stock"} for s in asked if s in self.prices]
            bad = [{"symbol": s} for s in asked if s not in self.prices]
            await self._send(session, {"event": "subscribe-status", "status": "ok", "success": good or None,
                                       "fails": bad or None})

    def _price(self, symbol, second):
        self.prices[symbol] *= 1 + self._random.gauss(0, 0.0002)
        price = round(self.prices[symbol], 5)
        said = {"event": "price", "symbol": symbol, "currency": "USD", "exchange": "NASDAQ", "type": "Common Stock",
                "timestamp": second, "price": price}
        return said | ({"bid": price - 0.01, "ask": price + 0.01} if "/" in symbol else {})

    # series

    @staticmethod
    def bar(symbol, start):
        """(open, high, low, close) of the minute or day that starts at that second."""
        draw = random.Random(f"{symbol} {start}")
        low, high = sorted(round(100 + draw.random(), 5) for _ in range(2))
        return tuple(f"{number:.5f}" for number in (low, high, low, high))

    @staticmethod
    def _seconds(text):
        return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())

    def _series(self, query):
        """(code, message) or an answer. Only starts that are whole minutes or days, as far as the clock has come."""
        width = WIDTHS.get(query["interval"])
        if query.get("apikey") != self.token:
            return 401, NO_KEY
        self.credits += 1
        if self.credits_max and self.credits > self.credits_max:
            return 429, (f"You have run out of API credits for the current minute. {self.credits} API credits were used, with "
                         f"the current limit being {self.credits_max}. Wait for the next minute.")
        if query["symbol"] not in self.prices or width is None:
            return 400, f"**symbol** not found: {query['symbol']}. Please specify it correctly."
        now = int(time.time())
        begin = self._seconds(query.get("start_date", "2026-01-01 00:00:00"))
        end = min(self._seconds(query["end_date"]) if "end_date" in query else now, now)
        starts = list(range(-(-begin // width) * width, end + 1, width))[:min(int(query["outputsize"]), self.rows_max)]
        stamp = "%Y-%m-%d" if width == WIDTHS["1day"] else "%Y-%m-%d %H:%M:%S"
        values = [{"datetime": time.strftime(stamp, time.gmtime(start))} | dict(zip(COLUMNS, self.bar(query["symbol"], start),
                                                                                    strict=True)) for start in starts]
        meta = {"symbol": query["symbol"], "interval": query["interval"], "type": "Physical Currency"}
        self.served.append((query["symbol"], query["interval"], len(values)))
        return 200, {"meta": meta, "values": values, "status": "ok"}

    def _asked(self, path, query):
        """Its errors come with HTTP 200, most of the time."""
        if path != "/time_series":
            return super()._asked(path, query)
        code, said = self._series({name: values[0] for name, values in parse_qs(query).items()})
        self.told.append(code)
        if code != 200:
            said = {"code": code, "message": said, "status": "error"}
        return (code if len(self.told) % 2 and code in (400, 429) else 200), {}, json.dumps(said).encode()

    async def _play(self):
        while not self._stop.is_set():
            second, symbol = int(time.time()), self._random.choice(list(self.prices))
            said = self._price(symbol, second)
            for session in [s for s in self.sessions if s.cut is None]:
                if time.monotonic() > getattr(session, "beat", time.monotonic()) + self.patience_s:
                    session.cut = "no heartbeat"
                    await session.connection.close(1008, "no heartbeat")
                elif symbol in getattr(session, "symbols", ()) and await self._send(session, said):
                    session.sent.append((symbol, second, said["price"]))
            await asyncio.sleep(1 / self.rate)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--symbols", default="AAPL,EUR/USD")
    parser.add_argument("--token", default="test-key")
    parser.add_argument("--rate", type=float, default=20, help="prices per second")
    o = parser.parse_args()
    play(TwelveData(o.symbols.split(","), o.token, o.rate, o.port, o.tls), o.cut_every, "history")


if __name__ == "__main__":
    main()
