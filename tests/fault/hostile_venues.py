"""tests/fault/hostile_venues.py - servers that mean harm cost their connection, never the process, and not the feed beside
them: frames without end, headers without end, bytes that are no text, what unpacks to a thousand times its size, answers
byte by byte, redirects, a stranger's certificate; as WebSocket and as pages of the past. No word of theirs and no failure
tells the token in an address.
"""
import base64
import gzip
import hashlib
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "venues")]
import coinbase  # noqa: E402
import server  # noqa: E402
import tapedeck  # noqa: E402

TOKEN = "kept-from-every-log-4711"
MEMORY_MAX_KB = 200 * 1024


def frame(payload, head=0x81):
    size = len(payload)
    length = struct.pack(">B", size) if size < 126 else struct.pack(">BH", 126, size)
    return bytes([head]) + length + payload


def flood(connection, block, seconds=4):
    """Until the other side has enough."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(block)


def huge_frame(connection):
    connection.sendall(b"\x81\x7f" + struct.pack(">Q", 1 << 40))
    flood(connection, b"[" * 65536)


def huge_message(connection):
    connection.sendall(b"\x01" + b"\x00")
    flood(connection, frame(b"7" * 60000, head=0x00))


def not_utf8(connection):
    connection.sendall(frame(b'{"type":"error","message":"\xff\xfe\xc0\x80"}'))
    connection.sendall(frame(b"\xff" * 100))


def packed(connection):
    """A frame that says it is compressed, as nobody agreed to: a hundred megabytes of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    connection.sendall(frame(packer.compress(bytes(100 << 20))[:60000], head=0xc1))


def wrong_frames(connection):
    connection.sendall(b"\x89\x7e" + struct.pack(">H", 60000) + bytes(60000))  # a ping that long is none


def deep_json(connection):
    connection.sendall(frame(b"[" * 60000))


def close_flood(connection):
    """What comes behind a farewell."""
    connection.sendall(frame(struct.pack(">H", 1001) + b"bye", head=0x88))
    flood(connection, frame(b"8" * 60000))


def ping_flood(connection):
    flood(connection, frame(b"p" * 120, head=0x89) * 500)


def nothing(_connection):
    time.sleep(5)


FRAMES = {"huge-frame": huge_frame, "huge-message": huge_message, "not-utf8": not_utf8, "packed": packed,
          "wrong-frames": wrong_frames, "deep-json": deep_json,
          "close-flood": close_flood, "ping-flood": ping_flood, "silent": nothing}


def endless_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    flood(connection, b"X-More: " + b"y" * 1000 + b"\r\n")


def drip(connection):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + b"X: y\r\n" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def redirect(connection):
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/?token=" + TOKEN.encode() +
                       b"\r\nContent-Length: 0\r\n\r\n")


def endless_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    flood(connection, b'{"trade_id":1},' * 4000)


def packed_body(connection):
    body = gzip.compress(b"[" + b" " * (200 << 20))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + str(len(body)).encode() +
                       b"\r\n\r\n" + body)


def not_http(connection):
    connection.sendall(b"\x00\x01\x02SSH-2.0-nobody\r\n\r\n" + bytes(1000))


ANSWERS = {"endless-headers": endless_headers, "drip": drip, "redirect": redirect, "endless-body": endless_body,
           "packed-body": packed_body, "not-http": not_http}


DOOMED = [*(word for word in FRAMES if word != "not-utf8"), *ANSWERS, "stranger"]  # that one costs its messages


class Hostile:
    """The first word of a path says how a connection is treated."""

    def __init__(self, tls=None):
        self.tls = tls
        self.seen = []
        self.socket = socket.create_server(("localhost", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self._treat, args=(connection,), daemon=True).start()

    def _treat(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096) or b"\r\n\r\n"
            word = head.split(b" ")[1].decode().split("?")[0].strip("/").split("/")[0]
            self.seen.append(word)
            if word in ANSWERS:
                ANSWERS[word](connection)
            elif word in FRAMES:
                key = next(line.split(b": ")[1] for line in head.split(b"\r\n")
                           if line.lower().startswith(b"sec-websocket-key"))
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                FRAMES[word](connection)
            time.sleep(1)
        except (OSError, StopIteration):
            pass  # it had enough of us
        finally:
            connection.close()


def stranger(folder):
    """A certificate that nobody believed has signed."""
    server.make_authority(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/host.pem", f"{folder}/host.key")
    return context


def feeds_of(hostile, strange, venue, good):
    """Feeds by name: hostile ones, one each; each hostile page beside a good session; and one that only means well."""
    common = "products: [BTC-USD], reconnect: 500ms, heartbeat: 3s, message: 256KB, history_after: 200ms"
    feeds = []
    for n, word in enumerate([*FRAMES, *ANSWERS]):
        feeds.append(f"coinbase: {{ name: {word}, venue: H{n}, {common}, history: '', "
                     f"url: 'ws://localhost:{hostile.port}/{word}?token=${{HOSTILE_TOKEN}}' }}")
    feeds.append(f"coinbase: {{ name: stranger, venue: S, {common}, history: '', "
                 f"url: 'wss://localhost:{strange.port}/silent?token=${{HOSTILE_TOKEN}}' }}")
    for n, word in enumerate(ANSWERS):
        feeds.append(f"coinbase: {{ name: page-{word}, venue: P{n}, {common}, history_tries: 1, url: '{venue.url}', "
                     f"history: 'http://localhost:{hostile.port}/{word}?token=${{HOSTILE_TOKEN}}&' }}")
    feeds.append(f"coinbase: {{ name: good, products: [BTC-USD], url: '{good.url}', history: '{good.history}' }}")
    return feeds


def seen_of(data):
    """Feeds by name, as the process tells of them."""
    done = subprocess.run([tapedeck.PROGRAM, "feeds", "--json", "--data", data], stdout=subprocess.PIPE, check=False)
    return {feed["name"]: feed for feed in json.loads(done.stdout or "[]")}


def check_quiet(process, data):
    """The token is nowhere but in the environment it came from."""
    told = tapedeck.texts_of(process, data)
    assert not any(TOKEN.encode() in text for text in told), "the token is told"


def main():
    market, other = coinbase.Market(["BTC-USD"], rate=20), coinbase.Market(["BTC-USD"], rate=20)
    with tapedeck.folder() as folder, coinbase.Coinbase(market) as venue, coinbase.Coinbase(other) as good:
        hostile, strange = Hostile(), Hostile(stranger(f"{folder}/tls"))
        data = f"{folder}/data"
        file = tapedeck.config(f"{folder}/hostile.yaml", data, feeds_of(hostile, strange, venue, good), partitions=4,
                               sink=False, extra="serve: { listen: 127.0.0.1:0 }\n")
        process = subprocess.Popen([tapedeck.PROGRAM, "run", "--json", "--quiet", file], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=os.environ | {"HOSTILE_TOKEN": TOKEN})
        try:
            end = time.monotonic() + 10
            while sum(session.cut is None and bool(session.sent) for session in venue.sessions) < len(ANSWERS):
                assert process.poll() is None and time.monotonic() < end, f"{len(venue.sessions)} sessions to cut"
                time.sleep(0.05)
            for _ in ANSWERS:
                venue.cut("drop")
            end = time.monotonic() + 25
            while not all(seen_of(data).get(word, {}).get("session_failures", 0) for word in DOOMED):
                assert process.poll() is None and time.monotonic() < end, seen_of(data)
                time.sleep(0.5)
            check_quiet(process, data)
            feeds = seen_of(data)
            peak = next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(
                encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        finally:
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, f"exit {process.returncode}:\n{stderr[-3000:]}"
        assert TOKEN not in stderr + stdout, stderr
        for word in ANSWERS:
            page = feeds[f"page-{word}"]
            assert page["sessions"] > 1 and page["backfilled"] == 0, page
        assert {*FRAMES, *ANSWERS} <= set(hostile.seen), hostile.seen
        sent = len(good.sessions[0].sent)
        assert feeds["good"]["session_failures"] == 0 and len(good.sessions) == 1 and sent > 100, (feeds["good"], sent)
        assert peak < MEMORY_MAX_KB, f"{peak} KB"
        print(f"{len(FRAMES) + 2 * len(ANSWERS) + 1} hostile connections, {sent} trades beside them, peak {peak >> 10} MB")


if __name__ == "__main__":
    main()
