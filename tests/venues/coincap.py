"""tests/venues/coincap.py - CoinCap's prices on this machine: what is wanted stands in the address with the key; messages
name the assets whose price has changed, with more digits than a double holds. Another key hears one text, and then
nothing.

    coincap.py [--assets bitcoin,ethereum] [--token test-key] [--rate 5] [--port 0] [--cut-every SECONDS]
               [--tls FOLDER]

prints the URL, for `coincap: { url }`, and plays until it is stopped.
"""
import asyncio
import random
from urllib.parse import parse_qs, urlsplit

from server import Server, arguments, play


class CoinCap(Server):
    """A session's `sent` holds (asset, price) in their order."""

    def __init__(self, assets, token, rate=5.0, port=0, tls=None):
        super().__init__(port, tls)
        self.prices = {asset: 10.0 ** (n + 1) for n, asset in enumerate(assets)}
        self.token, self.rate = token, rate
        self.denied = 0
        self._random = random.Random("coincap")

    async def _connected(self, connection):
        words = parse_qs(urlsplit(connection.request.path).query)
        if words.get("apiKey") != [self.token]:
            self.denied += 1
            await connection.send("Unauthorized: the key " + words.get("apiKey", [""])[0] + " does not reach this")
            await connection.wait_closed()
            return
        wanted = words.get("assets", [""])[0].split(",")
        connection.assets = list(self.prices) if wanted == ["ALL"] else wanted
        await super()._connected(connection)

    def _step(self):
        """Some of the prices, changed."""
        changed = [asset for asset in self.prices if self._random.random() < 0.6]
        for asset in changed:
            self.prices[asset] *= 1 + self._random.gauss(0, 0.0002)
        return {asset: f"{self.prices[asset]:.13f}{self._random.randrange(1000):03d}" for asset in changed}

    async def _play(self):
        while not self._stop.is_set():
            prices = self._step()
            for session in [s for s in self.sessions if s.cut is None]:
                mine = {a: p for a, p in prices.items() if a in session.connection.assets}
                if mine and await self._send(session, mine):
                    session.sent += mine.items()
            await asyncio.sleep(1 / self.rate)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--assets", default="bitcoin,ethereum")
    parser.add_argument("--token", default="test-key")
    parser.add_argument("--rate", type=float, default=5, help="messages per second")
    o = parser.parse_args()
    play(CoinCap(o.assets.split(","), o.token, o.rate, o.port, o.tls), o.cut_every)


if __name__ == "__main__":
    main()
