#!/usr/bin/env python3
"""tests/e2e/edit.py - strategies are edited while they run, and whoever looks at them sees it.

Goal: lines, widths and the page are those of the text in force, though the process goes on; what is wrong with a text
stands there until it is mended. By the API a text is checked, tried over the bars there are, and saved, by nobody else.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import time
import urllib.parse

import dashboard
import tapedeck as td
from playwright.sync_api import sync_playwright
from ports import free_port

FEEDS = ["file: { format: lean, path: \"examples/data/lean/*.zip\", from: \"09:30\", to: \"10:30\" }"]
BEFORE = "strategy mine on bars(1m) for LEAN:SPY\n  f = sma(close, 3)\n  buy when close > f\n  sell when close < f\n"
AFTER = BEFORE.replace("f = sma(close, 3)", "g = ema(close, 5)").replace("> f", "> g").replace("< f", "< g")
WIDER = AFTER.replace("1m", "2m")
WRONG = AFTER.replace("ema", "emma")
CASES = td.Cases()


def serve(home, *settings, text=BEFORE, strategies=None):
    path = pathlib.Path(home) / "mine.td"
    path.write_text(text, encoding="utf-8")
    options = [word for setting in ("speed=max", *settings) for word in ("--set", setting)]
    server = dashboard.Server(home, free_port(), *options, feeds=FEEDS, strategies=strategies or [path])
    return path, server


def strategies(server):
    return server.json("/api/v1/status")["strategies"]


def lines(server, width="1m"):
    answer = server.json(f"/api/v1/lines?instrument=LEAN:SPY&width={width}&limit=30")["lines"]
    return {line["name"]: sum(value is not None for _, value in line["points"]) for line in answer}


def until_level(server, line="f"):
    def level():
        status = server.json("/api/v1/status")
        over = all(feed["session"] == "ended" for feed in status["feeds"]) and status["feeds"]
        return over and status["run"]["lag_records"] == status["view"]["behind_records"] == 0

    dashboard.wait_until("the hour is applied", level)
    assert lines(server) == {line: 30}


@CASES.add
def tells_the_lines_and_widths_of_the_text_in_force(home):
    path, server = serve(home)
    with server:
        until_level(server)
        path.write_text(AFTER, encoding="utf-8")
        dashboard.wait_until("lines of the new text", lambda: lines(server) == {"g": 30})
        assert strategies(server)["turn"] == 1 and strategies(server)["state"] == "in_force"
        path.write_text(WIDER, encoding="utf-8")
        dashboard.wait_until("the new width", lambda: "2m" in [w["width"] for w in server.json("/api/v1/status")["widths"]])
        assert lines(server) == {}, lines(server)
        rows = server.json("/api/v1/instruments")["instruments"]
        assert all(row["bars_2m"] == 0 for row in rows) and any(row["bars_1m"] > 30 for row in rows), rows
        return "a line replaced, a width added"


@CASES.add
def tells_what_is_wrong_until_it_is_mended(home):
    path, server = serve(home)
    with server:
        until_level(server)
        path.write_text(WRONG, encoding="utf-8")
        dashboard.wait_until("the refusal", lambda: strategies(server)["state"] == "refused")
        told = strategies(server)
        assert f"{path}:2:7:" in told["errors"] and "ema" in told["errors"] and "^" in told["errors"], told
        assert told["turn"] == 0 and lines(server) == {"f": 30}, "what was in force still is"
        path.write_text(BEFORE, encoding="utf-8")
        dashboard.wait_until("the mended text", lambda: strategies(server)["state"] == "in_force")
        assert strategies(server)["errors"] == ""
        names = path.with_name("names.txt")
        for wrong in ("LEAN", "LEAN:SPY\nno name"):  # the text stays, what it names does not
            names.write_text(wrong + "\n", encoding="utf-8")
            path.write_text(AFTER.replace("LEAN:SPY", f"@{names.name}"), encoding="utf-8")
            line = f"names.txt:{wrong.count(chr(10)) + 1}:"
            dashboard.wait_until(line, lambda: line in strategies(server)["errors"])
        names.write_text("LEAN:SPY\n", encoding="utf-8")
        dashboard.wait_until("the mended list", lambda: strategies(server)["turn"] == 1)
        return told["errors"].splitlines()[1]


@CASES.add
def begins_anew_with_what_the_instrument_table_says(home):
    table = pathlib.Path(home) / "table.csv"
    table.write_text("instrument,level\nLEAN:*,1\n", encoding="utf-8")
    path, server = serve(home, f"instruments={table}", text=AFTER.replace("> g", "> g and ref.level > 0"))
    with server:
        until_level(server, "g")
        assert strategies(server)["turn"] == 0
        table.write_text("instrument,level,other\nLEAN:*,1,2\n", encoding="utf-8")  # nobody asks for it
        dashboard.wait_until("a look", lambda: strategies(server)["state"] == "in_force")
        table.write_text("instrument,level\nLEAN:*,1\nLEAN:SPY,2\n", encoding="utf-8")
        dashboard.wait_until("the new row", lambda: strategies(server)["turn"] == 1)
        table.write_text("instrument,lever\nLEAN:*,1\n", encoding="utf-8")
        dashboard.wait_until("the refusal", lambda: "did you mean 'lever'?" in strategies(server)["errors"])
        table.write_text("instrument,level\nLEAN:*,3\n", encoding="utf-8")
        dashboard.wait_until("the mended table", lambda: strategies(server)["turn"] == 2)
        return "a row, a column gone, and mended"


def post(server, what, path, text, more="", **headers):
    status, _, answer = server.get(f"/api/v1/strategies/{what}?file={urllib.parse.quote(str(path))}{more}", method="POST",
                                   headers={"Content-Type": "application/json"} | headers,
                                   body=json.dumps({"text": text}).encode())
    return status, json.loads(answer)


@CASES.add
def takes_texts_by_the_api(home):
    path, server = serve(home)
    with server:
        until_level(server)
        entry = {"file": str(path), "hash": sha256(BEFORE), "strategies": ["mine"]}
        assert server.json("/api/v1/strategies") == {"strategies": [entry], "editable": True, "reason": ""}
        assert server.json(f"/api/v1/strategies?file={path}")["text"] == BEFORE
        status, checked = post(server, "check", path, WRONG + "  sell when clse > 1\n")
        assert status == 200 and not checked["ok"] and "^" in checked["text"], checked
        assert [(e["file"], e["line"], e["column"]) for e in checked["errors"]] == [(str(path), 2, 7), (str(path), 5, 13)]
        assert "'ema'" in checked["errors"][0]["message"], checked
        assert post(server, "check", path, AFTER) == (200, {"ok": True, "errors": [], "text": ""})
        series = "&instrument=LEAN:SPY&width=1m&limit=5000"
        told = server.json("/api/v1/signals?instrument=LEAN:SPY&limit=5000")["signals"]
        same = post(server, "preview", path, BEFORE, series)[1]
        mine = [s["id"] for s in same["signals"]]
        assert mine and mine == [s["id"] for s in told], (len(mine), len(told), mine[:3], told[:3], mine[-2:], told[-2:])
        other = post(server, "preview", path, AFTER, series)[1]
        assert [line["name"] for line in other["lines"]] == ["g"] and other["signals"] != same["signals"]
        assert path.read_text(encoding="utf-8") == BEFORE and lines(server) == {"f": 30}, "nothing has changed by asking"
        for headers, more, file, wanted in [({}, "", "/etc/passwd", 404), ({}, "", f"{path}x", 404),
                                            ({"Content-Type": "text/plain"}, "", path, 415),
                                            ({"Origin": "http://evil.example"}, "", path, 403), ({}, "&x=1", path, 400)]:
            for what in ("check", "save", "preview"):
                got = post(server, what, file, AFTER, more + (series if what == "preview" else ""), **headers)
                assert got[0] == wanted, (what, headers, more, file, got)
        assert post(server, "preview", path, WRONG, series)[1]["error"]["code"] == "bad_text"
        assert post(server, "save", path, "#" * 70000)[0] == 413 and path.read_text(encoding="utf-8") == BEFORE
        began = time.monotonic()
        assert post(server, "save", path, AFTER) == (200, {"state": "saved"})
        after = post(server, "preview", path, AFTER, series)[1]
        drawn = time.monotonic() - began
        dashboard.wait_until("the saved text", lambda: lines(server) == {"g": 30})
        assert path.read_text(encoding="utf-8") == AFTER and after == other
        return f"{len(told)} signals as before, {len(other['signals'])} after; saved and seen in {drawn:.3f} s"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def tapedeck(home, *words, check=0):
    done = subprocess.run([td.PROGRAM, "strategies", "--data", f"{home}/data", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == check, (words, done.returncode, done.stderr)
    return done.stdout if check == 0 else done.stderr


def versions(server, name="mine"):
    """(hash, in force) of each, of a time without a text None."""
    told = server.json(f"/api/v1/strategies/versions?strategy={name}")["versions"]
    assert [v["since_ms"] for v in told] == sorted(v["since_ms"] for v in told), told
    return [(v["hash"], v.get("in_force")) for v in told]


def until_runs(server, text, name="mine"):
    dashboard.wait_until("the text in force", lambda: versions(server, name)[-1] == (sha256(text), True))


@CASES.add
def goes_back_to_what_was_in_force(home):
    path, server = serve(home)
    names = path.with_name("names.txt")
    names.write_text("LEAN:SPY\n", encoding="utf-8")
    listed = BEFORE.replace("LEAN:SPY", "@names.txt")
    with server:
        until_level(server)
        for text in (AFTER, listed):
            assert post(server, "save", path, text)[0] == 200
            until_runs(server, text if text == AFTER else text + "#@names.txt LEAN:SPY\n")
        with_list = listed + "#@names.txt LEAN:SPY\n"
        wanted = [(sha256(BEFORE), False), (sha256(AFTER), False), (sha256(with_list), True)]
        assert versions(server) == wanted, versions(server)
        one = server.json(f"/api/v1/strategies/versions?strategy=mine&hash={sha256(AFTER)[:6]}")
        assert one == {"strategy": "mine", "hash": sha256(AFTER), "text": AFTER}, one
        assert tapedeck(home, "show", f"mine@{sha256(BEFORE)[:12]}") == BEFORE and tapedeck(home, "show", "mine") == with_list
        now, = tapedeck(home).splitlines()[1:]
        assert now.split()[0] == sha256(with_list)[:12] and now.split()[2:] == [str(path), "mine"], now
        told = json.loads(tapedeck(home, "--json"))
        assert (told["file"], told["hash"], told["in_force"]) == (str(path), sha256(with_list), True), told
        assert "written" in tapedeck(home, "rollback", "mine", sha256(BEFORE)[:8])
        until_runs(server, BEFORE)
        assert path.read_text(encoding="utf-8") == BEFORE and len(versions(server)) == 4, "going back is a version, too"
        back = f"rollback?strategy=mine&hash={sha256(with_list)}"
        assert roll_back(server, back) == (200, {"strategy": "mine", "hash": sha256(with_list), "state": "saved",
                                                 "file": str(path)})
        until_runs(server, with_list)
        assert path.read_text(encoding="utf-8") == listed, "its list is read from its file, which says the same"
        names.write_text("LEAN:SPY\nLEAN:IBM\n", encoding="utf-8")
        dashboard.wait_until("another list", lambda: len(versions(server)) == 6)
        assert roll_back(server, back)[0] == 200
        until_runs(server, with_list)
        assert path.read_text(encoding="utf-8") == with_list, "its list is another one now: the old one comes with it"
        before = versions(server)
        for what, status in (("rollback?strategy=mine&hash=000000", 404), ("rollback?strategy=other&hash=000000", 404),
                             ("rollback?strategy=mine", 400), ("rollback?strategy=mine&hash=xyz", 400),
                             ("rollback?strategy=mine&hash=12345", 400)):
            assert roll_back(server, what)[0] == status, (what, roll_back(server, what))
        assert server.get(f"/api/v1/strategies/{back}")[0] == 405 and versions(server) == before
        assert "no strategy other" in tapedeck(home, "versions", "other", check=3)
        assert "6 digits" in tapedeck(home, "rollback", "mine", "12", check=2)
    told = [json.loads(line) for line in tapedeck(home, "versions", "mine", "--json").splitlines()]
    assert [(v["hash"], v["in_force"]) for v in told] == before, "without a process the log says the same"
    assert "show mine@" in tapedeck(home, "rollback", "mine", sha256(AFTER), check=3)
    return f"{len(before)} versions, three of them by going back"


def roll_back(server, what):
    status, _, answer = server.get(f"/api/v1/strategies/{what}", method="POST", body=b"{}",
                                   headers={"Content-Type": "application/json"})
    return status, json.loads(answer)


@CASES.add
def takes_files_that_come_and_go(home):
    path, server = serve(home, strategies=[f"{home}/*.td"])
    other = path.with_name("other.td")
    with server:
        until_level(server)
        other.write_text(AFTER.replace("mine", "other"), encoding="utf-8")
        dashboard.wait_until("lines of both", lambda: lines(server) == {"f": 30, "g": 30})
        assert [entry["strategies"] for entry in server.json("/api/v1/strategies")["strategies"]] == [["mine"], ["other"]]
        other.write_text(AFTER, encoding="utf-8")  # two of one name
        dashboard.wait_until("the refusal", lambda: strategies(server)["state"] == "refused")
        assert [entry["strategies"] for entry in server.json("/api/v1/strategies")["strategies"]] == [["mine"], ["other"]]
        path.unlink()
        dashboard.wait_until("the one that is left", lambda: lines(server) == {"g": 30})
        assert [entry["file"] for entry in server.json("/api/v1/strategies")["strategies"]] == [str(other)]
        assert [h for h, _ in versions(server, "other")] == [sha256(AFTER.replace("mine", "other")), None]
        other.rename(path)  # the text stays
        dashboard.wait_until("its new name", lambda: server.json("/api/v1/strategies")["strategies"][0]["file"] == str(path))
        assert strategies(server)["turn"] == 2 and strategies(server)["state"] == "in_force", strategies(server)
    for line in (f"{other} is a new file of strategies", f"{path} is gone, and its strategies with it"):
        assert line in server.said, server.said
    return "one came, one went, one was renamed"


@CASES.add
def saves_nothing_beside_a_path_too_long_for_the_api(home):
    long = pathlib.Path(home) / ("d" * 150) / f"{'e' * 150}.td"
    long.parent.mkdir()
    long.write_text(BEFORE, encoding="utf-8")
    _, server = serve(home, strategies=[long])
    with server:
        until_level(server)
        shown = server.json("/api/v1/strategies")["strategies"][0]["file"]
        assert len(shown) == 255 and str(long).startswith(shown), shown
        status, answer = post(server, "save", shown, AFTER)
        assert status == 503 and "no strategy runs from" in answer["error"]["message"], answer
        assert [path.name for path in long.parent.iterdir()] == [long.name] and long.read_text(encoding="utf-8") == BEFORE
        return answer["error"]["message"][:40]


@CASES.add
def keeps_texts_where_editing_is_off(home):
    path, server = serve(home, "serve.edit=off")
    with server:
        until_level(server)
        told = server.json("/api/v1/strategies")
        assert not told["editable"] and "serve.edit" in told["reason"], told
        hash_ = versions(server)[0][0]
        refused = [post(server, "save", path, AFTER), roll_back(server, f"rollback?strategy=mine&hash={hash_}")]
        assert all(status == 403 and answer["error"]["code"] == "read_only" for status, answer in refused), refused
        assert post(server, "check", path, AFTER)[1]["ok"] and path.read_text(encoding="utf-8") == BEFORE
        return refused[0][1]["error"]["message"]


@CASES.add
def shows_on_the_page_what_is_in_force(home):
    path, server = serve(home)
    with server, sync_playwright() as playwright:
        until_level(server)
        browser = playwright.chromium.launch(executable_path=dashboard.CHROMIUM, args=dashboard.CHROMIUM_ARGS)
        page = browser.new_page()
        problems = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{server.url}/#LEAN%3ASPY/1m")
        shows = lambda line: line in page.text_content("#legend")  # noqa: E731
        dashboard.wait_until("the line", lambda: shows("mine f"))
        path.write_text(WRONG, encoding="utf-8")
        page.wait_for_selector("#edit:not([hidden])")
        assert "emma" in page.text_content("#edit") and shows("mine f")
        path.write_text(AFTER, encoding="utf-8")
        dashboard.wait_until("the new text's line", lambda: shows("mine g"))
        page.wait_for_selector("#edit", state="hidden")
        assert not shows("mine f") and not problems, problems
        browser.close()
        return "another line, and what was wrong meanwhile"


if __name__ == "__main__":
    sys.exit(td.Cases(c for c in CASES if not sys.argv[1:] or c.__name__ in sys.argv[1:]).run())
