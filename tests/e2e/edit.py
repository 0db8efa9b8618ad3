#!/usr/bin/env python3
"""tests/e2e/edit.py - strategies are edited while they run, and whoever looks at them sees it.

Goal: lines, widths and the page are those of the text in force, though the process goes on; what is wrong with a text
stands there until it is mended.
"""
import pathlib
import sys

from playwright.sync_api import sync_playwright

import dashboard
import tapedeck as td

FEEDS = ["file: { format: lean, path: \"examples/data/lean/*.zip\", from: \"09:30\", to: \"10:30\" }"]
BEFORE = "strategy mine on bars(1m) for LEAN:SPY\n  f = sma(close, 3)\n  buy when close > f\n"
AFTER = BEFORE.replace("f = sma(close, 3)", "g = ema(close, 5)").replace("> f", "> g")
WIDER = AFTER.replace("1m", "2m")
WRONG = AFTER.replace("ema", "emma")
CASES = td.Cases()


def serve(home, text=BEFORE):
    path = pathlib.Path(home) / "mine.td"
    path.write_text(text, encoding="utf-8")
    server = dashboard.Server(home, dashboard.free_port(), "--set", "speed=max", feeds=FEEDS, strategies=[path])
    return path, server


def strategies(server):
    return server.json("/api/v1/status")["strategies"]


def lines(server, width="1m"):
    answer = server.json(f"/api/v1/lines?instrument=LEAN:SPY&width={width}&limit=30")["lines"]
    return {line["name"]: sum(value is not None for _, value in line["points"]) for line in answer}


def until_level(server):
    dashboard.wait_until("the hour is applied", lambda: lines(server).get("f", 0) >= 30)


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
        return told["errors"].splitlines()[1]


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
    sys.exit(CASES.run())
