#!/usr/bin/env python3
"""tests/e2e/actions.py - corporate actions from files, from the command line and over HTTP: each is taken once, refused
with its reason, and there again after a restart.
"""
import collections
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from decimal import Decimal

import tapedeck as td

CASES = td.Cases()
case = CASES.add
PARTITIONS = 2


def lean_zip(home):
    lines = [f"{34200000 + second * 1000},{1000000 + second % 7 * 100},100,P,0,0" for second in range(600)]
    with zipfile.ZipFile(f"{home}/20240102_ibm.zip", "w") as day:
        day.writestr("20240102_ibm_Trade_Tick.csv", "\n".join(lines) + "\n")


def market(home, rows, extra="serve: off\n"):
    lean_zip(home)
    pathlib.Path(f"{home}/actions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    feeds = [f"file: {{ format: lean, path: {home}/20240102_ibm.zip }}",
             f"file: {{ format: actions, path: {home}/actions.csv }}"]
    return td.config(f"{home}/a.yaml", f"{home}/data", feeds, bars="[1m]", partitions=PARTITIONS, extra=extra)


def tell(home, *words, check=0):
    done = subprocess.run([td.PROGRAM, "action", *words, "--data", f"{home}/data"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def taken(home, *words):
    return [json.loads(line) for line in tell(home, "ls", "--json", *words).splitlines()]


def said(actions):
    return sorted((a["instrument"], a["date"], a["kind"], a["value"]) for a in actions)


ROWS = ["date,instrument,kind,value,currency,announced,source",
        "2024-01-03,IBM,split,2:1,,2023-12-01,desk",
        "2024-01-03,IBM,split,2:1,,2023-12-01,another desk",
        "2024-01-04,IBM,dividend,1.66,USD",
        "2199-12-31,IBM,split,3:1",
        "2024-01-05,OTHER:X,symbol,Y",
        "2024-01-03,IBM,split,0:1",
        "2024-01-03,IBM,split,-2:1",
        "2024-01-03,IBM,split,2000000:1"]
TAKEN = [("LEAN:IBM", "2024-01-03", "split", "2:1"), ("LEAN:IBM", "2024-01-04", "dividend", "1.66"),
         ("LEAN:IBM", "2199-12-31", "split", "3:1"), ("OTHER:X", "2024-01-05", "symbol", "Y")]


@case
def a_file_is_read_once(home):
    config = market(home, ROWS)
    first = td.run(config)
    assert first["rejected"] == 3, first
    assert first["events"] == first["accepted"] + first["rejected"] == 603, first
    assert said(taken(home)) == TAKEN, taken(home)
    assert taken(home, "LEAN:IBM")[0]["known_at"] == "2023-12-01T00:00:00Z"
    reasons = subprocess.run([td.PROGRAM, "log", "cat", "rejected", "--data", f"{home}/data"], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    assert "a side of the split is 0" in reasons and "above 1000000" in reasons and "whole numbers" in reasons, reasons
    td.run(config)
    assert said(taken(home)) == TAKEN
    return f"{len(TAKEN)} taken, one doubled, 3 rejected with a reason, none twice"


@case
def one_is_added_without_a_process(home):
    config = market(home, ROWS[:2])
    td.run(config)
    for words, reason in ((("2024-02-01", "split", "0:1"), "a side of the split is 0"),
                          (("2024-02-01", "split", "1:-4"), "whole numbers"),
                          (("2024-02-31", "split", "2:1"), "not like"),
                          (("2024-02-01", "merger", "2:1"), "split, dividend or symbol"),
                          (("2024-02-01", "split"), "add takes")):
        assert reason in tell(home, "add", "LEAN:IBM", *words, check=2), words
    assert "VENUE:SYMBOL" in tell(home, "add", "IBM", "2024-02-01", "split", "2:1", check=2)
    for _ in range(2):
        assert "next run" in tell(home, "add", "LEAN:IBM", "2024-02-01", "split", "5:1", "--source", "me")
    assert len(taken(home)) == 1
    td.run(config)
    assert said(taken(home)) == [TAKEN[0], ("LEAN:IBM", "2024-02-01", "split", "5:1")], taken(home)
    assert taken(home)[-1]["source"] == "me"
    header, first, *_ = tell(home, "ls").splitlines()
    assert header.split() == ["instrument", "date", "kind", "value", "currency", "known", "at", "source"] and "2:1" in first, header
    return "5 mistakes named, one added twice and taken once"


STRATEGY = """\
strategy holder on bars(1m)
  fast = sma(close, 3)
  buy qty 100 when fast > 1
  sell        when close < 0.7 * fast[1] or volume > 1.5 * volume[1]
"""


ADJUSTED = """\
strategy adjusting on bars(1m)
  a = adjusted(close)
  buy  when a > 1
  sell when a < 0.99 * a[1]
strategy plain on bars(1m)
  buy  when close > 1
  sell when close < 0.99 * close[1]
"""


def two_days(home, name, rows, strategy=STRATEGY, paid=0):
    """The same prices and sizes on both days, in the shares of the day: on the second a share is half of one, less what
    was paid in units of 0.0001."""
    folder = pathlib.Path(f"{home}/{name}")
    folder.mkdir()
    for date, price, size in (("20240102", 1000000, 100), ("20240103", 500000, 200)):
        lines = [f"{34200000 + second * 1000},{price + second % 7 * price // 10000 - paid * (size // 200)},{size},P,0,0"
                 for second in range(600)]
        with zipfile.ZipFile(folder / f"{date}_ibm.zip", "w") as day:
            day.writestr(f"{date}_ibm_Trade_Tick.csv", "\n".join(lines) + "\n")
    (folder / "actions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "holder.td").write_text(strategy, encoding="utf-8")
    feeds = [f"file: {{ format: lean, path: {folder}/*.zip, rules: off }}",
             f"file: {{ format: actions, path: {folder}/actions.csv }}"]
    return td.config(folder / "c.yaml", folder / "data", feeds, bars="[1m]", partitions=PARTITIONS,
                     strategies=[folder / "holder.td"], extra="serve: off\n")


def state_of(home, name):
    done = subprocess.run([td.PROGRAM, "state", "LEAN:IBM", "--json", "--data", f"{home}/{name}/data"], text=True,
                          check=True, stdout=subprocess.PIPE, timeout=60)
    return json.loads(done.stdout)


@case
def a_split_alone_gives_no_signal(home):
    plain = td.run(two_days(home, "plain", ROWS[:1]))
    assert plain["signals"] == 3, plain  # what looks like a crash sells, then it is bought again
    split = td.run(two_days(home, "split", ROWS[:2]))
    assert split["signals"] == 1 and split["bars"] == plain["bars"] == 20, split
    target = [w["targets"] for w in state_of(home, "split")["widths"]]
    assert target == [{"holder": "200"}], target
    done = subprocess.run([td.PROGRAM, "replay", f"{home}/split/data", "--out", f"{home}/again"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    topics = ["tape", "bars", "signals", "actions"]
    assert td.digests(f"{home}/again", topics) == td.digests(f"{home}/split/data", topics)
    return "one signal with the split told, three without; 100 shares are 200; the replay is equal"


def bars_of(home, name, *words):
    done = subprocess.run([td.PROGRAM, "bars", "LEAN:IBM", "1m", "--json", "--data", f"{home}/{name}/data", *words], text=True,
                          check=True, stdout=subprocess.PIPE, timeout=60)
    return [Decimal(json.loads(line)["close"]) for line in done.stdout.splitlines()]


@case
def a_dividend_alone_is_no_fall(home):
    """adjusted(x) moves as the adjusted bars do, in shares of the first one: two for one, behind the split."""
    rows = [*ROWS[:2], "2024-01-03,IBM,dividend,4.00"]
    done = td.run(two_days(home, "paid", rows, ADJUSTED, 40000))
    signals = collections.Counter(row[1] for row in td.rows(f"{home}/paid/data", "signals"))
    assert signals == {"adjusting": 1, "plain": 3} and done["bars"] == 20, (signals, done)
    traded, adjusted = bars_of(home, "paid"), bars_of(home, "paid", "--adjust", "all")
    (line,) = state_of(home, "paid")["widths"][0]["lines"]
    value = Decimal(repr(line["value"]))
    assert traded[0] > 100 > 47 > traded[-1], traded
    assert value == traded[0] + 2 * (adjusted[-1] - adjusted[0]), (value, traded, adjusted)
    return f"one signal on adjusted(close), three on close; its last value is {value}"


def post(url, body, wanted=200):
    request = urllib.request.Request(url + "/api/v1/actions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            code, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        code, text = error.code, error.read()
    assert code == wanted, f"{body}: {code}, {text}"
    return json.loads(text)


def metric(url, outcome):
    with urllib.request.urlopen(url + "/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("tapedeck_actions_total") and f'outcome="{outcome}"' in line)


def wait_for(what, truth):
    until = time.monotonic() + 20
    while not truth():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def bars(url, path):
    with urllib.request.urlopen(url + path, timeout=20) as answer:
        return json.loads(answer.read())


def adjusted_over_http(url):
    """Behind the day's bars came 2:1 and 3:1, before them another one."""
    path = "/api/v1/bars?instrument=LEAN:IBM&width=1m&limit=3"
    wait_for("ten bars", lambda: len(bars(url, path.replace("limit=3", "limit=99"))["bars"]) == 10)
    plain, split = bars(url, path), bars(url, path + "&adjust=split")
    assert len(plain["bars"]) == 3 and "&adjust=split" in split["next"] and "adjust" not in plain["next"]
    for before, after in zip(plain["bars"], split["bars"]):
        assert Decimal(after["close"]) == (Decimal(before["close"]) / 6).quantize(Decimal("1e-9")), (before, after)
        assert Decimal(after["volume"]) == Decimal(before["volume"]) * 6
    assert bars(url, path + "&adjust=split&as_of=2024-01-04T00:00:00Z")["bars"][0]["volume"] == \
        f"{Decimal(plain['bars'][0]['volume']) * 2}"
    assert bars(url, path + "&as_of=2024-01-04T00:00:00Z&adjust=none")["bars"] == plain["bars"]
    early = bars(url, path + "&as_of=@300")["bars"]  # the splits are days away from there
    assert len(early) == 3 and early != plain["bars"]
    for known in ("then", "now"):
        assert bars(url, path + f"&as_of=@300&adjust=split&known={known}")["bars"] == \
            bars(url, path + f"&as_of=@300&known={known}")["bars"], known
    assert bars(url, split["next"])["bars"][-1]["volume"] == split["bars"][0]["volume"]


def page(url, path):
    """All of an answer's rows, the pages before it first."""
    with urllib.request.urlopen(url + path, timeout=20) as answer:
        one = json.load(answer)
    return (page(url, one["next"]) if one["next"] else []) + one["actions"]


@case
def a_process_takes_them_over_http(home):
    config = market(home, ROWS[:2], extra="speed: max\nserve: { listen: 127.0.0.1:0 }\n")
    run = subprocess.Popen([td.PROGRAM, "run", "--json", config], cwd=td.ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    try:
        beacon = pathlib.Path(f"{home}/data/SERVE")
        wait_for("an address", beacon.exists)
        url = beacon.read_text(encoding="utf-8").strip()
        good = {"instrument": "LEAN:IBM", "date": "2024-03-01", "kind": "split", "value": "3:1", "source": "\u00fcber"}
        assert post(url, good) == {"instrument": "LEAN:IBM", "state": "added"}
        assert post(url, good)["state"] == "added"
        assert post(url, good | {"date": "2000-01-03"})["state"] == "added"
        for change, code in (({"value": "0:1"}, "bad_action"), ({"value": "1000001:1"}, "bad_action"),
                             ({"kind": "x"}, "bad_action"), ({"instrument": "IBM"}, "bad_parameter"),
                             ({"width": "1m"}, "unknown_parameter"), ({"value": 3}, "bad_body")):
            assert post(url, good | change, 400)["error"]["code"] == code, change
        assert post(url, {"date": "2024-03-01", "kind": "split", "value": "3:1"}, 400)["error"]["code"] == \
            "missing_parameter"
        assert tell(home, "add", "LEAN:X", "2024-03-01", "dividend", "0.5") == "added\n"
        wait_for("four taken", lambda: metric(url, "taken") + metric(url, "late") == 4)
        assert metric(url, "duplicate") == 1 and metric(url, "refused") == 0
        adjusted_over_http(url)
        with urllib.request.urlopen(url + "/api/v1/actions?instrument=LEAN:IBM", timeout=20) as answer:
            told = json.load(answer)
        with urllib.request.urlopen(url + "/api/v1/actions?instrument=LEAN:X&format=csv", timeout=20) as answer:
            rows = answer.read().decode().splitlines()
        assert told == {"actions": taken(home, "LEAN:IBM"), "next": None} and len(told["actions"]) == 3, told
        assert rows[0] == ",".join(told["actions"][0]) and rows[1].startswith("LEAN:X,2024-03-01,dividend,0.5,"), rows
        assert len(page(url, "/api/v1/actions?instrument=LEAN:IBM&limit=2")) == 3
    finally:
        run.terminate()
        run.communicate(timeout=60)
    assert [a[1] for a in said(taken(home, "LEAN:IBM"))] == ["2000-01-03", "2024-01-03", "2024-03-01"]
    assert len(taken(home, "LEAN:X")) == 1
    return "3 over HTTP, one doubled, one by the command; 7 mistakes named"


if __name__ == "__main__":
    sys.exit(CASES.run())
