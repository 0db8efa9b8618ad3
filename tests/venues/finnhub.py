"""tests/venues/finnhub.py - Finnhub's trades on this machine: over ws or wss, by token, several trades in a message, with
its limits and its silence: nothing is acknowledged, a refusal names nobody, and a second connection ends both. Its market
is Coinbase's one by other names.

    finnhub.py [--symbols AAPL,BINANCE:BTCUSDT] [--token test-key] [--rate 5] [--port 0] [--cut-every SECONDS]
               [--tls FOLDER]

prints the URL, for `finnhub: { url }`, and plays until it is stopped.
"""
import asyncio
import dataclasses
import json
import time
from urllib.parse import parse_qs

from coinbase import Market
from server import Server, arguments, play

BATCH_S = 0.05
CONDITIONS = [{"c": ["1", "8", "24", "12"]}, {"c": ["1"]}, {"c": []}, {"c": None}, {}]


@dataclasses.dataclass
class Habits:
    most: int = 50  # symbols on a connection
    ping_s: float = 60
    unknown: tuple = ()  # symbols that it refuses
    twice: int = 3  # of so many trades one is followed by its equal; 0: none


class Finnhub(Server):
    """A session's `sent` holds the trades of each message as (symbol, time in ms, price, size, conditions)."""

    def __init__(self, market, token, habits=None, port=0, tls=None, away_s=0.0):
        super().__init__(port, tls, away_s)
        self.market, self.token, self.habits = market, token, habits or Habits()
        self.refused = 0  # tries with another token

    def _denied(self, query):
        if parse_qs(query).get("token") == [self.token]:
            return None
        self.refused += 1
        return 401, b"Invalid API key"

    async def _connected(self, connection):
        others = [s for s in self.sessions if s.cut is None]
        if others:  # one connection per key
            for session in others:
                session.cut = "another one"
                await session.connection.close(1008, "one connection per key")
            await connection.close(1008, "one connection per key")
            return
        await super()._connected(connection)

    async def _heard(self, session, text):
        message = json.loads(text)
        symbols = session.__dict__.setdefault("symbols", [])
        symbol = message["symbol"]
        if message["type"] == "unsubscribe" and symbol in symbols:
            symbols.remove(symbol)
        elif message["type"] == "subscribe" and symbol in self.habits.unknown:
            await self._send(session, {"msg": "Invalid symbol", "type": "error"})
        elif message["type"] == "subscribe" and symbol not in symbols:
            if len(symbols) < self.habits.most:
                symbols.append(symbol)
            else:
                await self._send(session, {"msg": "Subscribing to too many symbols", "type": "error"})

    @staticmethod
    def _row(trade):
        """Numbers as a venue of JavaScript writes them: 122.0 is 122."""
        price, size = (int(x) if x == int(x) else x for x in (float(trade.price), float(trade.size)))
        return CONDITIONS[trade.trade_id % len(CONDITIONS)] | {
            "p": price, "s": trade.product, "t": trade.time_us // 1000, "v": size}

    async def _tell(self, session, trades):
        rows = []
        for trade in trades:
            if trade.product in session.__dict__.get("symbols", ()):
                again = self.habits.twice and trade.trade_id % self.habits.twice == 0
                rows += [self._row(trade)] * (2 if again else 1)
        if rows and await self._send(session, {"data": rows, "type": "trade"}):
            session.sent.append([(r["s"], r["t"], r["p"], r["v"], r.get("c")) for r in rows])

    async def _play(self):
        ping = time.monotonic() + self.habits.ping_s
        while not self._stop.is_set():
            trades = self.market.advance(time.time_ns() // 1000)
            for session in [s for s in self.sessions if s.cut is None]:
                await self._tell(session, trades)
                if time.monotonic() >= ping:
                    await self._send(session, {"type": "ping"})
            if time.monotonic() >= ping:
                ping += self.habits.ping_s
            await asyncio.sleep(BATCH_S)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--symbols", default="AAPL,BINANCE:BTCUSDT")
    parser.add_argument("--token", default="test-key")
    parser.add_argument("--rate", type=float, default=5, help="trades of a symbol per second")
    o = parser.parse_args()
    play(Finnhub(Market(o.symbols.split(","), rate=o.rate), o.token, port=o.port, tls=o.tls), o.cut_every)


if __name__ == "__main__":
    main()
