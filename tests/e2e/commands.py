#!/usr/bin/env python3
"""tests/e2e/commands.py - each command as a user types it: what it says, what it writes, and its exit code. The JSON
Schema is held to the program: what one refuses, the other refuses too.
"""
import gzip
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zipfile

import jsonschema
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tapedeck as td  # noqa: E402

COMMANDS = ["demo", "init", "new", "check", "run", "status", "feeds", "gaps", "bars", "fills", "strategies", "state", "explain",
            "positions", "rebuild", "profile", "replay", "import", "sql", "help"]
FEEDS = ["simulated", "lean", "binance-collector", "cryptofeed", "actions", "csv", "alphavantage", "websocket", "coinbase",
         "kafka"]
SCHEMA = json.loads((td.ROOT / "docs" / "tapedeck.schema.json").read_text(encoding="utf-8"))
CASES = td.Cases()
case = CASES.add


def ask(*words, check=0, cwd=None, program=None, share=td.ROOT, **env):
    """Runs a command to its end. The examples lie in the source tree wherever the build folder is."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAPEDECK_")} | env
    if share:
        environment["TAPEDECK_SHARE"] = str(share)
    done = subprocess.run([program or td.PROGRAM, *words], cwd=cwd, env=environment, text=True, timeout=120,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}:\n{done.stdout}{done.stderr}"
    return done


def write(path, text):
    pathlib.Path(path).write_text(text, encoding="utf-8")
    return str(path)


def simulated(home, more="", ticks=2000):
    return write(f"{home}/c.yaml", f"feeds:\n  - simulated: {{ ticks: {ticks}, instruments: 5 }}\nbars: [1s]\n"
                                   f"log: {{ dir: {home}/data, partitions: 2 }}\n{more}")


def wait_for(what, seconds=20):
    for _ in range(seconds * 50):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@case
def explain_says_why_a_window_is_open(home):
    lines = [f"{1723161600000000000 + n * 10**9} " + json.dumps({"stream": "btcusdt@trade", "data": {
        "e": "trade", "s": "BTCUSDT", "t": n, "p": "60000.1", "q": "1", "T": 1723161600000 + n * 1000, "m": True}})
        for n in range(90)]
    with gzip.open(f"{home}/btc.gz", "wt") as out:
        out.write("\n".join(lines) + "\n")
    config = td.config(f"{home}/c.yaml", f"{home}/data",
                       [f"file: {{ format: binance-collector, path: {home}/btc.gz }}"], bars="[1m]", sink=False)
    run = td.start(config, "--set", "speed=1000000x")
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, out + err

    def explain(at, *words, check=0):
        return ask("explain", "window", "BINANCE:BTCUSDT", "1m", at, "--data", f"{home}/data", *words, check=check).stdout

    first, second, third = explain("1723161630"), explain("1723161689"), explain("1723161720")
    assert "closed: revision 0 of 60 trades" in first and "takes late trades until" in first, first
    assert "closed: revision 0 of 30 trades" in second and "session ended" in second, second
    assert "the feed's end closed it" in second and "the feed's end closed it" not in first, second
    assert "open, 0 trades so far" in third and "of 2024-08-09T00:03:01Z or later" in third, third
    assert "the feed ended before it" in third and "session ended, lateness 1s" in third, third
    told = [json.loads(explain(at, "--json")) for at in ("1723161630", "1723161689", "1723161720")]
    assert [t["state"] for t in told] == ["closed", "closed", "open"], told
    assert told[0]["bar"]["trade_count"] == told[0]["trades"] == 60 and told[2]["bar"] is None, told
    assert told[2]["short_ns"] > 60 * 10**9 and told[2]["closes_with_event"] == "2024-08-09T00:03:01Z", told[2]
    refused = ask("explain", "window", "BINANCE:BTCUSDT", "2m", "1723161630", "--data", f"{home}/data", check=3)
    assert "no bars of 2m" in refused.stderr, refused.stderr
    assert "not a width" in ask("explain", "window", "A:B", "x", "1723161630", check=2).stderr
    assert "no data folder" in ask("explain", "window", "A:B", "1m", "1723161630", "--data", f"{home}/none", check=3).stderr
    return "closed, closed by the feed's end, open; widths, times and folders that are none are named"


@case
def bars_that_are_not_there_are_said(home):
    ask("run", "--until-end", "--quiet", simulated(home))
    data = ["--data", f"{home}/data"]
    shown = ask("bars", "SIM:S0001", "1s", *data).stdout
    assert shown.startswith("start ") and " r0 complete" in shown, shown[:200]
    refused = ask("bars", "SIM:S0001", "7m", *data, check=3)
    assert "no bars of 7m" in refused.stderr and refused.stdout == "", refused.stderr
    none = ask("bars", "SIM:S0001", "1s", "--to", "2001-01-01T00:00Z", *data)
    assert "none of SIM:S0001 in 1s" in none.stderr and none.stdout == "", none
    assert ask("bars", "SIM:S0001", "1s", "--to", "2001-01-01T00:00Z", "--json", *data).stdout == ""
    assert "nothing" in ask("quarantine", "ls", *data).stderr and "no action" in ask("action", "ls", *data).stderr
    for none in (f"{home}/none", f"{home}/empty"):
        os.makedirs(f"{home}/empty", exist_ok=True)
        for words in (["action", "add", "LEAN:IBM", "2014-06-09", "split", "7:1"], ["quarantine", "release", "0/0", "--yes"]):
            refused = ask(*words, "--data", none, check=3).stderr
            assert "no data folder" in refused or "no tape" in refused, refused
        assert not os.path.exists(none) or not os.listdir(none), "a folder without a tape was written to"
    return "a width that nobody makes, an instrument that is none, empty lists, folders without a tape"


@case
def an_instrument_that_is_none_is_no_empty_one(home):
    """What each says of one that the log has not heard of, of one it has that gives nothing, and of such a price alone."""
    with open(f"{home}/quotes.csv", "w", encoding="utf-8") as table:
        table.write("time,instrument,bid,ask\n2026-03-02T15:00:01Z,SIM:QUOTED,9,10\n")
    config = simulated(home, ticks=20000)
    text = pathlib.Path(config).read_text(encoding="utf-8")
    write(config, text.replace("bars:", f"  - file: {{ format: csv, path: {home}/quotes.csv }}\nbars:"))
    ask("run", "--until-end", "--quiet", config)
    ask("action", "add", "SIM:PAID", "2026-03-03", "dividend", "0.5", "--data", f"{home}/data")
    ask("run", "--until-end", "--quiet", config)  # the last snapshot is behind it
    questions = [["bars", "{}", "1s"], ["bars", "{}", "1s", "--vendor"], ["bars", "{}", "7m", "--json"], ["state", "{}"],
                 ["gaps", "--instrument", "{}"], ["fills", "--instrument", "{}"], ["quarantine", "ls", "--instrument", "{}"],
                 ["explain", "window", "{}", "1s", "1723161601"], ["explain", "any", "{}", "1723161601"]]
    for words in questions:
        for name, nearest in (("SIM:S0009", 'did you mean "SIM:S000'), ("sim:s0001", 'did you mean "SIM:S0001"?'),
                              ("NYSE:GENERALMOTORS", "there are 7, such as SIM:")):
            done = ask(*[w.format(name) for w in words], "--data", f"{home}/data", check=3)
            assert f"no such instrument in the log: {name}; {nearest}" in done.stderr and done.stdout == "", (words, done)
        for name in ("SIM:QUOTED", "SIM:PAID"):
            code = 3 if "7m" in words or "any" in words else 0
            done = ask(*[w.format(name) for w in words], "--data", f"{home}/data", check=code)
            assert "no such instrument" not in done.stderr, (words, done)
    shutil.rmtree(f"{home}/data/snapshots")  # then all is on the tape alone
    assert "no such instrument" in ask("bars", "SIM:S0009", "1s", "--data", f"{home}/data", check=3).stderr
    assert "none of SIM:QUOTED in 1s" in ask("bars", "SIM:QUOTED", "1s", "--data", f"{home}/data").stderr
    return f"{len(questions)} questions of 3 that are none and 2 that give nothing"


@case
def profile_tells_what_is_wrong(home):
    config = simulated(home)
    ask("run", "--until-end", "--quiet", config)
    table = ask("profile", config).stdout
    assert table.startswith("instrument ") and "5 rows, 0 with anomalies; " in table, table
    assert ask("profile", f"{home}/data").stdout == table == ask("profile", "--data", f"{home}/data").stdout
    found = json.loads(ask("profile", config, "--json", "--strict").stdout)
    assert sum(row["trades"] + row["quotes"] for row in found["rows"]) == 2000 and found["anomalous"] == 0, found
    one = json.loads(ask("profile", config, "--json", "--instrument", "SIM:S0002", "--feed", "simulated").stdout)
    assert one["rows"] == [row for row in found["rows"] if row["instrument"] == "SIM:S0002"], one
    assert json.loads(ask("profile", config, "--json", "--day", "2025-12-31").stdout)["rows"] == []
    lines = [f"{1723161600000000000 + n * 10**9} " + json.dumps({"stream": "btcusdt@trade", "data": {
        "e": "trade", "s": "BTCUSDT", "t": n, "p": "60000.1", "q": "1", "T": 1723161602000 + n * 1000, "m": True}})
        for n in range(90)] + ["1723161700000000000 no message"]
    with gzip.open(f"{home}/btc.gz", "wt") as out:
        out.write("\n".join(lines) + "\n")
    wrong = td.config(f"{home}/w.yaml", f"{home}/wrong", [f"file: {{ format: binance-collector, path: {home}/btc.gz }}"],
                      sink=False)
    td.run(wrong)
    told = ask("profile", wrong, "--strict", check=7).stdout
    assert "100.00 % of events have a time later than their arrival" in told and "rejected: 1 malformed" in told, told
    assert "1.10 % of what came could not be decoded" in told and ask("profile", wrong).stdout == told, told
    assert "is not a day" in ask("profile", config, "--day", "monday", check=3).stderr
    assert "no data folder" in ask("profile", "--data", f"{home}/none", check=3).stderr
    return "a good day, a bad day, one instrument, no day; file, folder and --data; --strict"


@case
def gaps_are_told(home):
    run = ask("run", "--until-end", "--json", simulated(home))
    data, start = f"{home}/data", 1723161600 * 10**9

    def gaps(*words, check=0):
        return ask("gaps", "--data", data, *words, check=check)

    assert gaps().stdout.startswith("0 gaps: 0 open"), run.stdout
    span, feeds = (start + 10**9, start + 2250 * 10**6), ("simulated", "other")
    td.put_gaps(data, [("SIM:S000", feeds[0], 1, "open", "session", span[0], -1, -1, 0),
                       ("SIM:S001", feeds[1], 1, "open", "ids", *span, 9, 0),
                       ("SIM:S001", feeds[1], 1, "lost", "ids", *span, 7, 2),
                       ("SIM:S000", feeds[0], 2, "filled", "silence", start, start + 10**9, 0, 5)])
    rows = [line.split() for line in gaps().stdout.splitlines()]
    assert rows[0] == ["instrument", "number", "status", "reason", "from", "to", "duration", "missing", "filled"], rows
    assert [(r[0], *r[1:4], r[-1]) for r in rows[1:-1]] == [
        ("SIM:S000", "2", "filled", "silence", "5"), ("SIM:S000", "1", "open", "session", "0"),
        ("SIM:S001", "1", "lost", "ids", "2")], rows
    assert rows[3][4:9] == ["2024-08-09T00:00:01Z", "2024-08-09T00:00:02.25Z", "1.250", "s", "7"], rows[3]
    assert " ".join(rows[-1]).startswith("3 gaps: 1 open, 1 filled, 1 lost; trades: 7 known"), rows[-1]
    for words, found in [(["--open"], ["S000"]), (["--feed", "other"], ["S001"]), (["--instrument", "SIM:S001"], ["S001"]),
                         (["--to", str(start + 1)], ["S000"]), (["--from", str(start + 3 * 10**9)], ["S000"]),
                         (["--instrument", "SIM:S0001"], []), (["--from", "2200-01-01T00:00Z", "--feed", "other"], [])]:
        *told, total = [json.loads(line) for line in gaps("--json", *words).stdout.splitlines()]
        assert [t["instrument"][4:] for t in told] == found and total["gaps"] == len(found), (words, told, total)
    assert "is not a time" in gaps("--from", "noon", check=2).stderr
    assert "not VENUE:SYMBOL" in gaps("--instrument", "S001", check=2).stderr
    cat = [json.loads(line)["value"] for line in ask("log", "cat", "gaps", "--data", data).stdout.splitlines()]
    assert {(v["schema"], v["status"], v["to_ns"]) for v in cat if v["number"] == 1 and v["feed"] == "simulated"} == {
        ("Gap", "open", None)}, cat
    status = json.loads(ask("status", "--json", "--data", data).stdout)
    assert status["open_gaps"] == 1 and status["feeds"][0]["open_gaps"] == 1, status
    assert "gaps   1 open, 1 of simulated: `tapedeck gaps --open`" in ask("status", "--data", data).stdout
    why = ask("explain", "window", "SIM:S001", "1s", str(start + 10**9), "--data", data).stdout
    assert "gap 1 lies over it (ids, from 2024-08-09T00:00:01Z to 2024-08-09T00:00:02.25Z) and makes it partial: lost, 7" in why, why
    td.put_gaps(data, [("SIM:S003", "other", n, "lost", "ids", span[0] + n, span[0] + n, 1, 0) for n in range(1, 16)])
    why = ask("explain", "window", "SIM:S003", "1s", str(start + 10**9), "--data", data).stdout
    assert why.count("lies over it") == 10 and "and 5 gaps before that" in why, why
    return "as they stand, by instrument, feed, time and status; in status, explain and log cat, too"


@case
def ids_that_count_all_pairs_are_no_gaps(home):
    def trade(n, pair):
        return f"16413436{n:02}.5: " + json.dumps({"event": "trade", "channel": f"live_trades_{pair}", "data": {
            "id": 100 + n, "timestamp": f"16413436{n:02}", "amount_str": "1", "price_str": "2", "type": 0}}) + "\n"

    lines = [trade(n, "btcusd" if n % 3 else "ethusd") for n in range(60)]
    write(f"{home}/s", "wss://ws.bitstamp.net/ <-> 1641343600.1\n" + "".join(lines[:30] + lines[29:]))
    config = td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: cryptofeed, path: {home}/s }}"], sink=False)
    write(f"{home}/s.yaml", pathlib.Path(config).read_text(encoding="utf-8") + "serve: { listen: 127.0.0.1:0 }\nspeed: 1000x\n")
    process = subprocess.Popen([td.PROGRAM, "run", "--quiet", f"{home}/s.yaml"], stdout=subprocess.DEVNULL)
    serve = pathlib.Path(f"{home}/data/SERVE")
    try:
        def counts():
            return json.loads(ask("status", "--json", "--data", f"{home}/data").stdout).get("run", {})
        wait_for(lambda: serve.exists() and counts().get("accepted") == 60)
        with urllib.request.urlopen(serve.read_text() + "/api/v1/status", timeout=20) as answer:
            asked = json.loads(answer.read())["run"]
        for run in (counts(), asked):
            assert run["duplicates"] == 1 and run["events"] == 61 == sum(
                run[part] for part in ("accepted", "quarantined", "duplicates", "rejected")), run
        assert "1 duplicates" in ask("status", "--data", f"{home}/data").stdout
    finally:
        td.kill(process)
    assert ask("gaps", "--data", f"{home}/data").stdout.startswith("0 gaps")
    ask("run", "--until-end", "--quiet", "--set", "feeds.0.file.trade_ids=ordered", "--set", f"log.dir={home}/ordered",
        config)
    assert ask("gaps", "--data", f"{home}/ordered").stdout.splitlines()[-1].startswith("38 gaps")
    return "60 trades of two pairs and one told twice: no gap, and the counts of status add up"


@case
def help_has_one_shape(home):
    for name in COMMANDS + ["log copy"]:
        words = name.split()
        text = ask(*words, "--help").stdout
        heads = (f"usage: tapedeck {name} ", "\noptions:\n", "\nexamples:\n", "\nexit codes:\n")
        parts = [text.index(head) for head in heads]
        assert parts == sorted(parts) and parts[0] == 0, (name, text)
        assert ask(*words, "-h").stdout == text == ask("help", *words).stdout
        assert max(map(len, text.splitlines())) <= 120 and "(null)" not in text, name
        listed = set(re.findall(r"^  --([a-z-]+)", text.split("options:")[1].split("examples:")[0], re.M))
        used = set(re.findall(r" --([a-z-]+)", text.split("examples:")[1].split("exit codes:")[0]))
        assert used <= listed | {"force"}, (name, used - listed)
    text = ask("log", "--help").stdout
    assert max(map(len, text.splitlines())) <= 120, text
    verbs = set(re.findall(r"tapedeck log ([a-z]+)", text.split("\nLOG")[0]))
    assert len(verbs) == 5 and all(ask("log", verb, "--help").stdout == text for verb in verbs - {"copy"}), verbs
    first = ask("--help").stdout
    assert all(re.search(rf"^  {name} ", first, re.M) for name in COMMANDS + ["log", "bench"]), first
    assert re.fullmatch(r"tapedeck \d+\.\d+\.\d+\n", ask("--version").stdout)
    return f"{len(COMMANDS)} commands, each with usage, options, examples, exit codes"


@case
def nearest_words(home):
    rows = [(["rnu"], "did you mean `run`"), (["statsu"], "did you mean `status`"),
            (["run", "--quite", "x"], '"--quiet"'), (["check", "--jsn", "x"], '"--json"'),
            (["log", "ls", "--jsn"], '--jsn: unknown option, or one without its value; did you mean "--json"?'),
            (["help", "partitons"], '"partitions"'), (["help", "coinbas"], '"coinbase"'), (["init", "leen"], '"lean"'),
            (["run"], "FILE is missing"), (["run", "a", "b"], '"b" is one word too many'),
            (["run", "--set"], "KEY=VALUE is missing"), (["run", "--quiet=no", "x"], "takes no value"),
            (["new", "Two Words"], "no name of a strategy"), (["new", "buy"], "a word of the language"),
            (["status", "--url"], "URL is missing")]
    for words, said in rows:
        assert said in ask(*words, check=2).stderr, words
    return f"{len(rows)} mistakes, exit 2, each with the word that was meant"


@case
def keys_explain_themselves(home):
    text = ask("help", "log.partitions").stdout
    assert "whole number, 1 to 64 partitions; default: 8" in text, text
    assert "feeds.file.path (format: lean)" in ask("help", "path").stdout
    assert ask("help", "coinbase.level2").stdout == ask("help", "level2").stdout
    assert all("\n    name  " in ask("help", kind).stdout for kind in (*FEEDS, "sqlite"))
    assert "place(x)\n    among" in ask("help", "place").stdout
    assert {"rank(x, n)", "rank(x)"} <= set(ask("help", "rank").stdout.splitlines())
    assert all("word of strategies" in ask("help", word, check=2).stderr
               for word in ("sentiment", "qty", "microprice", "ref", "asof"))
    keys = re.findall(r"^\| `([a-z_]+)` \|", ask("help", "--markdown").stdout, re.M)
    assert len(keys) > 30 and all(ask("help", key).stdout for key in set(keys)), keys
    return f"{len(set(keys))} keys, each known to `help KEY`"


@case
def begin_with_init(home):
    for feed in FEEDS:
        file = f"{home}/{feed}.yaml"
        ask("init", feed, file, cwd=home)
        ask("check", file, cwd=home, ALPHAVANTAGE_TOKEN="test-key")
        jsonschema.validate(yaml.safe_load(pathlib.Path(file).read_text(encoding="utf-8")), SCHEMA)
        rows = re.findall(r"^ *#? ?([a-z_]+):", pathlib.Path(file).read_text(encoding="utf-8"), re.M)
        assert {"feeds", "bars", "log", "sinks", "serve", "speed", "partitions", "listen"} <= set(rows), rows
    before = pathlib.Path(f"{home}/lean.yaml").read_text(encoding="utf-8")
    assert "--force" in ask("init", "simulated", "lean.yaml", cwd=home, check=3).stderr
    assert pathlib.Path(f"{home}/lean.yaml").read_text(encoding="utf-8") == before
    ask("init", "simulated", "lean.yaml", "--force", cwd=home)
    ask("init", "simulated", cwd=home)
    done = ask("run", "--until-end", "--json", "--set", "feeds.0.simulated.ticks=3000", "--set", "serve=off",
               "tapedeck.yaml", cwd=home)
    assert json.loads(done.stdout)["accepted"] == 3000 and pathlib.Path(f"{home}/data/market.db").exists()
    return f"{len(FEEDS)} configurations that check finds good and the schema too; one of them run; nothing overwritten"


@case
def begin_with_new(home):
    ask("new", "my_cross", cwd=home)
    assert "--force" in ask("new", "my_cross", cwd=home, check=3).stderr
    ask("check", simulated(home, f"strategies: [{home}/my_cross.td]\n"))
    return "a strategy that compiles, not written over"


ONE = "feeds: [simulated: {}]\n"
GOOD = ["feeds: [simulated: ]", ONE + "serve: off", ONE + "serve: { listen: '127.0.0.1:1' }",
        "feeds: [simulated: { ticks: '${TICKS}' }]", ONE + "speed: 2.5x\nworkers: 3\nlog: { retain: 5GB }",
        ONE + "strategies:\nsinks: [sqlite: { file: x.db }]", ONE + "bars: [1s, 100 trades, 7trades, 2.5 volume]"]
WRONG = ["bars: [1s]", "feeds: []", "feeds: simulated", "feeds: [simulatd: {}]", "feeds: [simulated: { sed: 1 }]",
         "feeds: [simulated: { ticks: many }]", "feeds: [simulated: { instruments: 0 }]",
         "feeds: [file: { format: leen, path: x }]", "feeds: [file: { path: x }]", "feeds: [file: { format: lean }]",
         "feeds: [{ simulated: {}, file: {} }]", ONE + "bars: [5 m]", ONE + "bars: { a: 1s }", ONE + "lgo: {}",
         ONE + "log: { partitions: 65 }", ONE + "log: { codec: zst }", ONE + "log: { segment: 1XB }",
         ONE + "log: { sync_interval: 5 }", ONE + "log: { dir: [a] }", ONE + "sinks: [sqlite: {}]",
         ONE + "sinks: [sqlit: { file: x }]", ONE + "serve: maybe", ONE + "speed: 60", ONE + "hours: some",
         ONE + "workers: 0", ONE + "bars: [1.5 trades]"]


@case
def schema_and_program_agree(home):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for path in sorted((td.ROOT / "examples").glob("*.yaml")):
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    for texts, good in ((GOOD, True), (WRONG, False)):
        for text in texts:
            file = write(f"{home}/s.yaml", text + ("\n" if "bars" in text else "\nbars: [1s]\n"))
            said = subprocess.run([td.PROGRAM, "check", file], cwd=home, env=os.environ | {"TICKS": "10"}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            assert (said.returncode == 0) == good, (text, said)
            assert validator.is_valid(yaml.safe_load(pathlib.Path(file).read_text(encoding="utf-8"))) == good, text
    return f"examples valid; {len(GOOD)} good and {len(WRONG)} wrong configurations judged alike"


@case
def check_tells_everything(home):
    write(f"{home}/a.td", "strategy a on bars(1m)\n  f = smaa(close, 5)\n  buy when f > clse\n")
    file = write(f"{home}/c.yaml", f"feeds:\n  - simulated: {{ sed: 1 }}\n"
                                   f"  - file: {{ format: lean, path: {home}/none/*.zip }}\n"
                                   f"  - websocket: {{ url: ws://h/, subscribe: {'x' * 70000} }}\n"
                                   f"lgo: {{}}\nstrategies: [{home}/a.td, {home}/b.td]\n"
                                   f"log: {{ dir: {home}/data, partitions: 0 }}\n")
    done = ask("check", file, check=2)
    for said in ("c.yaml:2:18: feeds[0].simulated.sed: unknown key; did you mean \"seed\"?",
                 "c.yaml:5:1: lgo: unknown key",
                 "a.td:2:7:", "a.td:3:", f"no file \"{home}/b.td\"", "log.partitions: 0 is not within 1 to 64",
                 "c.yaml:3:5: feeds[1].file.path: no file is named",
                 "c.yaml:4:5: feeds[2].websocket.subscribe: it is longer than 64512 bytes"):
        assert said in done.stdout, (said, done.stdout)
    found = json.loads(ask("check", "--json", file, check=2).stdout)
    assert not found["ok"] and found["errors"] == len(found["findings"]) >= 7, found
    place = next(f for f in found["findings"] if f.get("key") == "feeds[1].file.path")
    assert (place["line"], place["column"], place["file"]) == (3, 5, file), place
    assert not pathlib.Path(f"{home}/data").exists(), "check writes nothing"
    return f"{found['errors']} mistakes of configuration, strategies and inputs in one go, with file, line and key"


@case
def check_takes_strategies_alone(home):
    good = write(f"{home}/good.td", "strategy g on bars(1m)\n  buy when crossover(close, sma(close, 5))\n")
    said = ask("check", "--plan", good).stdout
    assert "good.td: good: 0 errors" in said and "g needs 6 bars of 1m" in said, said
    wrong = write(f"{home}/wrong.td", "strategy w on bars(1m)\n  buy when clse > 1\n  sell when clos > 1\n")
    found = json.loads(ask("check", "--json", wrong, check=2).stdout)
    assert [(f["line"], f["column"]) for f in found["findings"]] == [(2, 12), (3, 13)], found
    assert "--set" in ask("check", "--set", "bars=[1s]", good, check=2).stderr
    assert "none.td" in ask("check", f"{home}/none.td", check=2).stdout
    missing = write(f"{home}/missing.td", "strategy w on bars(1m) for @none.txt, @nor_this.txt\n  buy when clse > 1\n")
    found = json.loads(ask("check", "--json", missing, check=2).stdout)
    assert [f["message"][:24] for f in found["findings"]][2:] == ["unknown name 'clse'; did"], found
    assert all(name in str(found["findings"][i]) for i, name in enumerate(("none.txt", "nor_this.txt"))), found
    holds = write(f"{home}/holds.td", "strategy a on bars(1m)\n  x = close\n  stop 2%\n"
                                      "strategy b on bars(1m)\n  sell when close > 1\n"
                                      "strategy c on bars(1m)\n  short when close > 1\n  trail 2%\n"
                                      "strategy d on bars(1m)\n  alert \"up\" when close > 1\n"
                                      "series e on bars(1m)\n  y = close\n")
    found = json.loads(ask("check", "--json", holds).stdout)
    assert [(f["severity"], f["message"][:11]) for f in found["findings"]] == [
        ("warning", "strategy a "), ("warning", "strategy b ")], found
    many = write(f"{home}/many.td", "strategy m on bars(1m)\n" + "".join(f"  v{i} = close + {i}\n" for i in range(10001)))
    said = ask("check", many, check=2).stdout
    assert "many.td:10002:3: too many names in one strategy" in said, said[-300:]
    return "a file of strategies, its mistakes at their places, 10,001 names"


@case
def a_folder_that_is_not_there_is_named(home):
    for words in (("positions", "ls"), ("positions", "reset", "sqlite"), ("strategies",), ("gaps",)):
        said = ask(*words, "--data", f"{home}/nowhere", check=3).stderr
        assert f"no data folder {home}/nowhere" in said, (words, said)
    return "4 commands name it"


@case
def check_warns(home):
    strategy = write(f"{home}/s.td", "strategy s on bars(1s) for SIM:S001\n  buy when close > 1\n")
    file = simulated(home, f"strategies: [{strategy}]\n", ticks=0)
    said = ask("check", file).stdout
    assert "did you mean SIM:S0001?" in said and "never ends by itself" in said, said
    run = ask("run", "--until-end", "--set", "feeds.0.simulated.ticks=1000", file).stderr
    assert run.count("did you mean SIM:S0001?") == 1, run
    assert "log.partitions" in ask("check", "--set", "log.partitions=4", file, check=3).stdout
    live = write(f"{home}/live.yaml", "feeds: [coinbase: { products: [A-B, C-D, E-F], per_connection: 1 }]\nbars: [1s]\n"
                                      f"log: {{ dir: {home}/none }}\n")
    said = ask("check", live).stdout
    assert said.count(": live; not connected") == 3 and said.count("never ends by itself") == 1, said
    assert all(feed["live"] for feed in json.loads(ask("check", "--json", live).stdout)["feeds"])
    return "a strategy for nothing, a feed without end, another partition count"


@case
def check_connects(home):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        file = simulated(home, f"serve: {{ listen: \"{address}\" }}\n")
        ask("check", file)
        assert address in ask("check", "--connect", file, check=3).stdout
    ask("check", "--connect", file)
    process = td.start(file, "--set", "speed=1x", "--set", "serve=off", "--set", "feeds.0.simulated.ticks=0")
    try:
        wait_for(lambda: list(pathlib.Path(f"{home}/data").glob("tape-*")))
        wait_for(lambda: "another" in ask("check", "--connect", "--set", "serve=off", file, check=3).stdout, 1)
    finally:
        td.kill(process)
    ask("check", "--connect", "--set", f"sinks=[sqlite: {{ file: {home}/m.db }}]", file)
    said = ask("check", "--connect", "--set", "sinks=[sqlite: { file: /proc/none/m.db }]", file, check=3).stdout
    assert "sinks[0].sqlite" in said, said
    return "a busy port, a folder in use and a sink that cannot be opened, with --connect alone"


@case
def check_tries_what_is_named(home):
    said = ask("check", f"{home}/none.yaml", check=2).stdout
    assert "none.yaml: not good: 1 error, " in said, said
    os.mkdir(f"{home}/rec")
    with zipfile.ZipFile(f"{home}/rec/day.zip", "w") as day:
        day.writestr("day.csv", "34200000,1000000,100,P,0,0\n")
    feed = f"feeds=[file: {{ format: lean, path: {home}/rec/*.zip }}]"
    said = ask("check", "--set", feed, simulated(home), check=3).stdout
    assert 'the first: day.zip, line 0: "day.csv" is no name like' in said, said
    key = f"serve={{ listen: 127.0.0.1:1, cert: {home}/c.yaml, key: {home}/c.yaml }}"
    assert "serve.cert: " in ask("check", "--set", key, simulated(home), check=3).stdout
    below = f"log.dir={home}/c.yaml/data"
    assert "log.dir: " in ask("check", "--connect", "--set", below, simulated(home), check=3).stdout
    return "a file that is not there, a recording that is none, a bad certificate, a folder that cannot be made"


@case
def one_wish_told_twice(home):
    process = td.start(simulated(home, "speed: 1x\nserve: { listen: 127.0.0.1:0 }\n", ticks=0))
    wait_for(pathlib.Path(f"{home}/data/SERVE").exists)
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    assert process.wait(timeout=30) == 5, process.returncode
    return "two signals at once drain as one does"


@case
def status_of_a_run(home):
    assert "no data folder" in ask("status", "--data", f"{home}/none", check=3).stderr
    file = simulated(home, f"sinks: [sqlite: {{ file: {home}/data/m.db }}]\nserve: {{ listen: 127.0.0.1:0 }}\n"
                           "speed: 60x\n", ticks=0)
    process = subprocess.Popen([td.PROGRAM, "run", "--quiet", file], stdout=subprocess.DEVNULL)
    serve = pathlib.Path(f"{home}/data/SERVE")
    try:
        wait_for(serve.exists)
        wait_for(lambda: json.loads(ask("status", "--json", "--data", f"{home}/data").stdout)["sinks"][0]["rows"] > 0)
        live = json.loads(ask("status", "--json", "--data", f"{home}/data").stdout)
        assert live["running"] and live["url"] == serve.read_text(), live
        assert live["run"]["events"] > 0 and live["run"]["events_per_second"] > 0, live
        assert live["feeds"][0]["name"] == "simulated" and live["feeds"][0]["event_ns"] > 0, live
        assert {t["name"] for t in live["topics"]} >= {"tape", "bars", "signals"} and live["disk"]["size_bytes"] > 0
        assert live["warnings"] == [] or "disk" in live["warnings"][0], live["warnings"]
        assert json.loads(ask("status", "--json", "--url", live["url"]).stdout)["run"]["events"] > live["run"]["events"]
        assert "sink   sqlite" in ask("status", "--data", f"{home}/data").stdout
        feed = json.loads(ask("feeds", "--json", "--data", f"{home}/data").stdout)[0]
        assert feed["events"] > live["run"]["events"] and 0 <= feed["delay_ns"] < 10**9, feed
        assert "sessions" not in feed, "a simulated feed has none"
    finally:
        td.kill(process)
    lines = ask("feeds", "--data", f"{home}/data").stdout.splitlines()
    assert lines[1].split()[:3] == ["simulated", "stopped", "-"] and lines[2] == "from the log; nothing runs", lines
    assert serve.exists(), "a killed process leaves its address behind"
    dead = json.loads(ask("status", "--json", "--data", f"{home}/data").stdout)
    assert not dead["running"] and dead["url"] is None and dead["feeds"][0]["name"] == "simulated", dead
    assert "nobody answers" in ask("status", "--url", live["url"], check=3).stderr
    process = subprocess.Popen([td.PROGRAM, "run", file], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: live["url"] != serve.read_text())
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0 and not serve.exists(), (process.returncode, said)
    assert said.count("never ends by itself") == 1, said
    return "from the process while it runs, from the log after kill -9; the address goes with a clean end"


@case
def quiet_is_quiet(home):
    done = ask("run", "--until-end", "--quiet", simulated(home, "serve: { listen: 127.0.0.1:0 }\n"))
    assert done.stdout == "" and done.stderr == "", done
    return "not a word on either stream"


@case
def progress_of_a_start(home):
    file = simulated(home, ticks=8000000)
    ask("run", "--until-end", "--quiet", file)
    for path in [*pathlib.Path(f"{home}/data").glob("bars-*/*"), *pathlib.Path(f"{home}/data").glob("snapshots/*")]:
        path.unlink()
    ours, theirs = pty.openpty()
    process = subprocess.Popen([td.PROGRAM, "run", "--until-end", "--set", "workers=1", file], stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the other end is closed
        pass
    process.wait(timeout=60)
    os.close(ours)
    line = re.search(rb"replaying, tape-\d last: \d+ %, \S+ of 8\.0M, \S+/s, \d+ s left", said)
    assert process.returncode == 0 and line, said[-600:]
    return line[0].decode()


@case
def back_off_is_told(home):
    file = simulated(home, f"sinks: [sqlite: {{ file: {home}/data/m.db }}]\nspeed: 60x\n", 0)
    process = subprocess.Popen([td.PROGRAM, "run", file], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(pathlib.Path(f"{home}/data/m.db").exists)
        time.sleep(0.5)
        with td.locked(f"{home}/data/m.db"):
            time.sleep(7)  # the sink itself waits five seconds
        time.sleep(2.5)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert said.count("tried again until it works") == 1 and said.count("sink sqlite: works again") == 1, said
    return "one line when a sink begins to wait, one when it goes on"


@case
def demo_from_anywhere(home):
    done = ask("demo", "--once", "--json", "--set", "serve=off", cwd=home, TMPDIR=home)
    counts = json.loads(done.stdout)
    assert counts["finished"] and counts["signals"] > 50, counts
    assert not list(pathlib.Path(home).iterdir()), "the demo's folder vanishes"
    ask("demo", "--once", "--quiet", "--dir", "kept", "--set", "serve=off", cwd=home)
    assert len(td.rows(f"{home}/kept", "signals")) == counts["signals"]
    assert "TAPEDECK_SHARE" in ask("demo", share=home, check=3).stderr
    return f"{counts['events']} events, {counts['signals']} signals; the folder vanishes, or stays with --dir"


@case
def instruments_go_by_their_table(home):
    for day in ("20220608", "20220609"):
        for symbol in ("fb", "ibm"):
            with zipfile.ZipFile(f"{home}/{symbol}_{day}.zip", "w") as z:  # from 09:00 on, every minute
                z.writestr(f"{day}_{symbol}_Trade_Tick.csv",
                           "".join(f"{32400000 + 60000 * n},1800000,100,P,1,0\n" for n in range(60)))
    table = write(f"{home}/table.csv", "instrument,asset,calendar,aliases\nLEAN:META,stock,us-equities,FB<2022-06-09\n"
                                       "LEAN:I*,stock,24x7,\n")
    config = td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: lean, path: {home}/*.zip }}"],
                       bars="[1d]", extra=f"instruments: {table}\n")
    summary = td.run(config)
    assert (summary["accepted"], summary["outside"], summary["bars"]) == (240, 60, 4), summary
    with sqlite3.connect(f"{home}/data/market.db") as db:
        bars = db.execute('SELECT instrument, start, "end", trade_count FROM bars_view ORDER BY 2, 1').fetchall()
    assert bars == [("LEAN:IBM", "2022-06-08T00:00:00Z", "2022-06-09T00:00:00Z", 60),
                    ("LEAN:META", "2022-06-08T13:30:00Z", "2022-06-08T20:00:00Z", 30),
                    ("LEAN:IBM", "2022-06-09T00:00:00Z", "2022-06-10T00:00:00Z", 60),
                    ("LEAN:FB", "2022-06-09T13:30:00Z", "2022-06-09T20:00:00Z", 30)], bars
    for at, said in (("2022-06-08T13:10Z", "outside\nthe regular hours"), ("2022-06-08T14:00Z", "shorter than its width")):
        why = ask("explain", "window", "LEAN:META", "1d", at, "--data", f"{home}/data").stdout
        assert said in why, why
    return "FB is META up to its day; sessions of New York beside days of UTC, half an hour before the open in no bar"


@case
def installed(home):
    subprocess.run(["meson", "install", "-C", td.BUILD, "--no-rebuild", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL, env=os.environ | {"DESTDIR": f"{home}/root"})
    program = next(pathlib.Path(f"{home}/root").rglob("bin/tapedeck"))
    share = program.parents[1] / "share" / "tapedeck"
    assert (share / "tapedeck.schema.json").exists() and (share / "strategies" / "golden_cross.td").exists()
    moved = shutil.move(program.parents[1], f"{home}/elsewhere")  # nothing knows where it was built
    program = f"{moved}/bin/tapedeck"
    done = ask("demo", "--once", "--json", "--set", "serve=off", cwd=home, program=program, share=None)
    counts = json.loads(done.stdout)
    assert counts["finished"] and counts["signals"] > 50, counts
    ask("init", "lean", cwd=home, program=program, share=None)
    assert "elsewhere/share/tapedeck/examples/data/lean" in pathlib.Path(f"{home}/tapedeck.yaml").read_text()
    ask("check", "tapedeck.yaml", cwd=home, program=program, share=None)
    return "meson install puts binary, examples, strategies and schema in place; demo and init find them"


@case
def a_recording_of_two_sessions(home):
    """What lies between the connections of a file was not recorded: it is a gap, with ids and without."""
    trade = ('{{"type":"match","trade_id":{},"side":"sell","size":"1","price":"2","product_id":"A-B",'
             '"time":"2023-11-14T22:{}.000000Z"}}')
    coinbase = [(0, None), (1, trade.format(7, "13:21")), (2, trade.format(8, "13:22")), (60, None),
                (61, trade.format(12, "14:21")), (70, None), (71, trade.format(13, "14:31"))]
    kraken = [(0, None), *((s, f'[1,[["2","1","{1700000000 + s}.0","s","m",""]],"trade","A/B"]') for s in (1, 2)),
              (60, None), (61, '[1,[["2","1","1700000061.0","s","m",""]],"trade","A/B"]')]
    for name, host, lines in (("c", "ws-feed.exchange.coinbase.com", coinbase), ("k", "ws.kraken.com", kraken)):
        write(f"{home}/{name}.raw", "".join(
            f"wss://{host} <-> {1700000000 + s}\n" if text is None else f"{1700000000 + s}: {text}\n" for s, text in lines))
    file = td.config(f"{home}/two.yaml", f"{home}/data", [
        f"file: {{ format: cryptofeed, path: {home}/{name}.raw, name: {name} }}" for name in "ck"], bars="[1s]")
    td.run(file)
    gaps = [json.loads(line) for line in ask("gaps", "--json", "--data", f"{home}/data").stdout.splitlines()][:-1]
    told = {(gap["instrument"], gap["reason"], gap["status"], gap["missing"], gap["from"], gap["to"]) for gap in gaps}
    assert told == {
        ("COINBASE:A-B", "session", "lost", 3, "2023-11-14T22:13:22Z", "2023-11-14T22:14:21Z"),
        ("COINBASE:A-B", "session", "filled", 0, "2023-11-14T22:14:21Z", "2023-11-14T22:14:31Z"),
        ("KRAKEN:A/B", "session", "lost", None, "2023-11-14T22:13:22Z", "2023-11-14T22:14:20Z")}, told
    return f"{len(told)} gaps: what is known of each"


if __name__ == "__main__":
    sys.exit(CASES.run())
