"""tests/venues/server.py - what the venues on this machine share: a server on a thread of its own, over ws or wss, that
can end its sessions in every way that a network knows, and answers plain requests on the same port."""
import argparse
import asyncio
import http
import itertools
import json
import pathlib
import ssl
import struct
import subprocess
import threading
import time

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.http11 import Response

CUTS = ["close", "drop", "half", "reset"]  # "mute" beside them: it is there, and neither speaks nor listens


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


def arguments(doc):
    """A parser with what each venue takes: one that is a program of its own."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--cut-every", type=float, default=0, help="seconds; each time in another way")
    parser.add_argument("--tls", metavar="FOLDER", type=make_authority,
                        help="speak wss and https, with a test authority made there")
    return parser


def play(server, cut_every, *said):
    """Says where it is, and serves until it is stopped or has nothing more to play."""
    with server:
        print(server.url, *(getattr(server, name) for name in said), flush=True)
        try:
            for how in itertools.cycle(CUTS):
                if server.finished.wait(cut_every or None):
                    break
                server.cut(how)
        except KeyboardInterrupt:
            pass


class Session:
    """One connection: what was sent on it, in the venue's own words, what it said, and how it was cut. `code` is that of
    its goodbye, None where it went without one, and `pause` how long before that it had said something."""

    def __init__(self, connection):
        self.connection = connection
        self.sent = []
        self.received = []
        self.cut = None
        self.code = self.pause = None


class Server:
    """`with Server() as server:` serves until it is left. A venue says what it plays (`_play`, a task of its own), what
    it makes of a message (`_heard`) and what it answers to a request (`_asked`: code, headers, body)."""

    def __init__(self, port=0, tls=None, away_s=0.0):
        self.port, self.tls, self.away_s = port, tls, away_s
        self.deaf = False  # what is said to it is noted, and has no answer
        self._back = 0.0  # nobody is let in before
        self.sessions = []
        self._ready = threading.Event()
        self.finished = threading.Event()  # by who plays something that has an end
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
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://localhost:{self.port}/ws"

    @property
    def history(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def open_session(self):
        """The session that is open now, or None."""
        return next((s for s in self.sessions if s.cut is None), None)

    def cut(self, how):
        """Ends the open session: by a close frame, by the end of the stream, within a frame, by a reset; or mutes it."""
        done = threading.Event()
        self._events.call_soon_threadsafe(lambda: self._events.create_task(self._cut(how, done)))
        assert done.wait(10), "the cut does not end"

    async def _cut(self, how, done):
        session = self.open_session()
        if session is not None:
            session.cut = how
            self._back = time.monotonic() + self.away_s
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
            elif how == "mute":
                transport.pause_reading()
        done.set()

    async def _send(self, session, message):
        """A text, or what becomes one; False where the session ended under it, so that it was not sent."""
        text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
        try:
            if session.cut is None:
                await session.connection.send(text)
                return True
        except ConnectionClosed:
            session.cut = session.cut or "left"
        return False

    async def _play(self):
        raise NotImplementedError

    async def _heard(self, session, message):
        """A client's message."""

    def _denied(self, _query):
        """Code and body of the answer to who may not connect, or None."""

    def _asked(self, _path, _query):
        return 404, {}, b'{"message":"NotFound"}'

    async def _connected(self, connection):
        session, heard = Session(connection), time.monotonic()
        self.sessions.append(session)
        try:
            async for message in connection:
                session.received.append(message)
                heard = time.monotonic()
                if not self.deaf:
                    await self._heard(session, message)
        except ConnectionClosedError:
            pass  # that is what cuts are for
        goodbye = connection.protocol.close_rcvd
        session.code, session.pause = goodbye and goodbye.code, time.monotonic() - heard
        session.cut = session.cut or "left"

    def _request(self, _connection, request):
        """None: it is to become a WebSocket."""
        path, _, query = request.path.partition("?")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            code, more, body = self._asked(path, query)
        elif time.monotonic() < self._back:
            code, more, body = 503, {}, b""
        else:
            denied = self._denied(query)
            if denied is None:
                return None
            code, more, body = denied[0], {}, denied[1]
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)),
                           "Connection": "close"} | more)
        return Response(code, http.HTTPStatus(code).phrase, headers, body)

    async def _main(self):
        self._stop = asyncio.Event()
        context = None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{self.tls}/host.pem", f"{self.tls}/host.key")
        async with serve(self._connected, "localhost", self.port, ssl=context, compression=None, ping_interval=2,
                         close_timeout=1, process_request=self._request) as server:
            self.port = server.sockets[0].getsockname()[1]
            player = asyncio.create_task(self._play())
            self._ready.set()
            await self._stop.wait()
            player.cancel()
