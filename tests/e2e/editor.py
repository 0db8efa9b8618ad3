#!/usr/bin/env python3
"""tests/e2e/editor.py - the page on which strategies are written, in a browser: what is wrong stands in the text and
below it, words are completed, what the text gives is drawn before and after it is saved, and what it was can be had back.

Goal: a trader sees the markers of what he saves over the loaded history in under a second. On the chart a click on a
marker explains it. No error on the console.
"""
import json
import pathlib
import re
import sys

import dashboard
import tapedeck as td
from playwright.sync_api import sync_playwright
from ports import free_port

DAY = ['file: { format: lean, path: "examples/data/lean/*.zip", from: "09:30", to: "16:00" }']
BEFORE = ("strategy mine on bars(1m) for LEAN:SPY\n  f = sma(close, 3)\n  buy when crossover(close, f)\n"
          "  sell when crossunder(close, f)\n")
LEGS = (BEFORE.replace("  f =", "  use ibm = LEAN:IBM\n  f =").replace("buy when", "buy, short ibm when")
        .replace("sell when", "exit all when"))
REDRAWN_MS = 1000
CASES = td.Cases()
TEXT, ERRORS = "#code textarea", "#errors button"


class Editor(dashboard.Page):
    """The page of strategies, with its file loaded and drawn."""

    def __init__(self, browser, server, of=""):
        super().__init__(browser, f"{server.url}/editor.html{of}", color_scheme="dark")
        self.tab.wait_for_selector("body[data-ready=true]")
        self.wait("markers", 1)

    def text(self):
        return self.tab.input_value(TEXT)

    def type_over(self, old, new):
        """Selects what stands there and types."""
        begin = self.text().index(old)
        self.tab.eval_on_selector(TEXT, f"area => {{ area.focus(); area.setSelectionRange({begin}, {begin + len(old)}) }}")
        self.tab.keyboard.type(new)

    def until_versions(self, count):
        dashboard.wait_until(f"{count} versions", lambda: self.tab.locator("#versions button").count() == count)


class Home:
    """A day of SPY at rest, its strategy, and a browser."""

    def __init__(self, home, *settings, text=BEFORE):
        self.path = pathlib.Path(home) / "mine.td"
        self.path.write_text(text, encoding="utf-8")
        options = [word for setting in ("speed=max", *settings) for word in ("--set", setting)]
        self.server = dashboard.Server(home, free_port(), *options, feeds=DAY, strategies=[self.path])

    def __enter__(self):
        self.server.__enter__()
        dashboard.wait_until("the day is applied", self.level, 60)
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=dashboard.CHROMIUM, args=dashboard.CHROMIUM_ARGS)
        return self

    def level(self):
        status = self.server.json("/api/v1/status")
        ended = status["feeds"] and all(feed["session"] == "ended" for feed in status["feeds"])
        return ended and status["run"]["lag_records"] == status["view"]["behind_records"] == 0

    def chart(self):
        """The dashboard, with the signals on the minutes of SPY."""
        page = dashboard.Page(self.browser, self.server.url, color_scheme="dark")
        page.wait("bars", 1)
        page.choose("LEAN:SPY", "1m")
        page.wait("markers", 5)
        return page

    def __exit__(self, *reason):
        self.browser.close()
        self.playwright.stop()
        self.server.__exit__(*reason)


@CASES.add
def a_text_is_written_checked_drawn_and_saved(home):
    with Home(home) as at:
        page = Editor(at.browser, at.server)
        tab = page.tab
        assert page.text() == BEFORE and tab.inner_text("#code .paint").rstrip("\n") == BEFORE.rstrip("\n")
        drawn = page.count("markers")
        told = at.server.json("/api/v1/signals?instrument=LEAN:SPY&limit=5000")["signals"]
        assert drawn == len(told) > 10, "what is in force gives what it gave"
        page.type_over("sma", "emma")
        tab.wait_for_selector(ERRORS)
        said = tab.inner_text(ERRORS)
        assert said.startswith("2:7") and "'ema'" in said, said
        assert tab.inner_text("#code .wrong") == "emma" and tab.inner_text("#check") == "1 wrong"
        tab.eval_on_selector(TEXT, "area => area.setSelectionRange(0, 0)")
        tab.click(ERRORS)
        assert tab.eval_on_selector(TEXT, "area => area.selectionStart") == BEFORE.index("sma")
        page.type_over("emma", "em")
        tab.wait_for_selector("#words:not([hidden])")
        assert tab.locator("#words li").first.inner_text().startswith("ema(x, n)"), tab.inner_text("#words")
        tab.keyboard.press("Enter")
        after = BEFORE.replace("sma", "ema")
        assert page.text() == after and tab.is_hidden("#words")
        dashboard.wait_until("the new markers", lambda: page.count("markers") != drawn and page.count("errors") == 0)
        assert at.path.read_text(encoding="utf-8") == BEFORE, "nothing is saved by writing"
        tab.keyboard.press("Control+s")
        dashboard.wait_until("the saved text", lambda: at.path.read_text(encoding="utf-8") == after)
        page.wait("redrawn", 1)
        redrawn = page.count("redrawn")
        assert redrawn < REDRAWN_MS, f"{redrawn} ms"
        body = json.dumps({"text": after}).encode()
        preview = json.loads(at.server.get(f"/api/v1/strategies/preview?file={at.path}&instrument=LEAN:SPY&width=1m&limit=5000",
                                           "POST", {"Content-Type": "application/json"}, body)[2])
        assert page.count("markers") == len(preview["signals"]), (page.count("markers"), len(preview["signals"]))
        page.until_versions(2)
        assert "in force" in tab.locator("#versions button").first.inner_text()
        tab.screenshot(path=dashboard.SHOTS / "editor-dark.png")
        tab.locator("#versions button").last.click()
        tab.wait_for_selector("#version[open]")
        assert tab.inner_text("#version .gone").strip() == "-   f = ema(close, 3)"
        assert tab.inner_text("#version .come").strip() == "+   f = sma(close, 3)"
        tab.click("#version button:has-text('Go back')")
        dashboard.wait_until("the text before", lambda: page.text() == BEFORE == at.path.read_text(encoding="utf-8"))
        dashboard.wait_until("its markers", lambda: page.count("markers") == drawn)
        page.until_versions(3)
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.tagName") != "TEXTAREA", "the keyboard is not held in the text"
        tab.set_viewport_size({"width": 800, "height": 600})
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "too wide at 800"
        assert not page.errors, page.errors
        bars = page.count("bars")
        page.context.close()
        return f"{drawn} markers over {bars} bars; redrawn {redrawn} ms after Ctrl+S"


@CASES.add
def a_file_that_is_edited_elsewhere_is_shown(home):
    with Home(home) as at:
        page = Editor(at.browser, at.server)
        after = BEFORE.replace("close, 3", "close, 4")
        at.path.write_text(after, encoding="utf-8")
        dashboard.wait_until("the new text", lambda: page.text() == after)
        page.type_over("close, 4", "close, 5")
        at.path.write_text(BEFORE, encoding="utf-8")
        page.until_versions(3)
        assert "close, 5" in page.text(), "what is not saved stays"
        at.path.write_text(BEFORE.replace("sma", "emma"), encoding="utf-8")
        page.tab.wait_for_selector("body[data-state=refused]")
        assert not page.errors, page.errors
        return "shown where nothing is unsaved"


@CASES.add
def editing_that_is_off_says_so(home):
    with Home(home, "serve.edit=off") as at:
        page = Editor(at.browser, at.server, "#gone.td")  # a bookmark of what is there no more
        assert "serve.edit" in page.tab.inner_text("#banner") and page.tab.is_disabled("#save")
        page.tab.focus(TEXT)
        page.tab.keyboard.type("x")
        assert page.text() == BEFORE
        assert not page.errors, page.errors
        return page.tab.inner_text("#banner")


@CASES.add
def a_click_on_a_marker_explains_it(home):
    with Home(home) as at:
        page = at.chart()
        row = page.tab.locator(".signal").nth(60)
        wanted = row.get_attribute("title").splitlines()[0]
        row.click()  # its bar comes to the middle
        page.tab.wait_for_selector("#tip:not([hidden])")
        chart = page.tab.locator("#chart canvas").first.bounding_box()
        middle = chart["x"] + chart["width"] / 2
        places = [(middle + dx, chart["y"] + y) for dx in range(-40, 60, 6) for y in range(20, int(chart["height"]), 30)]
        for x, y in places:
            page.tab.mouse.click(x, y)
            if page.tab.locator("#why[open] h2").count() and page.tab.inner_text("#why h2") == wanted:
                break
            page.tab.keyboard.press("Escape")
        else:
            raise AssertionError(f"no click opened {wanted}")
        page.tab.wait_for_selector("#why .judgement")
        told = page.tab.inner_text("#why")
        assert "the same byte for byte" in told and ("crossover(close, f)" in told or "crossunder(close, f)" in told), told
        assert not page.errors, page.errors
        return wanted


@CASES.add
def a_press_outlasts_what_is_told_meanwhile(home):
    with Home(home) as at:
        page = at.chart()
        row = page.tab.locator(".signal").nth(60)
        wanted = row.get_attribute("title").splitlines()[0]
        row.hover()
        page.tab.mouse.down()
        with page.tab.expect_response(lambda told: told.url.endswith("/signals?limit=400")):
            page.tab.keyboard.press("4")  # another width: the stream begins anew, and all is told again
        page.wait("markers", 5)
        page.tab.mouse.up()
        page.tab.wait_for_selector("#tip:not([hidden])")
        assert wanted in page.tab.inner_text("#tip"), wanted
        assert page.data("width") == "5m" and not page.errors, page.errors
        return wanted


@CASES.add
def a_leg_is_of_the_instrument_that_it_trades(home):
    with Home(home, text=LEGS) as at:
        told = at.server.json("/api/v1/signals?limit=5000")["signals"]
        own = [signal for signal in told if signal["instrument"] == "LEAN:SPY"]
        page = dashboard.Page(at.browser, at.server.url, color_scheme="dark")
        for name in ("LEAN:SPY", "LEAN:IBM"):
            wanted = sorted(signal["id"] for signal in told if signal["instrument"] == name)
            asked = at.server.json(f"/api/v1/signals?instrument={name}&limit=5000")["signals"]
            assert len(wanted) > 10 and sorted(signal["id"] for signal in asked) == wanted, (name, len(wanted), len(asked))
            page.wait("bars", 1)
            page.choose(name, "1m")
            dashboard.wait_until("its own", lambda: page.count("markers") == len(wanted))
        assert not page.errors, page.errors
        page = Editor(at.browser, at.server)
        assert page.count("markers") == page.count("signals") <= len(own), page.count("signals")
        assert not page.errors, page.errors
        return f"{len(own)} of {len(told)}"


@CASES.add
def editors_know_every_word(_):
    """Each word of the examples by the scope that its place in the tables gives, in the first pattern that has it."""
    grammar = json.loads((td.ROOT / "docs" / "editors" / "tapedeck.tmLanguage.json").read_text(encoding="utf-8"))
    patterns = [(entry["name"].rsplit(".", 1)[0], re.compile(entry["match"])) for entry in grammar["patterns"]]
    wanted = {"strategy": "keyword.control", "param": "keyword.control.statement", "buy": "keyword.other.action",
              "close": "variable.language.field", "stop": "keyword.other.rule", "bars": "storage.type.source",
              "quote": "variable.language.asof", "sma": "support.function", "15m": "constant.numeric",
              '"golden cross"': "string.quoted.double", "# a buy": "comment.line.number-sign"}
    line = 'strategy x on bars(15m) param buy when close > sma(close, 3) stop quote note "golden cross" # a buy'
    found, at = {}, 0
    while at < len(line):
        hits = [(m.start(), i, m) for i, (_, p) in enumerate(patterns) if (m := p.search(line, at))]
        if not hits:
            break
        _, i, m = min(hits, key=lambda hit: hit[:2])
        found[m[0]], at = patterns[i][0], m.end()
    assert {word: found.get(word) for word in wanted} == wanted, found
    return f"{len(found)} words"


if __name__ == "__main__":
    sys.exit(td.Cases(c for c in CASES if not sys.argv[1:] or c.__name__ in sys.argv[1:]).run())
