"""tests/venues/binance.py - Binance's books on this machine: what changes comes over ws or wss, with numbers that follow on
each other, and a book as a whole only to who asks /api/v3/depth at the same host and port, which may be too busy, or
know less than it has sent.
"""
import asyncio
import json
import random
import time
import urllib.parse

from server import Server

LEVELS = 150  # of a side: more than one record holds


class Book:
    """Sizes by price, as whole numbers of cents and of thousandths, up to update `number`."""

    def __init__(self, middle):
        self.middle, self.number = middle, 1000
        self.bids = {middle - n: 1000 + n for n in range(1, LEVELS + 1)}
        self.asks = {middle + n: 2000 + n for n in range(1, LEVELS + 1)}

    def change(self, rand, count):
        """`count` levels change, one an update; the message."""
        first, changed = self.number + 1, {"b": [], "a": []}
        for _ in range(count):
            side, away = rand.choice("ba"), rand.randint(1, LEVELS)
            size = rand.choice([0, rand.randint(1, 5000)])
            price = self.middle - away if side == "b" else self.middle + away
            levels = self.bids if side == "b" else self.asks
            levels[price] = size
            if size == 0:
                del levels[price]
            changed[side] = [level for level in changed[side] if level[0] != price] + [(price, size)]
            self.number += 1
        return {"e": "depthUpdate", "E": time.time_ns() // 10**6, "U": first, "u": self.number} | {
            side: [as_text(*level) for level in levels] for side, levels in changed.items()}

    def best(self, side, count):
        levels = self.bids if side == "bids" else self.asks
        return [(price, levels[price]) for price in sorted(levels, reverse=side == "bids")[:count]]

    def answer(self, limit):
        return {"lastUpdateId": self.number} | {
            side: [as_text(*level) for level in self.best(side, limit)] for side in ("bids", "asks")}


def as_text(price, size):
    return [f"{price / 100:.2f}", f"{size / 1000:.3f}"]


class Binance(Server):
    """`asked` holds (instant, symbol, code) of each request. `busy` and `stale`: so many of the next ones are refused,
    are answered with the book as it was when the venue began. `lose` is a symbol whose next update is not sent."""

    def __init__(self, symbols, rate=40.0, port=0, tls=None):
        super().__init__(port, tls)
        self.books = {symbol: Book(10000 * (n + 1)) for n, symbol in enumerate(symbols)}
        self._began = {symbol: book.answer(LEVELS) for symbol, book in self.books.items()}
        self.rate, self.asked, self.busy, self.stale, self.lose = rate, [], 0, 0, None
        self.paused = False
        self._random = random.Random("binance")

    async def _heard(self, session, text):
        message = json.loads(text)
        streams = session.__dict__.setdefault("streams", set())
        change = streams.update if message["method"] == "SUBSCRIBE" else streams.difference_update
        change(message["params"])
        await self._send(session, {"result": None, "id": message["id"]})

    def _asked(self, path, query):
        wanted = dict(urllib.parse.parse_qsl(query))
        if path != "/api/v3/depth" or wanted.get("symbol") not in self.books:
            return 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}'
        symbol, code = wanted["symbol"], 429 if self.busy > 0 else 200
        self.asked.append((time.monotonic(), symbol, code))
        if self.busy > 0:
            self.busy -= 1
            return code, {"Retry-After": "1"}, b'{"code":-1003,"msg":"Too many requests."}'
        if self.stale > 0:
            self.stale -= 1
            return code, {}, json.dumps(self._began[symbol]).encode()
        return code, {}, json.dumps(self.books[symbol].answer(int(wanted["limit"]))).encode()

    async def _play(self):
        while not self._stop.is_set():
            await asyncio.sleep(1 / self.rate)
            if self.paused:
                continue
            symbol = self._random.choice(list(self.books))
            message = {"s": symbol} | self.books[symbol].change(self._random, self._random.choice([1, 5, 400]))
            session = self.open_session()
            if session is None:
                continue
            if symbol == self.lose:
                self.lose = None
                continue
            if await self._send(session, message):
                session.sent.append((symbol, message["u"]))
