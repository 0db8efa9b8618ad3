#!/usr/bin/env python3
"""tests/e2e/dashboard.py - a browser opens the dashboard during a replay and sees what a trader must see; the API keeps
its word and its bounds. `--screenshot PATH` writes the picture of the README as well.

Goal: candles within five seconds, then strategy lines and a marker; history scrolls back; a signal leads to its marker;
the link is restored by itself; no error on the console; nobody from another origin or machine gets an answer.
"""
import argparse
import csv
import decimal
import gzip
import io
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import tapedeck
from playwright.sync_api import sync_playwright
from ports import free_port

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import coinbase  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                 "--disable-dev-shm-usage", "--no-first-run"]
FEEDS = ['file: { format: lean, path: "examples/data/lean/*.zip", from: "09:30", to: "16:00", ratio: 60 }',
         'file: { format: binance-collector, path: "examples/data/binance/*.gz" }']
STRATEGIES = ["strategies/golden_cross.td", "strategies/mean_reversion.td", "strategies/momentum.td"]
SHOTS = tapedeck.BUILD / "test-results"


BEGAN = time.monotonic()


def say(text):
    print(f"dashboard: {time.monotonic() - BEGAN:5.1f} s: {text}", flush=True)


class Server:
    """One run of the program with a dashboard, as a context."""

    def __init__(self, folder, port, *options, feeds=FEEDS, strategies=STRATEGIES, **variables):
        self.port = port
        self.env = os.environ | variables
        self.file = tapedeck.config(f"{folder}/run.yaml", f"{folder}/data", feeds, "[1s, 5s, 1m, 5m, 1d]", strategies,
                                    sink=False, extra=f"serve: {{ listen: 127.0.0.1:{port} }}\n")
        self.options = options
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self):
        self.began = time.monotonic()
        self.process = subprocess.Popen([tapedeck.PROGRAM, "run", "--quiet", *self.options, self.file],
                                        cwd=tapedeck.ROOT, stderr=subprocess.PIPE, text=True, env=self.env)
        wait_until("the server listens", self.listens)
        return self

    def listens(self):
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return self.get("/livez")[0] == 200
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(timeout=20)
        self.said = self.process.stderr.read()
        assert code == 0, f"exit {code} after Ctrl-C: {self.said}"

    def get(self, path, method="GET", headers=None, body=None):
        """(status, headers, text); errors are answers too."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def json(self, path):
        status, _, text = self.get(path)
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text)


def wait_until(what, condition, seconds=30):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


# ---- the API ----

def check_refusals(server):
    """Wrong askers, wrong questions: each with its status and a JSON error that names the code."""
    bars = "/api/v1/bars?instrument=LEAN:SPY&width=1m"
    for path, options, status, code in [
        ("/api/v1/status", {"headers": {"Host": "evil.example"}}, 403, "bad_host"),
        ("/api/v1/status", {"headers": {"Host": f"evil.example:{server.port}"}}, 403, "bad_host"),
        ("/", {"headers": {"Host": "localhost"}}, 403, "bad_host"),
        ("/api/v1/status", {"headers": {"Origin": "http://evil.example"}}, 403, "bad_origin"),
        ("/api/v1/status", {"headers": {"Origin": "null"}}, 403, "bad_origin"),
        ("/api/v1/status", {"headers": {"Origin": f"https://127.0.0.1:{server.port}"}}, 403, "bad_origin"),
        ("/api/v1/status", {"method": "POST", "body": b"x=1"}, 405, "bad_method"),
        ("/api/v1/status", {"method": "DELETE"}, 405, "bad_method"),
        ("/api/v1/nothing", {}, 404, "not_found"),
        ("/../../etc/passwd", {}, 404, "not_found"),
        ("/app.mjs", {}, 404, "not_found"),
        ("/api/v1/bars", {}, 400, "missing_parameter"),
        (f"{bars}&limit=9999999", {}, 400, "bad_parameter"),
        (f"{bars}&symbol=SPY", {}, 400, "unknown_parameter"),
        (f"{bars}&from=noon", {}, 400, "bad_parameter"),
        ("/api/v1/bars?instrument=LEAN:NONE&width=1m", {}, 404, "unknown_instrument"),
        ("/api/v1/bars?instrument=LEAN:SPY&width=7m", {}, 404, "unknown_width"),
        (f"/api/v1/bars?instrument={'x' * 2500}", {}, 414, "too_long"),
    ]:
        got, headers, text = server.get(path, **options)
        assert (got, json.loads(text)["error"]["code"]) == (status, code), f"{path[:60]} {options}: {got} {text}"
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    mistyped = json.loads(server.get("/api/v1/bars?instrument=LEAN:SPYY&width=1m")[2])["error"]["message"]
    assert "did you mean LEAN:SPY? see /api/v1/instruments" in mistyped, mistyped
    assert server.get("/", headers={"Host": f"localhost:{server.port}"})[0] == 200
    assert server.get("/", headers={"Origin": server.url})[0] == 200
    status, headers, text = server.get("/", method="HEAD")
    assert status == 200 and text == "" and int(headers["content-length"]) > 1000
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def check_head_bounds(server):
    """Heads without end, halves of requests and nonsense cost a connection, nothing else."""
    for junk in [b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000, b"\x16\x03\x01\x02\x00", b"GET /%00 HTTP/1.1\r\n\r\n",
                 b"GET " + b"/a" * 40000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000]:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as s:
            try:
                s.sendall(junk)
                s.settimeout(2)
                s.recv(100)
            except OSError:
                pass
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(100)]
    for s in held:
        s.close()
    wait_until("an answer after 100 idle connections", lambda: server.get("/api/v1/status")[0] == 200, 5)


def check_pages(server):
    """All pages of a series, page after page: each bar once, in order, and CSV equal to JSON, digit for digit."""
    until = server.json("/api/v1/bars?instrument=LEAN:SPY&width=1s&limit=1")["bars"][-1]["end_ns"]
    path, rows, pages = f"/api/v1/bars?instrument=LEAN:SPY&width=1s&limit=97&to={until}", [], 0
    while path:
        page = server.json(path)
        rows, path, pages = page["bars"] + rows, page["next"], pages + 1
    starts = [row["start_ns"] for row in rows]
    assert starts == sorted(set(starts)) and len(rows) > 300, f"{len(rows)} bars, {len(set(starts))} starts"
    one = server.json(f"/api/v1/bars?instrument=LEAN:SPY&width=1s&limit=5000&to={until}")["bars"]
    assert one == rows[-len(one):], "one large page differs from many small ones"
    _, headers, text = server.get(f"/api/v1/bars?instrument=LEAN:SPY&width=1s&limit=97&to={until}&format=csv")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [{k: str(v) for k, v in row.items()} for row in rows[-97:]] == table, "CSV differs from JSON"
    assert 'rel="next"' in headers["link"] and headers["content-type"].startswith("text/csv")
    for row in table:
        low, high, vwap, volume, notional = (decimal.Decimal(row[k]) for k in ("low", "high", "vwap", "volume", "notional"))
        assert low <= high and row["start"].endswith("Z")
        assert abs(vwap * volume - notional) <= volume / 10**9, "vwap is of all that was traded, whatever sets prices"
    accepted = server.get("/api/v1/instruments", headers={"Accept": "text/csv"})[2]
    assert accepted.startswith("instrument,last,change,")
    say(f"{len(rows)} bars in {pages} pages, CSV equal to JSON")


def open_stream(server):
    """A reader of the stream that does not read."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", server.port))
    reader.sendall(f"GET /api/v1/stream?instrument=LEAN:SPY&width=1s HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n"
                   .encode())
    return reader


def check_lost(server, reader):
    """Bars flew past a reader that slept: the run was not slowed, and the reader is told what it lost."""
    began = time.monotonic()
    assert server.json("/api/v1/status")["run"]["lag_records"] == 0
    assert time.monotonic() - began < 1
    text, lost = "", None
    with reader.makefile("rb") as lines:
        while lost is None:
            line = lines.readline().decode()
            assert line, "the stream ended without a word of what was lost"
            text += line
            lost = re.search(r'event: lost\ndata: {"count":(\d+)}', text[-200:])
    reader.close()
    told = text.count("event: bar\n")
    say(f"a reader that slept got {told} bars and was told of {lost[1]} lost events")
    assert int(lost[1]) > 0 and told > 0


def check_listen(folder):
    """Addresses that others could reach, and a port that is taken, are refused with the cure."""
    busy = socket.socket()
    busy.bind(("127.0.0.1", 0))
    busy.listen()
    taken = f"127.0.0.1:{busy.getsockname()[1]}"
    file = tapedeck.config(f"{folder}/refused.yaml", f"{folder}/refused", FEEDS, sink=False)
    for listen, word in [("0.0.0.0:8750", "loopback"), ("[::]:8750", "loopback"), ("192.0.2.1:80", "loopback"),
                         (taken, "another program has the port"), ("localhost", "ADDRESS:PORT")]:
        done = subprocess.run([tapedeck.PROGRAM, "run", "--set", f"serve.listen={listen}", file], cwd=tapedeck.ROOT,
                              stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        assert done.returncode != 0 and word in done.stderr and "serve.listen" in done.stderr, f"{listen}: {done}"
    busy.close()


# ---- the page ----

class Page:
    """A tab, what it said on its console, and the counts that it publishes as attributes of its body."""

    def __init__(self, browser, url, **options):
        self.errors = []
        self.context = browser.new_context(viewport={"width": 1600, "height": 900}, **options)
        self.tab = self.context.new_page()
        self.tab.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.goto(url)

    def data(self, name):
        return self.tab.evaluate(f"document.body.dataset.{name} ?? ''")

    def count(self, name):
        return int(self.data(name) or 0)

    def wait(self, name, least, seconds=30):
        return wait_until(f"{name} >= {least}", lambda: self.count(name) >= least, seconds)

    def choose(self, instrument, width):
        self.tab.click(f'.instrument[data-name="{instrument}"]')
        self.tab.click(f'#widths button:text-is("{width}")')
        wait_until(f"{instrument} {width}", lambda: (self.data("instrument"), self.data("width")) == (instrument, width))


def check_history(page):
    """The left edge brings older pages, and the view stays where it was."""
    page.choose("LEAN:SPY", "1s")
    page.wait("bars", 1000)
    loaded, first = page.count("bars"), page.data("first")
    box = page.tab.locator("#chart").bounding_box()
    page.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def scrolled():
        page.tab.mouse.wheel(-4000, 0)
        return page.data("first") < first
    took = wait_until("older bars by scrolling back", scrolled)
    assert page.tab.is_visible("#live")
    page.tab.click("#live")
    wait_until("the newest bar again", lambda: not page.tab.is_visible("#live"))
    say(f"scrolled from {loaded} to {page.count('bars')} bars in {took:.1f} s")


def check_signals(page):
    """A click in the feed leads to the marker and says which signal it was."""
    row = page.tab.locator(".signal").last
    wanted = row.get_attribute("title").splitlines()[0]
    row.click()
    wait_until("the marker's words", lambda: page.tab.is_visible("#tip") and wanted in page.tab.inner_text("#tip"))
    assert page.data("instrument") == wanted.split("/")[1]
    page.tab.check("#only")
    names = page.tab.locator(".signal:visible").evaluate_all("rows => rows.map((row) => row.title.split('/')[1])")
    assert set(names) == {page.data("instrument")}, names
    page.tab.uncheck("#only")


def check_keys(page):
    """Keyboard alone: filter, move, widths, colours; and the colours are remembered."""
    page.tab.keyboard.press("/")
    page.tab.keyboard.type("btc")
    assert page.tab.locator(".instrument:visible").count() == 1
    page.tab.keyboard.press("Enter")
    wait_until("BTCUSDT", lambda: page.data("instrument") == "BINANCE:BTCUSDT")
    page.tab.keyboard.press("Escape")
    page.tab.keyboard.press("ArrowDown")
    wait_until("ETHUSDT", lambda: page.data("instrument") == "BINANCE:ETHUSDT")
    page.tab.keyboard.press("2")
    wait_until("5s", lambda: page.data("width") == "5s")
    assert page.tab.inner_text("#axis") == "UTC"
    page.tab.keyboard.press("t")
    assert page.tab.evaluate("document.documentElement.dataset.theme") == "light"
    page.tab.reload()
    page.wait("bars", 1)
    assert page.tab.evaluate("document.documentElement.dataset.theme") == "light"
    assert (page.data("instrument"), page.data("width")) == ("BINANCE:ETHUSDT", "5s"), "the address names the series"


def check_sizes(page, shots):
    """Nothing overflows from 800 to 2560 pixels."""
    for width, height in [(800, 600), (1280, 720), (1600, 900), (2560, 1440)]:
        page.tab.set_viewport_size({"width": width, "height": height})
        page.tab.wait_for_timeout(400)
        over = page.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"
        box = page.tab.locator("#chart").bounding_box()
        assert box["width"] > 380 and box["height"] > 200, f"{box} at {width}"
        page.tab.screenshot(path=shots / f"dashboard-{width}.png")
    page.tab.set_viewport_size({"width": 1600, "height": 900})


def check_link(page, folder, port):
    """The program ends and comes back: the page says so, and goes on by itself. Called with the program down."""
    wait_until("the banner", lambda: page.tab.is_visible("#banner"))
    with Server(folder, port, "--set", "speed=4x"):
        before = page.count("bars")
        wait_until("the link", lambda: page.data("link") == "live" and not page.tab.is_visible("#banner"))
        page.wait("bars", before + 3)
    say("the link was restored by itself")


def look_with_token(browser, folder, port):
    """Where a token is wanted a browser asks for a password; page, questions and stream then work as without."""
    token = "0123456789abcdef-of-the-test"
    with Server(folder, port, "--set", "speed=4x", TAPEDECK_SERVE_TOKEN=token) as server:
        assert server.get("/")[0] == server.get("/api/v1/stream")[0] == 401
        page = Page(browser, server.url, http_credentials={"username": "anybody", "password": token})
        page.wait("bars", 1, 15)
        wait_until("the stream", lambda: page.data("link") == "live")
        assert not page.errors, page.errors
        page.context.close()
    say("page and stream work with the token as the password")


def look_at_live(browser, folder, port):
    """The demo at four times its speed: everything comes by itself."""
    with Server(folder, port, "--set", "speed=4x") as server:
        page = Page(browser, server.url, color_scheme="dark")
        page.wait("bars", 1, 15)
        took = time.monotonic() - server.began
        page.choose("LEAN:SPY", "1m")
        lines, markers = page.wait("lines", 5), page.wait("markers", 1)
        say(f"candles {took:.1f} s after the start, then lines after {lines:.1f} s and a marker after {markers:.1f} s")
        assert page.tab.inner_text("#axis") == "EDT"
        page.choose("BINANCE:BTCUSDT", "1m")
        page.wait("making", 1)
        page.choose("LEAN:IBM", "1m")
        page.wait("signals", 3)
        assert not page.errors, f"on the console: {page.errors}"
    check_link(page, folder, port)
    page.context.close()


def look_at_history(browser, folder, port, shots):
    """The demo at full speed, then at rest: a whole day to look back on."""
    with Server(folder, port, "--set", "speed=max") as server:
        reader = open_stream(server)

        def ended():
            feeds = server.json("/api/v1/status")["feeds"]
            return feeds and all(feed["session"] == "ended" for feed in feeds)
        wait_until("the end of all feeds", ended, 90)
        check_lost(server, reader)
        check_refusals(server)
        check_head_bounds(server)
        check_pages(server)
        check_quality(server, browser, shots)
        page = Page(browser, server.url, color_scheme="dark")
        page.wait("bars", 1)
        page.choose("LEAN:IBM", "1m")
        page.wait("lines", 5)
        page.wait("markers", 5)
        page.tab.screenshot(path=shots / "dashboard-dark.png")
        page.choose("LEAN:IBM", "1d")
        page.wait("markers", 5)  # a session's day begins at no multiple of its width
        page.choose("LEAN:IBM", "1m")
        page.wait("markers", 5)
        check_history(page)
        check_signals(page)
        check_keys(page)
        page.choose("LEAN:IBM", "1m")
        page.wait("markers", 5)
        page.tab.screenshot(path=shots / "dashboard-light.png")
        check_sizes(page, shots)
        assert not page.errors, f"on the console: {page.errors}"
        page.context.close()


def check_quality(server, browser, shots):
    """The page of the data's quality: rows come while the log is read, the worst first; a day without data says so."""
    page = Page(browser, f"{server.url}/quality.html", color_scheme="dark")
    page.tab.wait_for_selector("body[data-complete=true]", timeout=30000)
    rows = server.json("/api/v1/profile")["rows"]
    assert {row["instrument"] for row in rows} >= {"LEAN:SPY", "LEAN:IBM", "BINANCE:BTCUSDT"}, rows
    spy, = (row for row in rows if row["instrument"] == "LEAN:SPY")
    assert spy["day"] == "2013-10-07" and spy["over"] and spy["trades"] > 100000, spy
    counts = [len(row["anomalies"]) for row in rows]
    assert counts == sorted(counts, reverse=True) and counts[0] > 0, counts
    shown = page.tab.locator("#table tr:not(.why) td:first-child").all_inner_texts()
    assert shown == [row["instrument"] for row in rows], shown
    assert rows[0]["anomalies"][0]["text"] in page.tab.inner_text("#table tr.why"), page.tab.inner_text("#table")
    page.tab.screenshot(path=shots / "quality-dark.png")
    page.tab.fill("#day", "2013-10-07")
    wait_until("the day asked for", lambda: "BINANCE" not in page.tab.inner_text("#table"))
    page.tab.fill("#day", "2001-01-01")
    wait_until("a day without data", lambda: "Nothing of that day" in page.tab.inner_text("#table"))
    assert server.get("/api/v1/profile?day=today")[0] == 400 and len(server.json("/api/v1/profile?limit=1")["rows"]) == 1
    assert not page.errors, page.errors
    page.context.close()
    say(f"quality: {len(rows)} rows, {counts[0]} anomalies in the first")


def look_at_feeds(browser, folder, port, shots):
    """A row for each connection: one that is cut off says so, with the reason; one that never began, too."""
    market = coinbase.Market(["BTC-USD", "ETH-USD"], rate=20)
    with coinbase.Coinbase(market) as venue:
        feeds = ["coinbase: { products: [BTC-USD, ETH-USD], per_connection: 1, reconnect: 300ms, history_after: 300ms, "
                 f"url: '{venue.url}', history: '{venue.history}' }}",
                 f"websocket: {{ name: nobody, url: 'ws://127.0.0.1:{free_port()}/' }}"]
        with Server(folder, port, feeds=feeds, strategies=[]) as server:
            page = Page(browser, f"{server.url}/feeds.html", color_scheme="dark")

            def rows():  # {feed: its cells}, at one instant: the page puts new rows in their place each second
                cells = "[...document.querySelectorAll('#table tr')].map((row) => [...row.cells].map((cell) => cell.innerText))"
                return {row[0]: row for row in page.tab.evaluate(cells)}

            def trading():
                return [name for name, row in rows().items() if row[1] == "live" and row[2] not in ("–", "0")]

            wait_until("two sessions and their rates", lambda: trading() == ["coinbase", "coinbase.2"])
            wait_until("why the third does not begin", lambda: "Unable to connect (127.0.0.1:" in rows()["nobody"][9])
            assert rows()["nobody"][1] == "connecting" and rows()["nobody"][5] == "–" and page.tab.inner_text("#up") == "2 of 3", rows()
            said = {feed["name"]: feed for feed in server.json("/api/v1/status")["feeds"]}
            assert said["nobody"]["session"] == "unknown" and said["nobody"]["run"]["failures"] > 0, said
            assert said["coinbase"]["run"] | {"up": True, "end_ns": None} == said["coinbase"]["run"], said
            assert min(said[name]["run"]["events"] for name in ("coinbase", "coinbase.2")) > 10, said
            venue.cut("drop")
            wait_until("what ended one of them", lambda: sorted(row[9] != "–" for row in rows().values()) == [False, True, True])
            wait_until("the next session", lambda: sorted(row[7] for row in rows().values()) == ["0", "1", "2"])
            page.tab.screenshot(path=shots / "feeds-dark.png")
            page.tab.set_viewport_size({"width": 800, "height": 600})
            assert page.tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "too wide at 800"
            assert not page.tab.is_visible("th.minor") and page.tab.is_visible("th.words") and page.tab.is_visible("#up")
            page.tab.screenshot(path=shots / "feeds-800.png")
            page.tab.focus("main")
            page.tab.keyboard.press("Tab")
            assert page.tab.evaluate("document.activeElement.textContent") == "Chart"
            assert not page.errors, page.errors
            page.context.close()
    say("feeds: a row for each connection, with the reason of its last end")


def write_holes(path):
    """An hour of a trade a second. Of minutes 20 to 22 nothing comes, of minute 40 some trades a minute late; the price
    has crossed 100 while nobody saw it."""
    begin_ms, lines = 1723161600000, []
    for n in range(3600):
        if 1200 <= n < 1380:
            continue
        late_ms = 45000 if 2435 <= n < 2445 else 20
        trade = {"e": "trade", "s": "BTCUSDT", "t": 1000 + n, "p": f"{101 if n > 1300 else 99}.{n % 7}", "q": "1",
                 "T": begin_ms + n * 1000, "m": True}
        lines.append((begin_ms + n * 1000 + late_ms, json.dumps({"stream": "btcusdt@trade", "data": trade})))
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(f"{receive_ms * 10**6} {line}\n" for receive_ms, line in sorted(lines))


def look_at_gaps(browser, folder, port, shots):
    """Gaps are bands, partial bars are told, withheld signals stand apart; the list leads to the bars."""
    write_holes(f"{folder}/holes.gz")
    strategy = pathlib.Path(f"{folder}/above.td")
    strategy.write_text("strategy above on bars(1m)\n  buy when close > 100\n", encoding="utf-8")
    feed = f"file: {{ format: binance-collector, path: {folder}/holes.gz }}"
    with Server(folder, port, "--set", "speed=900x", feeds=[feed], strategies=[strategy]) as server:
        page = Page(browser, server.url, color_scheme="dark")
        page.wait("bars", 1)
        page.choose("BINANCE:BTCUSDT", "1m")
        page.wait("bars", 57)  # all came by the stream or were asked for: the same
        wait_until("two bands", lambda: page.count("bands") == 2)
        wait_until("what became of both", lambda: [
            (gap["status"], gap["reason"], gap["missing"], gap["filled"]) for gap in server.json("/api/v1/gaps")["gaps"]
        ] == [("lost", "ids", 180, 0), ("filled", "ids", 0, 10)])
        assert page.count("bars") == 57, page.data("bars")
        bars = server.json("/api/v1/bars?instrument=BINANCE:BTCUSDT&width=1m")["bars"]
        quality = {bar["start"][14:16]: bar["quality"] for bar in bars if bar["quality"] != "complete"}
        assert quality == {"19": "partial", "23": "partial", "40": "repaired"}, quality
        assert page.count("hollow") == 2, page.data("hollow")
        assert (page.count("withheld"), page.count("markers")) == (1, 2), (page.data("withheld"), page.data("markers"))
        check_gaps(page, shots)
        page.context.close()
    say("gaps are bands and rows, partial bars hollow, withheld signals apart")


def check_gaps(page, shots):
    """The same by list and pointer."""
    page.tab.click("#gaps-fold summary")
    rows = page.tab.locator(".gap")
    lost = rows.nth(1)
    wait_until("two gaps, one lost", lambda: rows.count() == 2 and lost.get_attribute("data-status") == "lost")
    assert "ids · 3 min 1 s · 180 missing" in lost.inner_text() and "10 came" in rows.nth(0).inner_text()
    lost.click()
    wait_until("the gap's words", lambda: "gap 1, lost" in page.tab.inner_text("#tip"))
    page.tab.wait_for_timeout(300)
    page.tab.screenshot(path=shots / "dashboard-gaps.png")
    box = page.tab.locator("#tip").bounding_box()
    chart = page.tab.locator("#chart").bounding_box()
    page.tab.mouse.move(box["x"] - 20, chart["y"] + chart["height"] / 2)  # the bar beside the words, which has the band
    wait_until("words under the pointer",
               lambda: "180 missing" in page.tab.inner_text("#tip") and page.tab.is_visible("#tip"))
    assert "partial" in page.tab.inner_text("#legend"), page.tab.inner_text("#legend")
    assert "withheld: gap 1 ·" in page.tab.locator('.signal[data-status="withheld"]').inner_text()
    assert not page.errors, f"on the console: {page.errors}"


def take_screenshot(browser, folder, port, path):
    """The picture of the README: two hours of the demo."""
    with Server(folder, port, "--set", "speed=4x") as server:
        page = Page(browser, server.url, color_scheme="dark")
        page.wait("bars", 1)
        page.choose("LEAN:IBM", "1m")
        page.wait("bars", 150, 60)
        page.tab.screenshot(path=path)
        page.context.close()
    say(f"wrote {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshot", metavar="PATH", help="only write the picture of the README")
    options = parser.parse_args()
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        if options.screenshot:
            with tapedeck.folder() as folder:
                take_screenshot(browser, folder, free_port(), options.screenshot)
            return 0
        with tapedeck.folder() as folder:
            check_listen(folder)
        with tapedeck.folder() as folder:
            look_with_token(browser, folder, free_port())
        with tapedeck.folder() as folder:
            look_at_live(browser, folder, free_port())
        with tapedeck.folder() as folder:
            look_at_history(browser, folder, free_port(), SHOTS)
        with tapedeck.folder() as folder:
            look_at_gaps(browser, folder, free_port(), SHOTS)
        with tapedeck.folder() as folder:
            look_at_feeds(browser, folder, free_port(), SHOTS)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
