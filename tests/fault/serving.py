#!/usr/bin/env python3
"""tests/fault/serving.py - who may ask the running program, and what it says of itself: TLS with a certificate made here,
tokens, Hosts, slow heads; probes, metrics and log lines that other programs can read. No secret is in any line.
"""
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import certificates  # noqa: E402
import tapedeck as td  # noqa: E402

TOKEN = "a-token-that-no-line-may-show-0123456789"
CASES = td.Cases()
case = CASES.add


def make_certificates(home):
    """An authority of our own, and the server's certificate by it."""
    certificates.make_authority(home)
    certificates.make_certificate(home, "DNS:localhost,DNS:tape.example,IP:127.0.0.1")
    pathlib.Path(f"{home}/token").write_text(TOKEN + "\n")


class Server:
    """A run with a server, its lines as JSON; leaving stops it and keeps what it said."""

    def __init__(self, home, serve, feeds=("simulated: { ticks: 0, instruments: 20 }",), options=(), env=None):
        self.file = td.config(f"{home}/serve.yaml", f"{home}/data", feeds, sink=True,
                              extra=f"serve: {{ {serve.format(home=home)} }}\n")
        self.command = [td.PROGRAM, "run", "--log", "json", *options, self.file]
        self.env = env

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=td.ROOT, stderr=subprocess.PIPE, text=True, env=self.env)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()
        for _ in range(200):
            assert self.process.poll() is None, self.lines
            listens = next((line for line in self.lines if '"dashboard"' in line), None)
            if listens is not None:
                self.port = int(re.search(r":(\d+)$", json.loads(listens)["message"])[1])
                return self
            time.sleep(0.05)
        raise AssertionError(f"does not listen: {self.lines}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.reader.join()
        assert code == 0, f"exit {code}: {self.lines}"

    def get(self, path, host=None, tls=None, **headers):
        """(status, headers, text)"""
        kind = http.client.HTTPConnection if tls is None else http.client.HTTPSConnection
        more = {} if tls is None else {"context": tls}
        connection = kind("localhost", self.port, timeout=10, **more)
        try:
            connection.request("GET", path, headers=headers | ({"Host": host} if host else {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def wait_ready(self, **options):
        for _ in range(200):
            status, _, text = self.get("/readyz", **options)
            assert json.loads(text)["ready"] == (status == 200), (status, text)
            if status == 200:
                return
            time.sleep(0.05)
        raise AssertionError(f"never ready: {text}")


@case
def others_need_token_and_tls(home):
    """Without both it does not start, and says what is missing by its key."""
    make_certificates(home)
    key_pair = f"cert: {home}/server.pem, key: {home}/server.key"
    (pathlib.Path(home) / "short").write_text("secret-word\n")
    for serve, words in [
        ("listen: 0.0.0.0:1", ["serve.token_file", "serve.cert", "loopback"]),
        (f"listen: 0.0.0.0:1, token_file: {home}/token", ["serve.cert", "loopback"]),
        (f"listen: 0.0.0.0:1, {key_pair}", ["serve.token_file", "loopback"]),
        (f"listen: 127.0.0.1:1, cert: {home}/server.pem", ["serve.key"]),
        (f"listen: 127.0.0.1:1, cert: {home}/server.pem, key: {home}/ca.key", ["serve.key", "ca.key"]),
        (f"listen: 127.0.0.1:1, cert: {home}/names, key: {home}/server.key", ["serve.cert", "names"]),
        (f"listen: 127.0.0.1:1, token_file: {home}/short", ["serve.token_file", "16 to 512"]),
        (f"listen: 127.0.0.1:1, token_file: {home}/none", ["serve.token_file", "none"]),
        ("listen: 127.0.0.1:1, token: a-token-in-the-open-12345", ["serve.token: a secret is not written here"]),
    ]:
        file = td.config(f"{home}/c.yaml", f"{home}/data", ["simulated: { ticks: 10 }"], extra=f"serve: {{ {serve} }}\n")
        done = td.run(file, check=2 if "none" in words or "open" in serve else 3)
        assert all(word in done["stderr"] for word in words), f"{serve}: {done['stderr']}"
        assert TOKEN not in done["stderr"] and "secret-word" not in done["stderr"]
    return "8 ways to start it unsafely or with half of a key, each refused with the key that cures it"


@case
def tls_and_tokens(home):
    make_certificates(home)
    serve = ("listen: 0.0.0.0:0, names: tape.example, token_file: {home}/token, cert: {home}/server.pem, "
             "key: {home}/server.key")
    tls = ssl.create_default_context(cafile=f"{home}/ca.pem")
    right = {"Authorization": f"Bearer {TOKEN}"}
    with Server(home, serve) as server:
        port = server.port
        for path, headers, host, status in [
            ("/api/v1/status", right, None, 200), ("/", right, None, 200), ("/metrics", right, None, 200),
            ("/api/v1/status", right, f"tape.example:{port}", 200), ("/api/v1/status", right, f"10.1.2.3:{port}", 200),
            ("/livez", {}, None, 200), ("/api/v1/status", {}, None, 401), ("/", {}, None, 401), ("/metrics", {}, None, 401),
            ("/api/v1/status", {"Authorization": f"Bearer {TOKEN}x"}, None, 401),
            ("/api/v1/status", {"Authorization": f"Bearer {TOKEN[:-1]}"}, None, 401),
            ("/api/v1/status", right, f"evil.example:{port}", 403), ("/api/v1/status", right, "tape.example", 403),
            ("/api/v1/status", right | {"Origin": "https://evil.example"}, None, 403),
            ("/api/v1/status", right | {"Origin": f"http://localhost:{port}"}, None, 403),
            ("/api/v1/status", right | {"Origin": f"https://localhost:{port}"}, None, 200),
        ]:
            got, answer, text = server.get(path, host=host, tls=tls, **headers)
            assert got == status, f"{path} {headers} {host}: {got} {text}"
            assert answer["x-content-type-options"] == "nosniff", dict(answer)
            assert (answer["www-authenticate"] is not None) == (status == 401), dict(answer)
            assert TOKEN not in text, path
        plain = socket.create_connection(("127.0.0.1", port), timeout=5)
        plain.sendall(f"GET /livez HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        try:
            assert b"HTTP" not in plain.recv(1000), "plain HTTP was answered on the port of TLS"
        except ConnectionResetError:
            pass
        plain.close()
        stranger = ssl.create_default_context()  # does not know our authority
        try:
            server.get("/livez", tls=stranger)
            raise AssertionError("a certificate of nobody was believed")
        except ssl.SSLCertVerificationError:
            pass
        server.wait_ready(tls=tls)
    assert not any(TOKEN in line for line in server.lines), server.lines
    return "16 requests over TLS, one without it, one by a stranger: each as it should be"


@case
def token_from_a_variable(home):
    env = {"PATH": "/usr/bin:/bin", "MY_TOKEN": TOKEN}
    with Server(home, "listen: 127.0.0.1:0, token: '${{MY_TOKEN}}'", env=env) as server:
        assert server.get("/")[0] == 401
        assert server.get("/", Authorization=f"Bearer {TOKEN}")[0] == 200
    said = subprocess.run([*server.command[:-1], "--set", f"sinks.0.sqlite.file=/dev/null/{TOKEN}", server.file], cwd=td.ROOT,
                          env=env, stderr=subprocess.PIPE, text=True, check=False).stderr
    assert "/dev/null/***" in said and TOKEN not in said, said
    return "wanted on loopback, too, once it is set; not shown even where another key repeats it"


def check_conventions(families):
    """What Prometheus' naming guide asks for, and that no label can grow with the market."""
    labels = set()
    for family in families:
        name, samples = family.name, family.samples
        assert re.fullmatch(r"(tapedeck|process)_[a-z_]+", name), name
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), name
        if family.type == "counter":
            assert all(s.name.endswith("_total") and s.value >= 0 for s in samples), name
        else:
            assert not name.endswith("_total"), name
        if family.type == "histogram":
            assert name.endswith("_seconds"), name
        for s in samples:
            labels |= set(s.labels)
    assert labels <= {"feed", "partition", "reason", "topic", "sink", "reader", "of", "code", "le", "version", "compiler",
                      "outcome"}, labels
    return {family.name: family for family in families}


def total(families, name):
    return sum(s.value for s in families[name].samples if s.name.endswith("_total"))


@case
def metrics_add_up(home):
    """At rest after files with bad lines: the counters' sum, against what the log holds."""
    import zipfile
    for symbol, bad in (("abc", {5: "1,2"}), ("xyz", {7: "34203500,-1,1,P,1,0", 9: "34204500,1e40,1,P,1,0"})):
        lines = [bad.get(i, f"{34200000 + 500 * i},{1800000 + i % 50 * 100},100,P,1,0") for i in range(20000)]
        with zipfile.ZipFile(f"{home}/20131007_{symbol}_Trade_Tick.zip", "w") as z:
            z.writestr(f"20131007_{symbol}_Trade_Tick.csv", "\n".join(lines) + "\n")
    feeds = [f"file: {{ format: lean, path: {home}/*.zip }}"]
    with Server(home, "listen: 127.0.0.1:0", feeds, ["--set", "speed=max"]) as server:
        server.wait_ready()
        for _ in range(100):
            text = server.get("/metrics")[2]
            families = check_conventions(list(text_string_to_metric_families(text)))
            lag = sum(s.value for s in families["tapedeck_reader_lag_records"].samples)
            if total(families, "tapedeck_events") >= 40000 and lag == 0:
                break
            time.sleep(0.1)
    parts = {p: total(families, f"tapedeck_{p}") for p in ("events", "accepted", "quarantined", "duplicates", "rejected")}
    assert parts["events"] == sum(v for p, v in parts.items() if p != "events") == 40000, parts
    reasons = {s.labels["reason"]: s.value for f in ("quarantined", "rejected")
               for s in families[f"tapedeck_{f}"].samples if s.value}
    assert reasons == {"malformed": 1, "range": 1, "non-positive": 1}, reasons
    ends = {(s.labels["topic"], s.labels["partition"]): s.value for s in families["tapedeck_log_end_offset"].samples}
    listed = subprocess.run([td.PROGRAM, "log", "ls", "--json", "--data", f"{home}/data"], stdout=subprocess.PIPE,
                            text=True, check=True).stdout.splitlines()
    for row in map(json.loads, listed):
        if (row["topic"], str(row["partition"])) in ends:
            assert ends[row["topic"], str(row["partition"])] == row["end"], row
    rows = sum(end for (topic, _), end in ends.items() if topic in ("bars", "signals", "quarantine", "rejected"))
    assert total(families, "tapedeck_sink_rows") == rows > 1000, (families["tapedeck_sink_rows"], rows)
    documented = (td.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    absent = [s for f in families.values() for s in {f.name + ("_total" if f.type == "counter" else "")} if s not in documented]
    assert not absent, f"docs/operations.md does not tell of {absent}"
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return f"{len(families)} families, {parts}{'' if promtool else '; promtool is not here'}"


@case
def lines_are_json(home):
    with Server(home, "listen: 127.0.0.1:0", options=["--set", "speed=10x"]) as server:
        time.sleep(1.5)
    events = set()
    for line in server.lines:
        told = json.loads(line)
        assert set(told) <= {"time", "level", "event", "place", "message", "repeated"}, told
        assert told["level"] in ("info", "warning", "error") and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", told["time"]), told
        events.add(told["event"])
    assert {"dashboard", "summary"} <= events, events
    documented = (td.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for source in (td.ROOT / "src").rglob("*.c"):
        text = source.read_text(encoding="utf-8")
        known = re.findall(r'TD_LEVEL_[A-Z]+, "([a-z_]+)"|td_notices_show\([^"]*"([a-z_]+)"|tell\(s, "([a-z_]+)"', text)
        for event in {word for words in known for word in words if word}:
            events.add(event)
            assert f"`{event}`" in documented, f"docs/operations.md does not tell of the event {event}"
    return f"{len(server.lines)} lines; {len(events)} events, all documented"


@case
def slow_heads(home):
    """Connections that send a byte now and then keep nobody else out, and end after ten seconds or so."""
    with Server(home, "listen: 127.0.0.1:0") as server:
        began = time.monotonic()
        drips = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        text = f"GET / HTTP/1.1\r\nHost: localhost:{server.port}\r\nX-Slow: ".encode() + b"a" * 100
        ended = {}
        for at in range(len(text)):
            for i, s in enumerate(drips):
                try:
                    if i not in ended:
                        s.sendall(text[at:at + 1])
                        s.settimeout(0.001)
                        if s.recv(100) == b"":
                            ended[i] = time.monotonic() - began
                except TimeoutError:
                    pass
                except OSError:
                    ended[i] = time.monotonic() - began
            assert server.get("/livez")[0] == 200
            if len(ended) == len(drips) or time.monotonic() - began > 25:
                break
            time.sleep(0.2)
        assert len(ended) == len(drips), f"{len(ended)} of {len(drips)} ended"
        for s in drips:
            s.close()
    return f"20 dripping heads ended after {min(ended.values()):.1f} to {max(ended.values()):.1f} s, others were answered"


if __name__ == "__main__":
    sys.exit(CASES.run())
