"""tests/venues/coinbase.py - Coinbase Exchange on this machine: its public channels over ws or wss, its pages of trades
over http or https on the same port, its limits, its refusals, and the bad habits that venues have. Its market follows
from a seed and goes on whether or not somebody is connected.

    coinbase.py [--products BTC-USD,ETH-USD] [--rate 5] [--port 0] [--cut-every SECONDS] [--away SECONDS]
                [--tls FOLDER] [--seed 1]

prints the URLs, for `coinbase: { url, history }`, and plays until it is stopped. --tls makes a test authority in FOLDER:
believe FOLDER/ca.pem.
"""
import asyncio
import dataclasses
import heapq
import json
import random
import time
from urllib.parse import parse_qs, unquote

from server import Server, arguments, play

CHANNELS = ["matches", "ticker", "heartbeat", "level2_batch"]
PRIVATE = ["level2", "level3", "full", "user"]
PRICES = {"BTC-USD": 60000.0, "ETH-USD": 2500.0, "SOL-USD": 140.0}
PAGE_MAX = 1000
MESSAGES_PER_S = 100
REQUESTS_PER_S, REQUESTS_AT_ONCE = 10, 20


@dataclasses.dataclass
class Trade:
    product: str
    trade_id: int
    sequence: int
    time_us: int
    price: str
    size: str
    side: str  # the maker's
    bid: str
    ask: str

    @property
    def time(self):
        seconds, us = divmod(self.time_us, 10**6)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{us:06d}Z"


class Market:
    """The trades of all products. A product's k-th is the same whenever the market begins, but for its time."""

    def __init__(self, products, seed=1, rate=5.0, past_s=60, now_us=None):
        self.products, self.rate = list(products), rate
        self.trades = {product: [] for product in products}
        self.first_id = {product: 1000 * (n + 1) for n, product in enumerate(products)}
        self._random = {product: random.Random(f"{seed}/{product}") for product in products}
        self._price = {product: PRICES.get(product, 100.0) for product in products}
        self._stopped = set()
        began_us = (now_us or time.time_ns() // 1000) - past_s * 10**6
        self._due = [(began_us + self._wait_us(product), product) for product in products]
        heapq.heapify(self._due)

    def _wait_us(self, product):
        return 1 + int(self._random[product].expovariate(self.rate) * 10**6)

    def stop(self, product):
        """Nobody trades it any more."""
        self._stopped.add(product)

    def _trade(self, product, time_us):
        r, known = self._random[product], self.trades[product]
        self._price[product] *= 1 + r.gauss(0, 0.0002)
        price = self._price[product]
        return Trade(product, self.first_id[product] + len(known), 10**6 + 3 * len(known), time_us, f"{price:.2f}",
                     f"{r.randrange(1, 10**8) / 10**8:.8f}", r.choice(["buy", "sell"]), f"{price * 0.9999:.2f}",
                     f"{price * 1.0001:.2f}")

    def advance(self, now_us):
        """What was traded since the last call, in time order."""
        new = []
        while self._due and self._due[0][0] <= now_us:
            time_us, product = heapq.heappop(self._due)
            if product in self._stopped:
                continue
            trade = self._trade(product, time_us)
            self.trades[product].append(trade)
            new.append(trade)
            heapq.heappush(self._due, (time_us + self._wait_us(product), product))
        return new


@dataclasses.dataclass
class Habits:
    """What it does that it should not, each as a share of the messages or answers, from 0 to 1, or as said."""
    drop: float = 0  # matches that are never sent
    duplicate: float = 0  # matches sent twice
    reorder: float = 0  # matches sent behind the next one
    unknown: float = 0  # messages of a type nobody has heard of, between the others
    lag: float = 0  # seconds by which matches and tickers come late
    unlisted: tuple = ()  # products it takes and never acknowledges
    most: int = 0  # products on a connection; 0: any number
    last: int = 0  # trades that its pages reach back; 0: all
    busy: float = 0  # answers 429, to be asked again after a second
    torn: float = 0  # answers cut in the middle
    excuse: float = 0  # answers 200 that hold an error


class Coinbase(Server):
    """A session's `sent` holds (product, trade id) of each match. With `patience` seconds to subscribe."""

    def __init__(self, market, habits=None, port=0, tls=None, patience=5.0, away_s=0.0):
        super().__init__(port, tls, away_s)
        self.market, self.habits, self.patience = market, habits or Habits(), patience
        self.requests = []  # paths with their queries
        self._random = random.Random("habits")
        self._held = None
        self._tokens, self._filled_at = float(REQUESTS_AT_ONCE), time.monotonic()

    def _chance(self, share):
        return share > 0 and self._random.random() < share

    # ---- sessions ----

    async def _connected(self, connection):
        hurry = asyncio.create_task(self._expect_subscription(connection))
        try:
            await super()._connected(connection)
        finally:
            hurry.cancel()

    async def _expect_subscription(self, connection):
        await asyncio.sleep(self.patience)
        session = next(s for s in self.sessions if s.connection is connection)
        if not getattr(session, "channels", None):
            await connection.close(1008, "no subscription in time")

    async def _refuse(self, session, reason):
        await self._send(session, {"type": "error", "message": "Failed to subscribe", "reason": reason})

    def _read_subscription(self, message):
        """{channel: products}, or why not."""
        wanted = {}
        for channel in message.get("channels", []):
            channel = {"name": channel} if isinstance(channel, str) else channel
            products = channel.get("product_ids", message.get("product_ids", []))
            if channel["name"] in PRIVATE:
                return None, f"{channel['name']} channel requires authentication"
            if channel["name"] not in CHANNELS:
                return None, f"{channel['name']} is not a valid channel"
            for product in products:
                if product not in self.market.products:
                    return None, f"{product} is not a valid product"
            wanted[channel["name"]] = products
        return wanted, None

    async def _heard(self, session, text):
        second = int(time.monotonic())
        session.pace = (second, getattr(session, "pace", (0, 0))[1] + 1) if getattr(
            session, "pace", (0, 0))[0] == second else (second, 1)
        if session.pace[1] > MESSAGES_PER_S:
            await session.connection.close(1008, "rate limit exceeded")
            return
        try:
            message = json.loads(text)
        except ValueError:
            await self._send(session, {"type": "error", "message": "Malformed JSON"})
            return
        wanted, why = self._read_subscription(message)
        have = getattr(session, "channels", {})
        total = set().union(*have.values(), *(wanted or {}).values())
        if self.habits.most and len(total) > self.habits.most:
            why = "too many products"
        if why:
            await self._refuse(session, why)
            return
        session.channels = have
        await (self._subscribe if message["type"] == "subscribe" else self._unsubscribe)(session, wanted)

    async def _subscribe(self, session, wanted):
        new = []
        for channel, products in wanted.items():
            of_channel = session.channels.setdefault(channel, set())
            new += [(channel, p) for p in products if p not in of_channel and p not in self.habits.unlisted]
            of_channel.update(p for p in products if p not in self.habits.unlisted)
        await self._acknowledge(session)
        for channel, product in new:
            known = self.market.trades[product]
            if known and channel == "matches":
                await self._send(session, self._match(known[-1], "last_match"))
            elif known and channel == "ticker":
                await self._send(session, self._ticker(known[-1]))
            elif known and channel == "level2_batch":
                session.book = getattr(session, "book", {}) | {product: known[-1]}
                await self._send(session, self._snapshot(known[-1]))

    async def _unsubscribe(self, session, wanted):
        for channel, products in wanted.items():
            session.channels.get(channel, set()).difference_update(products)
        await self._acknowledge(session)

    async def _acknowledge(self, session):
        channels = [{"name": c, "product_ids": sorted(p)} for c, p in session.channels.items() if p]
        await self._send(session, {"type": "subscriptions", "channels": channels})

    # ---- what it says ----

    @staticmethod
    def _match(trade, kind="match"):
        return {"type": kind, "trade_id": trade.trade_id, "maker_order_id": "27fff20b-af29-4f45-8744-56dd1ef57dc0",
                "taker_order_id": "1da6ce16-c8da-4732-9f71-6049f4c6aaf8", "side": trade.side, "size": trade.size,
                "price": trade.price, "product_id": trade.product, "sequence": trade.sequence, "time": trade.time}

    @staticmethod
    def _ticker(trade):
        return {"type": "ticker", "sequence": trade.sequence, "product_id": trade.product, "price": trade.price,
                "open_24h": trade.price, "volume_24h": "94381.28000000", "low_24h": trade.price,
                "high_24h": trade.price, "volume_30d": "2295579.57000000", "best_bid": trade.bid,
                "best_bid_size": "0.5", "best_ask": trade.ask, "best_ask_size": "0.25",
                "side": "sell" if trade.side == "buy" else "buy", "time": trade.time, "trade_id": trade.trade_id,
                "last_size": trade.size}

    @staticmethod
    def _snapshot(trade):
        """A book of what one trade said, above and below what stands there for ever: many levels."""
        bids = [[trade.bid, trade.size]] + [[f"{cents / 100:.2f}", "1"] for cents in range(100, 300)]
        asks = [[trade.ask, trade.size]] + [[f"{10**6 + cents / 100:.2f}", "1"] for cents in range(200)]
        return {"type": "snapshot", "product_id": trade.product, "bids": bids, "asks": asks, "time": trade.time}

    @staticmethod
    def _l2update(before, trade):
        changes = [["buy", before.bid, "0"], ["sell", before.ask, "0"], ["buy", trade.bid, trade.size],
                   ["sell", trade.ask, trade.size]]
        return {"type": "l2update", "product_id": trade.product, "changes": changes, "time": trade.time}

    def _heartbeat(self, product):
        last = self.market.trades[product][-1]
        now = dataclasses.replace(last, time_us=time.time_ns() // 1000)
        return {"type": "heartbeat", "sequence": last.sequence, "last_trade_id": last.trade_id,
                "product_id": product, "time": now.time}

    async def _tell(self, session, trade):
        channels = getattr(session, "channels", {})
        if trade.product in channels.get("matches", ()) and not self._chance(self.habits.drop):
            for _ in range(2 if self._chance(self.habits.duplicate) else 1):
                session.sent.append((trade.product, trade.trade_id))
                await self._send(session, self._match(trade))
        if trade.product in channels.get("ticker", ()):
            await self._send(session, self._ticker(trade))
        if trade.product in channels.get("level2_batch", ()):
            await self._send(session, self._l2update(session.book[trade.product], trade))
            session.book[trade.product] = trade
        if self._chance(self.habits.unknown):
            await self._send(session, {"type": "rfq_match", "maker_order_id": None, "nested": [{"deep": [1, 2]}]})

    async def _tell_all(self, trade):
        if self._held is None and self._chance(self.habits.reorder):
            self._held = trade
            return
        for session in self.sessions:
            if session.cut is None:
                await self._tell(session, trade)
        if self._held is not None:
            held, self._held = self._held, None
            await self._tell_all(held)

    async def _play(self):
        late, beat = [], time.monotonic()
        while not self._stop.is_set():
            now = time.time_ns() // 1000
            late += self.market.advance(now)
            while late and late[0].time_us + self.habits.lag * 10**6 <= now:
                await self._tell_all(late.pop(0))
            if time.monotonic() >= beat:
                beat += 1
                for session in [s for s in self.sessions if s.cut is None]:
                    for product in sorted(getattr(session, "channels", {}).get("heartbeat", ())):
                        if self.market.trades[product]:
                            await self._send(session, self._heartbeat(product))
            await asyncio.sleep(0.005)

    # ---- requests ----

    def _take_token(self):
        now = time.monotonic()
        self._tokens = min(REQUESTS_AT_ONCE, self._tokens + (now - self._filled_at) * REQUESTS_PER_S)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _page(self, product, query):
        trades = self.market.trades[product]
        trades = trades[-self.habits.last:] if self.habits.last else trades
        words = {key: int(values[0]) for key, values in parse_qs(query).items()}
        limit = words.get("limit", PAGE_MAX)
        if not 1 <= limit <= PAGE_MAX:
            return None
        rows = [t for t in reversed(trades)
                if t.trade_id < words.get("after", t.trade_id + 1) and t.trade_id > words.get("before", -1)]
        return rows[:limit]

    def _asked(self, path, query):
        self.requests.append(f"{path}?{query}")
        words = path.strip("/").split("/")
        if not self._take_token() or self._chance(self.habits.busy):
            return 429, {"Retry-After": "1"}, b'{"message":"Public rate limit exceeded"}'
        if self._chance(self.habits.excuse):
            return 200, {}, b'{"message":"Internal server error"}'
        if len(words) != 3 or words[0] != "products" or words[2] != "trades":
            return 404, {}, b'{"message":"Route not found"}'
        product = unquote(words[1])
        if product not in self.market.products:
            return 404, {}, b'{"message":"NotFound"}'
        rows = self._page(product, query)
        if rows is None:
            return 400, {}, b'{"message":"limit must be from 1 to 1000"}'
        body = json.dumps([{"trade_id": t.trade_id, "side": t.side, "size": t.size, "price": t.price, "time": t.time}
                           for t in rows]).encode()
        if self._chance(self.habits.torn):
            body = body[:len(body) // 2]
        ends = {"CB-BEFORE": str(rows[0].trade_id), "CB-AFTER": str(rows[-1].trade_id)} if rows else {}
        return 200, ends, body


def main():
    parser = arguments(__doc__)
    parser.add_argument("--products", default="BTC-USD,ETH-USD")
    parser.add_argument("--rate", type=float, default=5, help="trades of a product per second")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--away", type=float, default=0, help="seconds after a cut for which nobody is let in")
    o = parser.parse_args()
    market = Market(o.products.split(","), o.seed, o.rate)
    play(Coinbase(market, port=o.port, tls=o.tls, away_s=o.away), o.cut_every, "history")


if __name__ == "__main__":
    main()
