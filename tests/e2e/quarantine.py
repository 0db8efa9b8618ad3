#!/usr/bin/env python3
"""tests/e2e/quarantine.py - what a rule refused is listed, shown and released, by the running process and without one:
its bars are revised, nothing is released twice, the counters add up, and a replay of the tape gives the same.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

import tapedeck as td
from dashboard import CHROMIUM, CHROMIUM_ARGS
from playwright.sync_api import sync_playwright

CASES = td.Cases()
case = CASES.add
MINUTES, PARTITIONS = 150, 4


def lean_zip(home):
    """One trade a second at 100.00 to 100.49; in minutes 2 and 5 one at 500, in minute 9 one for nothing."""
    lines = []
    for second in range(60 * MINUTES):
        price = 1000000 + second % 50 * 100
        price = {150: 5000000, 330: 5000000, 570: 0}.get(second, price)
        lines.append(f"{34200000 + second * 1000},{price},100,P,0,0")
    with zipfile.ZipFile(f"{home}/20240102_ibm.zip", "w") as day:
        day.writestr("20240102_ibm_Trade_Tick.csv", "\n".join(lines) + "\n")


def market(home, name="data", extra="serve: off\n"):
    feeds = [f"file: {{ format: lean, path: {home}/20240102_ibm.zip }}"]
    return td.config(f"{home}/{name}.yaml", f"{home}/{name}", feeds, bars="[1s, 1m, 5m]", partitions=PARTITIONS,
                     extra=extra)


def tell(home, *words, check=0, name="data"):
    done = subprocess.run([td.PROGRAM, "quarantine", *words, "--data", f"{home}/{name}"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def listed(home, *words, name="data"):
    return [json.loads(line) for line in tell(home, "ls", "--json", *words, name=name).splitlines()]


def bars(home, name="data"):
    """{(width, start): [(revision, high), …]} from the log."""
    done = subprocess.run([td.PROGRAM, "log", "cat", "bars", "--data", f"{home}/{name}"], stdout=subprocess.PIPE,
                          text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        bar = json.loads(line)["value"]
        found.setdefault((bar["end_ns"] - bar["start_ns"], bar["start_ns"]), []).append((bar["revision"], bar["high"]))
    return found


def place(row):
    return f"{row['partition']}/{row['offset']}"


def outliers(home, name="data"):
    rows = listed(home, "--reason", "outlier", name=name)
    assert [float(row["price"]) for row in rows] == [500, 500], rows
    return rows


def revised(home, row, highs, name="data"):
    """The wider bars of the event have been given again, now with it; that of a second is 256 of its widths away."""
    late = [(r["event_ns"], r["missed"]) for r in listed(home, "--reason", "late", name=name)]
    assert (row["event_ns"], "1s") in late and len(set(late)) == len(late), late
    assert (10 ** 9, row["event_ns"]) not in bars(home, name)
    for width in (60 * 10 ** 9, 300 * 10 ** 9):
        given = bars(home, name)[(width, row["event_ns"] // width * width)]
        assert [(n, float(high)) for n, high in given[1:]] == list(enumerate(highs, 1)), f"{width}: {given}"


def adds_up(summary):
    told = summary["accepted"] + summary["quarantined"] + summary["duplicates"] + summary["rejected"]
    assert summary["events"] == told, summary


def replayed(home, name="data"):
    """A run over a copy without outputs and snapshots makes the same outputs of the tape."""
    wanted = td.digests(f"{home}/{name}")
    copy = f"{home}/copy-of-{name}"
    shutil.copytree(f"{home}/{name}", copy)
    for folder in pathlib.Path(copy).glob("*"):
        if re.fullmatch(r"(bars|signals|quarantine|gaps)-\d+|snapshots", folder.name):
            shutil.rmtree(folder)
    for file in pathlib.Path(copy).glob("market.db*"):
        file.unlink()
    file = market(home, f"copy-of-{name}")
    td.run(file)
    got = td.digests(copy)
    assert got == wanted, "\n".join(f"{k}: {got.get(k)}, wanted {wanted[k]}" for k in wanted if got.get(k) != wanted[k])
    shutil.rmtree(copy)


@contextlib.contextmanager
def running(file):
    """A run that stays, with its address; told to end afterwards, and what it said in the end."""
    process = subprocess.Popen([td.PROGRAM, "run", "--json", "--set", "speed=max", file], cwd=td.ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = {}
    try:
        url = ""
        while "dashboard at" not in url:
            url = process.stderr.readline()
            assert url or process.poll() is None, "ended"
        url = url.split()[-1]
        wait(lambda: json.load(ask(url + "/api/v1/status"))["run"]["events"] >= 60 * MINUTES, "all is read")
        yield url, said
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        said.update(json.loads(out.splitlines()[-1]))
        assert process.returncode == 0, process.returncode
    finally:
        if process.poll() is None:
            td.kill(process)


def ask(url, body=None, **headers):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if data is not None:
        headers.setdefault("Content-Type", "application/json")
    return urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=20)


def wait(what, why):
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, why
        time.sleep(0.05)


@case
def without_a_process(home):
    lean_zip(home)
    first = td.run(market(home))
    assert first["quarantined"] == 3, first
    adds_up(first)
    rows = outliers(home)
    shown = tell(home, "show", place(rows[0]))
    assert "outlier" in shown and "500" in shown and "can be released" in shown and "median" in shown, shown
    dry = tell(home, "release", place(rows[0]), "--dry-run")
    assert "can be released" in dry and "can be released" in tell(home, "show", place(rows[0]))
    assert "released" in tell(home, "release", place(rows[0]))
    assert "was released before" in tell(home, "show", place(rows[0]))
    before = td.digests(f"{home}/data", ["tape"])
    assert "was released before" in tell(home, "release", place(rows[0]))
    assert td.digests(f"{home}/data", ["tape"]) == before, "released twice"
    again = td.run(market(home))  # the start passes over the release, and applies it
    assert again["events"] == 0 and again["diverged"] == 0 and again["resumed"] > 0, again
    revised(home, rows[0], [500])
    assert td.run(market(home))["bars"] == 0
    replayed(home)
    chosen = tell(home, "release", "--reason", "outlier", "--yes")
    assert "1 released, 1 before" in chosen, chosen
    td.run(market(home))
    revised(home, rows[1], [500])
    replayed(home)
    return f"{len(rows)} outliers released, revisions in 2 widths each, the replay equal"


@case
def by_the_running_process(home):
    lean_zip(home)
    file = market(home, extra="serve: { listen: \"127.0.0.1:0\" }\n")
    with running(file) as (url, said):
        rows = outliers(home)  # beside the process
        answer = json.load(ask(url + "/api/v1/quarantine?reason=outlier"))["quarantine"]
        assert [place(row) for row in answer] == [place(row) for row in rows] and answer[0]["releasable"], answer
        dry = json.load(ask(url + "/api/v1/quarantine/release", {"selector": {"reason": "outlier"}, "dry_run": True}))
        assert dry["released"] == 0 and [e["state"] for e in dry["events"]] == ["ready", "ready"], dry
        assert "released" in tell(home, "release", place(rows[0]))
        minute = (60 * 10 ** 9, rows[0]["event_ns"] // 10 ** 9 // 60 * 60 * 10 ** 9)
        wait(lambda: len(bars(home)[minute]) == 2, "the bar is revised")
        assert "was released before" in tell(home, "release", place(rows[0]))
        done = json.load(ask(url + "/api/v1/quarantine/release", {"selector": {"reason": "outlier"}}))
        assert [e["state"] for e in done["events"]] == ["released-before", "released"], done
        metrics = ask(url + "/metrics").read().decode()
        assert "\ntapedeck_released_total 2\n" in metrics
    adds_up(said)
    assert said["events"] == 60 * MINUTES + 2 and said["revised"] == 4, said
    for row in rows:
        revised(home, row, [500])
    again = td.run(market(home))
    assert again["events"] == 0 and again["bars"] == 0 and again["diverged"] == 0, again
    replayed(home)
    return "2 released through the API, one of them by the command"


@case
def what_cannot_be_released(home):
    lean_zip(home)
    td.run(market(home))
    bad = listed(home, "--reason", "non-positive")
    assert len(bad) == 1 and not bad[0]["releasable"]
    tape = td.digests(f"{home}/data", ["tape"])
    wrong = [(["release", place(bad[0])], 3, "cannot be released"), (["release", "0/999999"], 3, "unknown"),
             (["release", "77/0"], 3, "unknown"), (["show", "77/0"], 3, "unknown"), (["release", "3:12"], 2, "as in 3/12"),
             (["release"], 2, "name places, or choose"), (["release", "0/1", "--reason", "late"], 2, "name places, or"),
             (["release", "--reason", "outlier"], 2, "--yes"), (["release", "--reason", "outlayer"], 2, "outlayer"),
             (["release", "--from", "noon", "--yes"], 2, "noon"), (["give"], 2, "ls, show or release"),
             (["ls", "--instrument", "IBM"], 2, "VENUE:SYMBOL"), (["show"], 2, "3/12")]
    for words, code, text in wrong:
        said = tell(home, *words, check=code)
        assert text in said, f"{words}: {said}"
    assert "0 released" in tell(home, "release", "--reason", "non-positive", "--yes")
    tell(home, "ls", check=3, name="nowhere")
    assert td.digests(f"{home}/data", ["tape"]) == tape, "something was appended"
    return f"{len(wrong)} refused, the tape as it was"


@case
def who_has_no_api_cannot_be_asked(home):
    lean_zip(home)
    process = subprocess.Popen([td.PROGRAM, "run", "--set", "speed=max", market(home)], cwd=td.ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: pathlib.Path(home, "data", "quarantine-0").exists(), "it runs")
        wait(lambda: listed(home, "--reason", "outlier"), "it is refused")
        row = place(listed(home, "--reason", "outlier")[0])
        assert "serve: on" in tell(home, "release", row, check=3)
        assert "can be released" in tell(home, "show", row)
    finally:
        td.kill(process)
    assert "released" in tell(home, "release", row)  # the lock went with it
    return "refused while it runs, done when it has ended"


@case
def nonsense_is_answered(home):
    lean_zip(home)
    secret = pathlib.Path(home, "token")
    secret.write_text("a-token-of-some-length\n", encoding="utf-8")
    file = market(home, extra=f"serve: {{ listen: \"127.0.0.1:0\", token_file: {secret} }}\n")
    right = {"Authorization": "Bearer a-token-of-some-length"}
    release = "/api/v1/quarantine/release"
    asked = [(b"{", right, 400), (b"[]", right, 400), (b"{}", right, 400), (b'{"positions":[]}', right, 400),
             (b'{"positions":[{"partition":-1,"offset":0}]}', right, 400), (b'{"selector":{"reason":"x"}}', right, 400),
             (b'{"selector":{}}', right, 400), (b'{"positions":[{"partition":1}]}', right, 400),
             (b'{"selector":{"reason":1}}', right, 400), (b'{"dry_run":2}', right, 400), (b" " * 70000, right, 413),
             (b'{"positions":[{"partition":0,"offset":0}]}', {}, 401),
             (b'{"positions":[{"partition":0,"offset":0}]}', right | {"Origin": "http://evil.example"}, 403),
             (b"{}", right | {"Content-Type": "text/plain"}, 415), (None, right, 405)]
    process = subprocess.Popen([td.PROGRAM, "run", "--set", "speed=max", file], cwd=td.ROOT, text=True,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        line = ""
        while "dashboard at" not in line:
            line = process.stderr.readline()
        url = line.split()[-1]
        for body, headers, code in asked:
            try:
                got = ask(url + release, body, **headers).status
            except urllib.error.HTTPError as error:
                got = error.code
                assert json.load(error)["error"]["message"], (body, code)
            assert got == code, f"{body[:60] if body else body}: {got}, wanted {code}"
        try:
            ask(url + "/api/v1/bars", {}, **right)
            raise AssertionError("bars were posted")
        except urllib.error.HTTPError as error:
            assert error.code == 405 and error.headers["Allow"] == "GET, HEAD", error.headers
        unknown = {"positions": [{"partition": 9, "offset": 0}, {"partition": 0, "offset": 10 ** 18}]}
        states = [e["state"] for e in json.load(ask(url + release, unknown, **right))["events"]]
        assert states == ["unknown", "unknown"], states
        os.environ["TAPEDECK_TOKEN"] = "not-that-one-at-all"
        wait(lambda: listed(home, "--reason", "outlier"), "it is refused")
        assert "TAPEDECK_TOKEN" in tell(home, "release", place(listed(home, "--reason", "outlier")[0]), check=3)
    finally:
        os.environ.pop("TAPEDECK_TOKEN", None)
        td.kill(process)
    return f"{len(asked) + 3} requests"


@case
def by_the_dashboard(home):
    lean_zip(home)
    with running(market(home, extra="serve: { listen: \"127.0.0.1:0\" }\n")) as (url, said), sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.click("#quarantine summary")
        page.wait_for_selector("#refused .refused")
        seen = page.inner_text("#refused")
        assert seen.count("outlier") == 2 and seen.count("non-positive") == 1 and seen.count("release") == 2, seen
        page.click("#refused button >> nth=0")
        page.wait_for_selector("#refused .told >> text=released")
        browser.close()
        assert not errors, errors
    adds_up(said)
    assert said["events"] == 60 * MINUTES + 1, said
    return "one released by its button"


if __name__ == "__main__":
    sys.exit(CASES.run())
