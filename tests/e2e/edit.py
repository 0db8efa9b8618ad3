#!/usr/bin/env python3
"""tests/e2e/edit.py - strategies are edited while they run, and whoever looks at them sees it.

Goal: lines, widths and the page are those of the text in force, though the process goes on; what is wrong with a text
stands there until it is mended. By the API a text is checked, tried over the bars there are, and saved, by nobody else.
"""
import json
import pathlib
import sys
import time
import urllib.parse

from playwright.sync_api import sync_playwright

import dashboard
import tapedeck as td

FEEDS = ["file: { format: lean, path: \"examples/data/lean/*.zip\", from: \"09:30\", to: \"10:30\" }"]
BEFORE = "strategy mine on bars(1m) for LEAN:SPY\n  f = sma(close, 3)\n  buy when close > f\n  sell when close < f\n"
AFTER = BEFORE.replace("f = sma(close, 3)", "g = ema(close, 5)").replace("> f", "> g").replace("< f", "< g")
WIDER = AFTER.replace("1m", "2m")
WRONG = AFTER.replace("ema", "emma")
CASES = td.Cases()


def serve(home, text=BEFORE, *settings):
    path = pathlib.Path(home) / "mine.td"
    path.write_text(text, encoding="utf-8")
    options = [word for setting in ("speed=max", *settings) for word in ("--set", setting)]
    server = dashboard.Server(home, dashboard.free_port(), *options, feeds=FEEDS, strategies=[path])
    return path, server


def strategies(server):
    return server.json("/api/v1/status")["strategies"]


def lines(server, width="1m"):
    answer = server.json(f"/api/v1/lines?instrument=LEAN:SPY&width={width}&limit=30")["lines"]
    return {line["name"]: sum(value is not None for _, value in line["points"]) for line in answer}


def until_level(server):
    def level():
        status = server.json("/api/v1/status")
        over = all(feed["session"] == "ended" for feed in status["feeds"]) and status["feeds"]
        return over and status["run"]["lag_records"] == status["view"]["behind_records"] == 0

    dashboard.wait_until("the hour is applied", level)
    assert lines(server) == {"f": 30}


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
    path, server = serve(home, AFTER.replace("> g", "> g and ref.level > 0"), f"instruments={table}")
    with server:
        dashboard.wait_until("the hour", lambda: lines(server) == {"g": 30})
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
        assert server.json("/api/v1/strategies") == {"strategies": [{"file": str(path)}]}
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
