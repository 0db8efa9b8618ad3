"""tests/venues/twelvedata.py - Twelve Data's prices on this machine: answers that name what was taken and what was not, many
prices within a second, heartbeats of the client's, three connections of a key.

    twelvedata.py [--symbols AAPL,EUR/USD] [--token test-key] [--rate 20] [--port 0] [--cut-every SECONDS]
                  [--tls FOLDER]

prints the URL, for `twelvedata: { url }`, and plays until it is stopped.
"""
import asyncio
import json
import random
import time
from urllib.parse import parse_qs, urlsplit

from server import Server, arguments, play

CONNECTIONS_MAX = 3
NO_KEY = "**apikey** parameter is incorrect or not specified. You can get your free API key at the vendor's site"


class TwelveData(Server):
    """A session's `sent` holds (symbol, second, price) in their order. `patience_s` without a heartbeat is its end."""

    def __init__(self, symbols, token, rate=20.0, port=0, tls=None, patience_s=30.0):
        super().__init__(port, tls)
        self.prices = {symbol: 10.0 * (n + 1) for n, symbol in enumerate(symbols)}
        self.token, self.rate, self.patience_s = token, rate, patience_s
        self._random = random.Random("twelvedata")

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
    play(TwelveData(o.symbols.split(","), o.token, o.rate, o.port, o.tls), o.cut_every)


if __name__ == "__main__":
    main()
