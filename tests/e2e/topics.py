#!/usr/bin/env python3
"""tests/e2e/topics.py - the topic browser, by API and by page: what it tells of a log is what `log ls` and `log cat` tell
of the same folder; pages are turned whole, backwards and forwards; a browser sees topics, readers and decoded records.
"""
import json
import pathlib
import subprocess
import sys
import urllib.parse

import tapedeck as td
from dashboard import CHROMIUM, CHROMIUM_ARGS, SHOTS, Page, Server, wait_until
from playwright.sync_api import sync_playwright
from ports import free_port

PARTITIONS = 3
INSTRUMENTS = ["NASDAQ:AAPL", "NASDAQ:MSFT", "NYSE:IBM", "NYSE:GE"]
BEGIN = 1772461800  # 2026-03-02T14:30:00Z
cases = td.Cases()


def write_tables(folder):
    """A trade a second of each, and a headline a minute, some about two, some about none."""
    pathlib.Path(folder).mkdir(exist_ok=True)
    trades = ["time,instrument,price,size"] + [f"{BEGIN + n},{name},{100 + n % 17}.{k},1" for n in range(600)
                                               for k, name in enumerate(INSTRUMENTS)]
    about = ["NASDAQ:AAPL NASDAQ:MSFT", "", "NYSE:IBM"]
    news = ["time,instrument,headline,sentiment"] + [f'{BEGIN + 60 * n},{about[n % 3]},"Headline {n}, with a comma",0.{n}'
                                                     for n in range(9)]
    pathlib.Path(f"{folder}/trades.csv").write_text("\n".join(trades) + "\n", encoding="utf-8")
    pathlib.Path(f"{folder}/news.csv").write_text("\n".join(news) + "\n", encoding="utf-8")


class Browsed(Server):
    """A run over those tables with a sink, and with news published."""

    def __init__(self, home, *options):
        pathlib.Path(home).mkdir(exist_ok=True)
        write_tables(f"{home}/tables")
        super().__init__(home, free_port(), "--set", "speed=max", "--set", "log.publish=[news]", *options)
        self.data = f"{home}/data"
        self.file = td.config(f"{home}/run.yaml", self.data, [f"file: {{ format: csv, path: {home}/tables/*.csv }}"],
                              "[1s, 1m]", partitions=PARTITIONS, extra=f"serve: {{ listen: 127.0.0.1:{self.port} }}\n")

    def level(self):
        """All is applied, synced and delivered."""
        def is_level():
            topics = self.json("/api/v1/topics")["topics"]
            readers = [reader for topic in ("tape", "bars") for reader in self.topic(topic)["readers"]]
            return all(t["synced"] == t["end"] for t in topics) and self.topic("bars")["end"] > 2000 and all(
                reader["lag"] == 0 for reader in readers)
        wait_until("all is applied and delivered", is_level)
        return self

    def topic(self, name):
        return self.json(f"/api/v1/topics/{name}")

    def pages(self, path):
        """All records, page after page, and how many pages they took."""
        records, count = [], 0
        while path:
            page = self.json(path)
            records, path, count = records + page["records"], page["next"], count + 1
        return records, count


def look(data, *words):
    done = subprocess.run([td.PROGRAM, "log", *words, "--data", data], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@cases.add
def tells_what_the_log_holds(home):
    with Browsed(home) as server:
        server.level()
        listed = {}
        for row in look(server.data, "ls", "--json"):
            listed.setdefault(row["topic"], []).append(row)
        topics = {topic["topic"]: topic for topic in server.json("/api/v1/topics")["topics"]}
        assert topics.keys() == listed.keys(), (topics.keys(), listed.keys())
        for name, rows in listed.items():
            sums = {key: sum(row[key] for row in rows) for key in ("start", "end", "records", "bytes")}
            assert {key: topics[name][key] for key in sums} == sums, (name, topics[name], sums)
            offsets = server.topic(name)["offsets"]
            wanted = [{key: row[key] for key in ("partition", "start", "end", "records", "bytes")} for row in rows]
            assert [{**row, "synced": row["end"]} for row in wanted] == [
                {key: row[key] for key in (*wanted[0], "synced")} for row in offsets], (name, offsets)
        assert topics["bars"]["subjects"] == ["bars-value"] and "tape-tapedeck.Trade" in topics["tape"]["subjects"]
        schema, = server.topic("bars")["schemas"]
        registered = server.json(f"/registry/schemas/ids/{schema['id']}")["schema"]
        assert (schema["schema"], json.loads(registered)["name"]) == ("Bar", "Bar"), (schema, registered)
        assert topics["bars"]["retention"] == {"shared": True, "ms": None, "bytes": 20 << 30}, topics["bars"]
        assert topics["_schemas"]["retention"] == {"shared": False, "ms": None, "bytes": None}
        readers = {(r["reader"], r["partition"]): r["offset"] for r in server.topic("tape")["readers"]}
        assert readers == {("worker", row["partition"]): row["end"] for row in listed["tape"]}, readers
        readers = {(r["reader"], r["partition"]): r["offset"] for r in server.topic("bars")["readers"]}
        assert readers == {("sink:sqlite", row["partition"]): row["end"] for row in listed["bars"]}, readers
    return f"{len(topics)} topics as `log ls` has them, with workers and sink level"


@cases.add
def shows_every_record_as_log_cat_does(home):
    with Browsed(home) as server:
        server.level()
        seen = pages = 0
        for topic in ("tape", "bars", "news", "_programs", "_schemas"):
            for partition in range(server.topic(topic)["partitions"]):
                wanted = look(server.data, "cat", topic, "--partition", str(partition))
                base = f"/api/v1/topics/{topic}/records?partition={partition}"
                back, turned = server.pages(f"{base}&limit=389")
                assert back[::-1] == wanted, f"{topic}-{partition}: {len(back)} newest first, {len(wanted)} wanted"
                forth, more = server.pages(f"{base}&limit=997&offset=0")
                assert forth == wanted, f"{topic}-{partition}: {len(forth)} forwards, {len(wanted)} wanted"
                seen, pages = seen + len(wanted), pages + turned + more
        assert seen > 5000 and pages > 20, (seen, pages)
        key = server.json("/api/v1/topics/bars/records?key=NYSE:IBM&limit=5000")
        wanted = [r for r in look(server.data, "cat", "bars", "--key", "NYSE:IBM") if r["key"] == "NYSE:IBM"]
        assert key["records"] == wanted[::-1] and len(wanted) > 500, (len(key["records"]), len(wanted))
        newest = server.json("/api/v1/topics/bars/records?limit=30")
        stamps = [r["timestamp"] for r in newest["records"]]
        assert stamps == sorted(stamps, reverse=True) and newest["next"] is None and newest["partition"] is None
        middle = forth[len(forth) // 2] if forth else wanted[0]
        since = server.json(f"/api/v1/topics/{middle['topic']}/records?partition={middle['partition']}"
                            f"&time={middle['timestamp']}000000&limit=1")["records"][0]
        assert since["timestamp"] == middle["timestamp"] and since["offset"] <= middle["offset"], (since, middle)
    return f"{seen} records in {pages} pages, backwards and forwards"


@cases.add
def tells_news(home):
    with Browsed(home) as server:
        server.level()
        rows = server.json("/api/v1/news")["news"]
        assert len(rows) == 12 and {row["instrument"] for row in rows} == {"NASDAQ:AAPL", "NASDAQ:MSFT", "NYSE:IBM", "*"}, rows
        ibm = server.json("/api/v1/news?instrument=NYSE:IBM")["news"]
        assert [(row["headline"], row["sentiment"]) for row in ibm] == [
            (f"Headline {n}, with a comma", float(f"0.{n}")) for n in (2, 5, 8)], ibm
        of_span = server.json("/api/v1/news?from=2026-03-02T14:31:00Z&to=2026-03-02T14:33:00Z")["news"]
        assert {row["headline"][:10] for row in of_span} == {"Headline 1", "Headline 2"}, of_span
    with Browsed(f"{home}/other", "--set", "log.publish=none") as server:
        status, _, text = server.get("/api/v1/news")
        assert status == 404 and json.loads(text)["error"]["code"] == "not_published", text
    return "of all, of one instrument, of a span; and that none is published"


def check_page(page, server):
    tab = page.tab

    def rows():
        return tab.evaluate("[...document.querySelectorAll('#records tr')].map((row) => [...row.cells].map((c) => c.innerText))")
    wait_until("the list", lambda: tab.locator("#topics .topic").count() > 8)
    tab.keyboard.press("/")
    tab.keyboard.type("bar")
    assert tab.locator("#topics .topic:visible").all_inner_texts()[0].startswith("bars"), tab.inner_text("#topics")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")  # the list itself can be scrolled by keys
    tab.keyboard.press("Enter")
    wait_until("the topic", lambda: page.data("topic") == "bars" and page.count("records") == 50)
    assert tab.locator("#partitions tr").count() == PARTITIONS
    assert "sink:sqlite" in tab.inner_text("#partitions") and "level" in tab.inner_text("#partitions")
    assert "bars-value version 1 (Bar), id" in tab.inner_text("#schemas"), tab.inner_text("#schemas")
    assert "20 GB shared by all topics" in tab.inner_text("#about")
    tab.select_option("#partition", "1")
    wait_until("one partition", lambda: {row[0] for row in rows()} == {"1"})
    first = rows()[0]
    wanted = server.json("/api/v1/topics/bars/records?partition=1&limit=1")["records"][0]
    assert first[1] == str(wanted["offset"]) and first[3] == wanted["key"] and first[4] == wanted["cause"], first
    tab.locator("#records details summary").first.click()
    shown = tab.locator("#records pre").first.inner_text()
    exact = server.get("/api/v1/topics/bars/records?partition=1&limit=1")[2]
    assert f'"event_ns": {wanted["value"]["event_ns"]}' in shown and str(wanted["value"]["event_ns"]) in exact, shown
    tab.click("#next")
    wait_until("the page before", lambda: rows()[0][1] == str(wanted["offset"] - 50))
    assert "page=" in tab.url
    tab.reload()
    wait_until("the same page again", lambda: page.count("records") == 50 and rows()[0][1] == str(wanted["offset"] - 50))
    tab.click("#previous")
    wait_until("what is newer", lambda: rows()[-1][1] == str(wanted["offset"]))
    tab.fill("#key", "NYSE:IBM")
    tab.select_option("#partition", "")
    wait_until("one key", lambda: {row[3] for row in rows()} == {"NYSE:IBM"})
    tab.fill("#key", "")
    tab.select_option("#where", "offset")
    tab.select_option("#partition", "1")
    tab.fill("#place", "7")
    tab.keyboard.press("Enter")
    wait_until("from an offset on", lambda: [row[1] for row in rows()[:2]] == ["7", "8"])
    cause = rows()[0][4]
    tab.locator("#records td:nth-child(5) a").first.click()
    tab.wait_for_selector("body[data-topic=tape]")
    wait_until("what made it", lambda: rows() and rows()[0][1] == cause.split("/")[3])


def check_groups(page, server):
    """What brokers would tell of a log on Kafka, in the place of what a folder has."""
    tab = page.tab
    told = {"topic": "bars", "complete": False, "groups": [{"group": "grafana", "partition": 0, "offset": 2, "lag": 1234}]}
    tab.route("**/topics/bars/groups", lambda route: route.fulfill(json=told))
    tab.goto(f"{server.url}/topics.html?topic=bars")
    row = tab.locator("#partitions tr[data-partition='0']")
    wait_until("the group", lambda: "group grafana" in row.inner_text() and "1,234 behind, at 2" in row.inner_text())
    assert "not all groups are told" in tab.inner_text("#about")
    assert "group" not in tab.locator("#partitions tr[data-partition='1']").inner_text()
    tab.unroute("**/topics/bars/groups")
    held = []  # brokers that are silent
    tab.route("**/topics/*/groups", lambda route: held.append(route))
    tab.goto(f"{server.url}/topics.html?topic=bars")
    wait_until("the topic", lambda: page.data("topic") == "bars" and held)
    tab.wait_for_timeout(7000)  # the list was asked for again, and so would they be
    assert len(held) == 1, held
    tab.locator("#topics .topic[data-name=tape]").click()
    wait_until("the other topic", lambda: page.data("topic") == "tape")
    held[0].fulfill(body="no JSON")
    wait_until("its own question", lambda: page.data("topic") == "tape" and len(held) == 2 and "/tape/" in held[1].request.url)
    tab.wait_for_timeout(2500)  # the topic was shown again
    assert "not all groups" not in tab.inner_text("#about"), "what became of a question about another topic is told"
    held[1].fulfill(json=told | {"topic": "tape"})
    wait_until("the group", lambda: "group grafana" in tab.inner_text("#partitions"))
    tab.unroute("**/topics/*/groups")


def check_live(page, server):
    """Records that come are shown by themselves, an open one stays open, and a page at rest asks for no records."""
    tab = page.tab
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"{server.url}/topics.html?topic=actions")
    wait_until("the topic", lambda: page.data("topic") == "actions" and page.data("records") == "0")
    tab.wait_for_timeout(5000)
    count = sum("/records" in url for url in asked)
    assert count == 1 and 3 <= len([url for url in asked if url.endswith("/topics/actions")]) <= 5, asked
    for day, value in (("2026-03-03", "2:1"), ("2026-03-04", "3:1")):
        body = json.dumps({"instrument": "NYSE:IBM", "date": day, "kind": "split", "value": value}).encode()
        status, _, text = server.get("/api/v1/actions", "POST", {"Content-Type": "application/json"}, body)
        assert status == 200, text
        wanted = page.count("records") + 1
        page.wait("records", wanted, 15)
        if wanted == 1:
            tab.locator("#records summary").first.click()
    assert tab.locator("#records details[open]").count() == 1, "an open record was closed by a new one"
    assert tab.locator("#records tr").nth(1).locator("details[open]").count() == 1


@cases.add
def a_browser_browses(home):
    SHOTS.mkdir(parents=True, exist_ok=True)
    with Browsed(home) as server, sync_playwright() as playwright:
        server.level()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = Page(browser, f"{server.url}/topics.html", color_scheme="dark")
        check_page(page, server)
        page.tab.screenshot(path=SHOTS / "topics-dark.png")
        check_live(page, server)
        check_groups(page, server)
        page.tab.goto(f"{server.url}/topics.html?topic=bars")
        page.wait("records", 50)
        for width, height in [(800, 600), (1280, 720), (2560, 1440)]:
            page.tab.set_viewport_size({"width": width, "height": height})
            page.tab.wait_for_timeout(200)
            assert page.tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"too wide at {width}"
            page.tab.screenshot(path=SHOTS / f"topics-{width}.png")
        names = page.tab.evaluate("""[...document.querySelectorAll('input, select, button, progress')].filter((node) =>
            !(node.labels?.length || node.ariaLabel || node.textContent.trim())).map((node) => node.outerHTML)""")
        assert not names, f"without a name: {names}"
        hostile = urllib.parse.quote("//example.org/api/v1/topics/bars/")
        page.tab.goto(f"{server.url}/topics.html?topic=bars&page={hostile}")
        page.wait("records", 50)
        assert not page.errors, f"on the console: {page.errors}"
        page.tab.goto(f"{server.url}/topics.html?topic=nothing")
        wait_until("that there is none", lambda: "there is no topic nothing" in page.tab.inner_text("#banner"))
        browser.close()
    return "topics, readers, schemas, pages by buttons, key and offset, causes, live, keys, widths"


if __name__ == "__main__":
    sys.exit(cases.run())
