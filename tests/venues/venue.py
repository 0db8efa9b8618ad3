"""tests/venues/venue.py - a venue on this machine: plays recorded messages to whoever is connected, at a rate, over ws
or wss, and ends connections in every way that a network knows. The market goes on while nobody listens.

    venue.py RECORDING.gz [--rate 1000] [--port 0] [--cut-every SECONDS] [--loop] [--tls FOLDER]

prints the URL and plays until it is stopped. What has been played so far is its past: /api/v3/trades and
/api/v3/historicalTrades give pages of trades at the same host and port, by http or https. RECORDING has lines of "receive_ns json", as hftbacktest's collector
writes them. --tls makes a test authority in FOLDER: believe FOLDER/ca.pem.
"""
import argparse
import asyncio
import gzip
import itertools
import json
import pathlib
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

CUTS = ["close", "drop", "half", "reset"]


def read_frames(path):
    """The messages of a recording, without their receive times."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split(" ", 1)[1] for line in lines if " " in line]


def make_authority(folder, host="localhost"):
    """A test authority and a certificate for `host`: ca.pem, host.pem, host.key."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "host.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Tapedeck test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "host.key", "-out", "host.csr", "-subj", f"/CN={host}")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "host.pem", "-days", "2", "-extfile", "host.ext")
    return folder


class Session:
    """One connection: the index in the recording of each message that was sent on it, and how it was cut."""

    def __init__(self, connection):
        self.connection = connection
        self.sent = []
        self.received = []
        self.cut = None


class Venue:
    """The server, on a thread of its own. `with Venue(frames) as venue:` plays from the first connection on."""

    def __init__(self, frames, rate=1000, port=0, tls=None, loop=False):
        self.frames, self.rate, self.port, self.loop = frames, rate, port, loop
        self.tls = tls
        self.sessions = []
        self.next = 0
        self.pages = 0
        self.finished = threading.Event()
        self.paused = False
        self._ready = threading.Event()
        self._events = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._events.run_until_complete, args=(self._main(),), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10), "the venue does not start"
        return self

    def __exit__(self, *_):
        self._events.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def history(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://localhost:{self.port}/ws"

    def open_session(self):
        """The session that is open now, or None."""
        return next((s for s in self.sessions if s.cut is None), None)

    def cut(self, how):
        """Ends the open session: by a close frame, by the end of the stream, within a frame, by a reset."""
        done = threading.Event()
        self._events.call_soon_threadsafe(lambda: self._events.create_task(self._cut(how, done)))
        assert done.wait(10), "the cut does not end"

    async def _cut(self, how, done):
        session = self.open_session()
        if session is not None:
            session.cut = how
            transport = session.connection.transport
            if how == "close":
                await session.connection.close(1001, "maintenance")
            elif how == "half":
                transport.write(b"\x81\x7e" + struct.pack(">H", 300) + b'{"e":"trade","cut":')
                transport.close()
            elif how == "drop":
                transport.close()
            elif how == "reset":
                transport.abort()
        done.set()

    def trades(self, symbol):
        """Of the frames played so far, in their order, as messages."""
        bodies = (json.loads(frame) for frame in self.frames[:self.next])
        bodies = (body.get("data", body) for body in bodies)
        return [body for body in bodies if body.get("e") == "trade" and body["s"] == symbol]

    def _answer(self, connection, request):
        """A page of the past; None: not a request for one."""
        url = urllib.parse.urlsplit(request.path)
        if not url.path.startswith("/api/v3/"):
            return None
        wanted = dict(urllib.parse.parse_qsl(url.query))
        limit = int(wanted["limit"])
        trades = self.trades(wanted["symbol"])
        if "fromId" in wanted:
            trades = [t for t in trades if t["t"] >= int(wanted["fromId"])][:limit]
        self.pages += 1
        return connection.respond(200, json.dumps([
            {"id": t["t"], "price": t["p"], "qty": t["q"], "time": t["T"], "isBuyerMaker": t["m"], "isBestMatch": True}
            for t in trades[-limit:]]))

    async def _connected(self, connection):
        session = Session(connection)
        self.sessions.append(session)
        try:
            async for message in connection:
                session.received.append(message)
        except ConnectionClosedError:
            pass  # that is what cuts are for
        session.cut = session.cut or "left"

    async def _play(self):
        """Time passes whether or not somebody listens."""
        while not self.sessions and not self._stop.is_set():
            await asyncio.sleep(0.005)
        began, played = time.monotonic(), 0
        numbers = itertools.cycle(range(len(self.frames))) if self.loop else iter(range(len(self.frames)))
        for number in numbers:
            while self.paused or time.monotonic() < began + played / self.rate:
                if self.paused:
                    began += 0.005
                await asyncio.sleep(0.005)
            if self._stop.is_set():
                return
            session = self.open_session()
            if session is not None:
                try:
                    await session.connection.send(self.frames[number])
                    session.sent.append(number)
                except ConnectionClosed:  # it ended under the message, which therefore was not sent
                    session.cut = session.cut or "left"
            played += 1
            self.next = number + 1
        self.finished.set()

    async def _main(self):
        self._stop = asyncio.Event()
        context = None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{self.tls}/host.pem", f"{self.tls}/host.key")
        async with serve(self._connected, "localhost", self.port, ssl=context, compression=None, ping_interval=2,
                         close_timeout=1, process_request=self._answer) as server:
            self.port = server.sockets[0].getsockname()[1]
            player = asyncio.create_task(self._play())
            self._ready.set()
            await self._stop.wait()
            player.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording")
    parser.add_argument("--rate", type=float, default=1000, help="messages per second")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--cut-every", type=float, default=0, help="seconds; each time in another way")
    parser.add_argument("--loop", action="store_true", help="begin again at the recording's end")
    parser.add_argument("--tls", metavar="FOLDER", help="speak wss, with a test authority made there")
    options = parser.parse_args()
    tls = make_authority(options.tls) if options.tls else None
    with Venue(read_frames(options.recording), options.rate, options.port, tls, options.loop) as venue:
        print(venue.url, flush=True)
        try:
            for how in itertools.cycle(CUTS):
                if venue.finished.wait(options.cut_every or None):
                    break
                venue.cut(how)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
