"""tests/venues/alphavantage.py - Alpha Vantage on this machine: series of bars by month and by day, latest prices, as JSON
and as CSV, newest first, in New York's time; HTTP 200 whatever it says. A key has so many requests a minute and a day; what
is not in its plan, what makes no sense and what goes wrong is said as the vendor says it, the key in some of it.

    alphavantage.py [--symbols IBM,MSFT] [--token test-key] [--per-minute 5] [--per-day 25] [--drip SECONDS] [--port 0]
                    [--tls FOLDER]

prints the URL, for `alphavantage: { url }`, and answers until it is stopped.
"""
import asyncio
import datetime
import functools
import json
import random
import time
import zoneinfo
from urllib.parse import parse_qs

from server import Server, arguments, play

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
SITE = "https://www.alphavantage.co"
THANKS = "Thank you for using Alpha Vantage! "
EVERY = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "60min": 60}
LISTED = datetime.date(2000, 1, 1)  # before it there is nothing
COLUMNS = ["open", "high", "low", "close", "volume"]


class AlphaVantage(Server):
    """`asked` holds (function, symbol, month) of each request that was answered with data, `notices` the words of the
    others. `premium`: functions that the key's plan has not. `mistakes`: {number of the request, from 1: what comes of it
    in place of an answer}, of "cut", "page", "busy" (HTTP 503)."""

    def __init__(self, symbols, token, port=0, tls=None, per_minute=0, per_day=0, premium=(), mistakes=None, drip_s=0.0):
        super().__init__(port, tls)
        self.symbols, self.token, self.premium, self.mistakes = symbols, token, premium, mistakes or {}
        self.per_minute, self.per_day, self.drip_s = per_minute, per_day, drip_s
        self.requests, self.today = 0, 0
        self.times, self.asked, self.notices = [], [], []

    @property
    def url(self):
        return self.history

    # what it has

    @functools.cache  # noqa: B019 - one object a test; what is past stays as it was
    def bars(self, symbol, interval, month):
        """{local start: (open, high, low, close, volume)} of a month's sessions, but for minutes without a trade."""
        minutes = EVERY[interval]
        day = datetime.date.fromisoformat(f"{month}-01")
        rows, now = {}, datetime.datetime.now(NEW_YORK).replace(tzinfo=None)
        while f"{day:%Y-%m}" == month:
            draw = random.Random(f"{symbol} {interval} {day}")
            price = 100.0 + draw.random() * 50
            for number in range(390 // minutes if day.weekday() < 5 else 0):
                price *= 1 + draw.gauss(0, 0.001)
                at = datetime.datetime.combine(day, datetime.time(9, 30)) + datetime.timedelta(minutes=number * minutes)
                if draw.random() > 0.03 and at <= now:
                    rows[at] = self._bar(price, draw)
            day += datetime.timedelta(days=1)
        return rows

    def days(self, symbol):
        """The same of the last 30 sessions, today's among them."""
        rows, day = {}, datetime.datetime.now(NEW_YORK).date()
        while len(rows) < 30:
            draw = random.Random(f"{symbol} {day}")
            if day.weekday() < 5:
                rows[datetime.datetime.combine(day, datetime.time())] = self._bar(100.0 + draw.random() * 50, draw)
            day -= datetime.timedelta(days=1)
        return rows

    @staticmethod
    def _bar(price, draw):
        spread = abs(draw.gauss(0, 0.05))
        numbers = (price - spread / 2, price + spread, price - spread, price + spread / 2)
        return tuple(f"{number:.4f}" for number in numbers) + (str(draw.randrange(100, 100000)),)

    def quote(self, symbol):
        """Of the last session; another price each time."""
        day = next(iter(self.days(symbol)))
        return {"01. symbol": symbol, "02. open": "112.6300", "03. high": "113.1700", "04. low": "110.6400",
                "05. price": f"{100 + len(self.asked) / 100:.4f}", "06. volume": "29062853",
                "07. latest trading day": f"{day:%Y-%m-%d}", "08. previous close": "112.7900", "09. change": "-0.6600",
                "10. change percent": "-0.5852%"}

    # what it says

    def _series(self, query, name, rows, stamp):
        """Newest first."""
        newest_first = sorted(rows.items(), reverse=True)
        if query.get("outputsize", "compact") == "compact":
            newest_first = newest_first[:100]
        if query.get("datatype") == "csv":
            lines = [",".join([at.strftime(stamp), *row]) for at, row in newest_first]
            return "\r\n".join([",".join(["timestamp", *COLUMNS]), *lines]) + "\r\n"
        values = {at.strftime(stamp): {f"{n + 1}. {c}": v for n, (c, v) in enumerate(zip(COLUMNS, row, strict=True))}
                  for at, row in newest_first}
        meta = {"1. Information": "Prices and Volumes", "2. Symbol": query["symbol"],
                "3. Last Refreshed": next(iter(values), ""), "4. Output Size": "Full", "5. Time Zone": "US/Eastern"}
        return json.dumps({"Meta Data": meta, f"Time Series ({name})": values}, indent=4)

    def _data(self, query):
        """The answer with data; KeyError and ValueError: the call makes no sense."""
        function, symbol = query["function"], query["symbol"]
        month = query.get("month", "")
        if symbol not in self.symbols:
            raise ValueError(symbol)
        if function == "TIME_SERIES_INTRADAY":
            if datetime.date.fromisoformat(f"{month}-01") < LISTED:
                raise ValueError(month)
            rows = self.bars(symbol, query["interval"], month)
            text = self._series(query, query["interval"], rows, "%Y-%m-%d %H:%M:%S")
        elif function == "TIME_SERIES_DAILY":
            text = self._series(query, "Daily", self.days(symbol), "%Y-%m-%d")
        elif function == "GLOBAL_QUOTE":
            text = json.dumps({"Global Quote": self.quote(symbol)})
        else:
            raise ValueError(function)
        self.asked.append((function, symbol, month))
        return text

    def _notice(self, query):
        """(key, text) in place of data, or None."""
        now = time.monotonic()
        self.times = [at for at in self.times if now - at < 60] + [now]
        key = query.get("apikey", "")
        if key != self.token:
            return "Error Message", f"the parameter apikey is invalid or missing. Please claim your free API key on {SITE}/"
        if self.per_day and self.today >= self.per_day:
            return "Information", (f"We have detected your API key as {key} and our standard API rate limit is {self.per_day} "
                                   f"requests per day. Please subscribe to any of the premium plans at {SITE}/premium/")
        if self.per_minute and len(self.times) > self.per_minute:
            return "Note", (f"{THANKS}Our standard API call frequency is {self.per_minute} calls per minute and 500 calls per "
                            f"day. Please visit {SITE}/premium/ if you would like to target a higher API call frequency.")
        self.today += 1
        if query.get("function") in self.premium:
            return "Information", f"{THANKS}This is a premium endpoint. You may subscribe to any of the premium plans at {SITE}/"
        return None

    def _answer(self, query):
        notice = self._notice(query)
        try:
            if notice is None:
                return self._data(query)
        except (KeyError, ValueError):
            notice = "Error Message", (f"Invalid API call. Please retry or visit the documentation ({SITE}/documentation/) for "
                                       f"{query.get('function', 'it')}.")
        self.notices.append(notice[1])
        return json.dumps(dict([notice]))

    def _asked(self, path, query):
        if path != "/query":
            return super()._asked(path, query)
        self.requests += 1
        mistake = self.mistakes.get(self.requests)
        if mistake == "busy":
            return 503, {}, b""
        if mistake == "page":
            return 200, {"Content-Type": "text/html"}, b"<html><body>Just a moment</body></html>"
        text = self._answer({name: values[0] for name, values in parse_qs(query).items()}).encode()
        return 200, {}, text[:len(text) // 2] if mistake == "cut" else text

    async def _drip(self, connection, response):
        """Sixteen pieces, and time between them; returns the last one."""
        text = response.serialize()
        size = len(text) // 16 + 1
        for at in range(0, (len(text) - 1) // size * size, size):
            connection.transport.write(text[at:at + size])
            await asyncio.sleep(self.drip_s / 16)
        response.serialize = lambda: text[(len(text) - 1) // size * size:]
        return response

    async def _request(self, connection, request):
        response = super()._request(connection, request)
        return await self._drip(connection, response) if response is not None and self.drip_s else response

    async def _play(self):
        """There is nothing that it says by itself."""


def main():
    parser = arguments(__doc__)
    parser.add_argument("--symbols", default="IBM,MSFT")
    parser.add_argument("--token", default="test-key")
    parser.add_argument("--per-minute", type=int, default=5)
    parser.add_argument("--per-day", type=int, default=25)
    parser.add_argument("--drip", type=float, default=0, help="seconds that an answer takes")
    o = parser.parse_args()
    play(AlphaVantage(o.symbols.split(","), o.token, o.port, o.tls, o.per_minute, o.per_day, drip_s=o.drip), o.cut_every)


if __name__ == "__main__":
    main()
