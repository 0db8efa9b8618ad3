#!/usr/bin/env python3
"""tests/e2e/openapi.py - docs/openapi.json is what the server does: its paths and parameters are those of the server's own table, and
every answer of a running program but `stream` and `/metrics` is as its schema says, all members told. CSV and Arrow have the same columns
and values; pages turned by `next` hold what one large page holds.
"""
import csv
import io
import json
import pathlib
import sqlite3
import subprocess
import sys
import urllib.parse
import urllib.request
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "services"))
import arrow_table  # noqa: E402
import feeds  # noqa: E402
import jsonschema  # noqa: E402
import tapedeck as td  # noqa: E402
from dashboard import Server, wait_until  # noqa: E402
from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: E402
from ports import free_port  # noqa: E402

DOC = json.loads((td.ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
TABLE = td.BUILD / "tests/tools/api_table"
BASE = "/api/v1/"
ELSEWHERE = {"/livez", "/readyz", "/metrics", "/api/v1/openapi.json"}  # not of the table
FEEDS = [f'file: {{ {feeds.LEAN}, to: "09:45" }}', f'file: {{ {feeds.BINANCE}, to: "23:55:10" }}',
         f'file: {{ format: alphavantage, path: "{feeds.DATA}/alphavantage/MSFT_1min_2*" }}']
NEWS = ("time,instrument,headline,sentiment,source,url,id\n2026-03-02T14:30:10.5Z,X:A,Up,0.25,wire,https://x/1,n1\n"
        + "".join(f"2026-03-02T14:31:{n:02}Z,{'X:A' if n % 2 else ''},Headline {n},,,,\n" for n in range(20)))
TRADES = "time,instrument,price,size\n" + "".join(
    f"2026-03-02T14:30:{n:02}Z,X:A,{900 if n % 4 == 3 and n > 30 else 100},1\n" for n in range(60))  # some are outliers
STRATEGIES = ["golden_cross", "momentum"]
IBM = {"instrument": "LEAN:IBM"}
cases = td.Cases()
state = {}


class Served(Server):
    """What a run of a few markets has made."""

    def __init__(self, home):
        for name in (*STRATEGIES, "filled"):
            source = td.ROOT / ("tests/data" if name == "filled" else "strategies") / f"{name}.td"
            pathlib.Path(f"{home}/{name}.td").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        for name, text in (("news", NEWS), ("trades", TRADES)):
            pathlib.Path(f"{home}/{name}.csv").write_text(text, encoding="utf-8")
        tables = [f"file: {{ name: {name}, format: csv, path: {home}/{name}.csv }}" for name in ("news", "trades")]
        super().__init__(home, free_port(), feeds=[*FEEDS, *tables], strategies=[f"{home}/{name}.td" for name in (*STRATEGIES, "filled")])
        self.file.write_text(self.file.read_text().replace("partitions: 8", "partitions: 4, publish: [trades, quotes, news]"))
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"sinks:\n  - sqlite: {{ file: {home}/market.db, of: [bars, trades, quotes] }}\n")
        td.run(self.file, "--set", "serve=off")
        gaps = [(f"X:{name}", "desk", n, "open", "session", 1000 * n, -1, -1, 0) for n in range(1, 9) for name in "AB"]
        td.put_gaps(f"{home}/data", [*gaps, ("X:A", "desk", 2, "filled", "ids", 5, 9, 3, 2)])

    def ask(self, path, arguments=(), method="GET", body=None, accept=None):
        query = urllib.parse.urlencode(dict(arguments), safe=":*/")
        headers = {"Accept": accept} if accept else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        return self.get(path + ("?" + query if query else ""), method=method, headers=headers, body=data)

    def arrow(self, path, accept=None):
        """(the address of the next page, bytes)"""
        request = urllib.request.Request(self.url + path, headers={"Accept": accept} if accept else {})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["Content-Type"] == arrow_table.TYPE, (path, answer.headers["Content-Type"])
            link = answer.headers["Link"]
            return link and link.removeprefix("<").removesuffix('>; rel="next"'), answer.read()


def check(schema, answer, where):
    """Against the document's schemas, which references name."""
    errors = list(jsonschema.Draft202012Validator({"components": DOC["components"], **schema}).iter_errors(answer))
    assert not errors, f"{where}: {errors[0].json_path}: {errors[0].message[:300]}"


def parameters(operation):
    """{name: the parameter}, references followed."""
    found = [p if "$ref" not in p else DOC["components"]["parameters"][p["$ref"].split("/")[-1]] for p in operation.get("parameters", [])]
    return {p["name"]: p for p in found}


def documented():
    for path, methods in DOC["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


@cases.add
def says_what_the_servers_table_says(_):
    OpenAPIV31SpecValidator(DOC).validate()
    told = subprocess.run([TABLE], stdout=subprocess.PIPE, text=True, check=True).stdout.replace("TOPIC", "{topic}")
    written = set()
    for path, method, operation in documented():
        if path in ELSEWHERE:
            continue
        written.add((method, path.removeprefix(BASE), "-", "optional"))
        written |= {(method, path.removeprefix(BASE), name, "required" if p.get("required") else "optional")
                    for name, p in parameters(operation).items() if p["in"] == "query"}
    has = {tuple(line.split()) for line in told.splitlines()}
    assert written == has, f"only in the document: {sorted(written - has)}; only in the server: {sorted(has - written)}"
    assert len(has) > 100, has
    return f"{len({row[:2] for row in has})} operations with {len(has)} parameters"


def span(**more):
    return {"from": "2013-10-07T13:00:00Z", "to": "1893456000", "before": "2029-01-01T00:00:00Z", "limit": "7", **more}


def questions(server):
    """(path, arguments) whose answers show every member: each parameter of each path is in one of them."""
    signals = server.json(f"{BASE}signals?limit=3")["signals"]
    strategy, signal, traded = (signals[-1][name] for name in ("strategy", "id", "instrument"))
    filled = server.json(f"{BASE}fills?limit=1")["fills"][0]
    refused = server.json(f"{BASE}quarantine?limit=1")["quarantine"][0]
    hashes = server.json(f"{BASE}strategies/versions?strategy={strategy}")["versions"][0]["hash"]
    file = next(f["file"] for f in server.json(f"{BASE}strategies")["strategies"] if f["file"].endswith("momentum.td"))
    place = {"as_of": "2026-12-31T00:00:00Z"}
    vendor = server.json(f"{BASE}topics/vendor_bars/records?limit=1")["records"][0]["key"]
    gap = {"instrument": "X:A", "feed": "desk", "status": "open", "from": "0", "to": "1893456000", "limit": "3"}
    odd = {"instrument": refused["instrument"], "reason": refused["reason"], **span(feed=refused["feed"])}
    records = "topics/{topic}/records"
    plain = [("instruments", {}), ("latest", {}), ("latest", IBM), ("status", {}), ("topics", {}), ("strategies", {}), ("profile", {}),
             ("trades", {}), ("quotes", {}),
             ("signals", {}), ("fills", {}), ("gaps", {}), ("quarantine", {}), ("news", {}),
             ("profile", {"day": "2013-10-07", "limit": "5"}),
             ("bars", {**IBM, "width": "1m"}),
             ("bars", {**IBM, "width": "1s", **span(), **place, "adjust": "split", "known": "now"}),
             ("lines", {**IBM, "width": "1m", **span()}),
             ("vendor_bars", {"instrument": vendor, "width": "1m", **span(feed="alphavantage"), **place}),
             ("trades", {**IBM, **span(feed="lean"), **place}), ("quotes", {**IBM, **span(feed="lean"), **place}),
             ("signals", {"instrument": traded, "strategy": strategy, **span(), **place}),
             ("fills", {"instrument": filled["instrument"], "strategy": filled["strategy"], **span(), **place}),
             ("news", {"instrument": "X:A", **span(feed="news"), **place}), ("gaps", gap), ("quarantine", odd),
             ("explain", {"signal": signal}), ("actions", {**IBM, "limit": "5"}),
             ("topics/{topic}", {}), ("topics/{topic}/groups", {}), (records, {}),
             (records, {"partition": "0", "offset": "0", "limit": "5"}), (records, {"time": "0", "key": "LEAN:IBM"}),
             ("strategies", {"file": file}), ("strategies/versions", {"strategy": strategy}),
             ("strategies/versions", {"strategy": strategy, "hash": hashes[:12]})]
    return plain, file, strategy, hashes


def texts(row):
    words = {None: "", True: "true", False: "false"}
    return [value if isinstance(value, str) else words[value] for name, value in row.items() if name != "spark"]


def check_csv(server, path, arguments, answer):
    """The same names, rows and values; returns the number of values."""
    rows = json.loads(answer, parse_int=str, parse_float=str)
    name = next(key for key in rows if key not in ("next", "behind_records"))
    for asked in ({**arguments, "format": "csv"}, arguments):
        status, headers, text = server.ask(path, asked, accept=None if "format" in asked else "text/csv")
        assert status == 200 and headers["Content-Type"] == "text/csv; charset=utf-8", (path, status, headers["Content-Type"])
        table = list(csv.reader(io.StringIO(text, newline="")))
        if rows[name]:
            assert table[0] == [key for key in rows[name][0] if key != "spark"], (path, table[0])
        assert table[1:] == [texts(row) for row in rows[name]], f"{path}: the rows of CSV are others"
        following = rows.get("next")
        link = f"<{following}&format=csv>; rel=\"next\"" if following else None
        assert headers["Link"] == link, (path, headers["Link"], link)
    return sum(map(len, table))


def row_schema(name, content):
    """Of a table's rows."""
    schema = content["application/json"]["schema"]["properties"][name]["items"]
    return DOC["components"]["schemas"][schema["$ref"].split("/")[-1]]


def check_arrow(server, path, arguments, answer, content):
    """The same rows, asked for by the parameter and by the header, and the pages of seven; returns the number of values."""
    rows = json.loads(answer)
    name = next(key for key in rows if key not in ("next", "behind_records"))
    schema, query = row_schema(name, content), urllib.parse.urlencode(arguments, safe=":*/")
    following = rows.get("next") and rows["next"] + "&format=arrow"
    named, data = server.arrow(f"{path}?{query}&format=arrow")
    accepted, same = server.arrow(f"{path}?{query}", arrow_table.TYPE)
    assert named == accepted == following and data == same, (path, named, accepted, following)
    values = arrow_table.check(data, schema, rows[name], f"{path} {arguments}")
    if "next" in rows and name != "actions":
        at = f"{path}?{urllib.parse.urlencode({**arguments, 'limit': 7, 'format': 'arrow'})}"
        for _ in range(3):
            page = server.json(at.replace("&format=arrow", ""))
            following, data = server.arrow(at)
            values += arrow_table.check(data, schema, page[name], at)
            at = following
            if not at:
                break
        assert bool(at) == bool(page["next"]), (at, page["next"])
    return values


def check_no_rows(server):
    """A table without rows has its columns."""
    for name, where in (("latest", "instrument=LEAN:NONE"), ("trades", "feed=nobody"), ("gaps", "feed=nobody"),
                        ("bars", "instrument=LEAN:IBM&width=1m&to=1")):
        path = f"{BASE}{name}?{where}"
        assert server.json(path)[name] == [], path
        content = DOC["paths"][BASE + name]["get"]["responses"]["200"]["content"]
        arrow_table.check(server.arrow(f"{path}&format=arrow")[1], row_schema(name, content), [], path)


def check_pages(server, path, arguments):
    """Pages of seven and one of all have the same rows; returns how many."""
    name = path.removeprefix(BASE)
    whole = server.json(f"{path}?{urllib.parse.urlencode({**arguments, 'limit': 5000})}")[name]
    turned, at = [], f"{path}?{urllib.parse.urlencode({**arguments, 'limit': 7})}"
    for _ in range(40):
        page = server.json(at)
        assert len(page[name]) <= 7, (at, len(page[name]))
        turned, at = page[name] + turned, page["next"]
        if at is None:
            break
    assert turned and turned == whole[-len(turned):] and (at is not None or len(turned) == len(whole)), (path, len(turned), len(whole))
    return len(turned)


def check_answers(server, plain):
    given, values, cells, turned = {}, 0, 0, {}
    for name, arguments in plain:
        path, operation = BASE + name, DOC["paths"][BASE + name]["get"]
        status, _, text = server.ask(path.replace("{topic}", "bars"), arguments)
        assert status == 200, f"{path} {arguments}: {status} {text}"
        answer, content = json.loads(text), operation["responses"]["200"]["content"]
        check(content["application/json"]["schema"], answer, f"{path} {arguments}")
        rows = next((v for v in answer.values() if isinstance(v, list)), [1])
        assert rows or name in ("topics/{topic}/groups", "actions"), f"{path} {arguments} shows nothing"
        given.setdefault((path, "GET"), set()).update(arguments)
        assert ("text/csv" in content) == (arrow_table.TYPE in content), path
        if "text/csv" in content:
            values += check_csv(server, path, arguments, text)
            cells += check_arrow(server, path, arguments, text, content)
            given[path, "GET"].add("format")
        if "cursor" in parameters(operation) and "next" in answer and name not in ("lines", "actions", "topics/{topic}/records"):
            turned[name] = check_pages(server, path, {k: v for k, v in arguments.items() if k != "limit"})
            given[path, "GET"].add("cursor")
    check_no_rows(server)
    return given, values, cells, turned


def check_posts(server, file, strategy, hashes):
    """What changes nothing, then what does."""
    text = {"text": "strategy momentum on bars(1m) for LEAN:*\n  buy when close > sma(close, 3)\n"}
    series = {**IBM, "width": "1m", "limit": "5", "from": "0", "to": "1893456000", "before": "1893456000"}
    asked = [("strategies/check", {"file": file}, text),
             ("strategies/check", {"file": file}, {"text": "strategy x on bars(1m)\n buy when clse"}),
             ("strategies/preview", {"file": file, **series}, text),
             ("quarantine/release", {}, {"selector": {"reason": "outlier", "feed": "trades"}, "dry_run": True}),
             ("actions", {}, {**IBM, "date": "2013-10-08", "kind": "dividend", "value": "0.5", "currency": "USD",
                              "announced": "2013-10-01", "source": "a test"}),
             ("strategies/save", {"file": file}, text), ("strategies/rollback", {"strategy": strategy, "hash": hashes}, {})]
    for name, arguments, body in asked:
        status, _, answer = server.ask(BASE + name, arguments, "POST", body)
        assert status == 200, f"{name}: {status} {answer}"
        operation = DOC["paths"][BASE + name]["post"]
        check(operation["requestBody"]["content"]["application/json"]["schema"], body, f"the body of {name}")
        check(operation["responses"]["200"]["content"]["application/json"]["schema"], json.loads(answer), name)
    wait_until("the action is taken", lambda: server.json(f"{BASE}actions?instrument=LEAN:IBM")["actions"])
    return {(BASE + name, "POST") for name, _, _ in asked}


def check_latest(server, home):
    """The rows of the store's table, which the newest 32 MB hold here whole; returns how many."""
    with sqlite3.connect(f"file:{home}/market.db?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        stored = {(row["instrument"], row["kind"]): dict(row) for row in db.execute("select * from latest")}
    answer = server.json(f"{BASE}latest")
    told = {(row["instrument"], row["kind"]): row for row in answer["latest"]}
    assert told.keys() == stored.keys() and len(told) == len(answer["latest"]), told.keys() ^ stored.keys()
    assert answer["behind_records"] == 0, answer["behind_records"]
    for key, row in told.items():
        assert row.keys() - stored[key].keys() == {"event_time", "known_at"}, row.keys() ^ stored[key].keys()
        for name in row.keys() & stored[key].keys():
            value, wanted = row[name], stored[key][name]
            same = value == wanted or (None not in (value, wanted) and Decimal(value) == Decimal(wanted))
            assert same, f"{key} {name}: {value}, in the store {wanted}"
    assert {kind for _, kind in told} == {"trade", "quote", "bar"}, told.keys()
    one = server.json(f"{BASE}latest?instrument=LEAN:IBM")["latest"]
    assert one == [row for row in answer["latest"] if row["instrument"] == "LEAN:IBM"] and len(one) == 3, one
    assert server.json(f"{BASE}latest?instrument=LEAN:NONE")["latest"] == []
    return len(told)


def check_refusals(server, posted):
    """Wrong questions and wrong methods; returns how many."""
    error = DOC["components"]["responses"]["Error"]["content"]["application/json"]["schema"]
    asked = [(BASE + "nothing", {}, "GET", 404), (BASE + "bars", {"colour": "red"}, "GET", 400),
             (BASE + "signals", {"cursor": "1.2"}, "GET", 400),
             (BASE + "bars", {"instrument": "LEAN:NONE", "width": "1m"}, "GET", 404)]
    methods = {(path, method) for path, method, _ in documented()}
    for path, method in methods:
        other = "POST" if method == "GET" else "GET"
        if (path, other) not in methods:
            asked.append((path.replace("{topic}", "bars"), {}, other, 405))
    for path, arguments, method, wanted in asked:
        status, _, text = server.ask(path, arguments, method, {} if method == "POST" else None)
        assert status == wanted, f"{method} {path}: {status}, wanted {wanted}: {text}"
        check(error, json.loads(text), path)
    assert posted == {place for place in methods if place[1] == "POST"}, posted
    return len(asked)


@cases.add
def answers_as_it_says(home):
    with Served(home) as server:
        wait_until("all is loaded", lambda: server.get("/readyz")[0] == 200)
        wait_until("the profile is level", lambda: server.json(f"{BASE}profile")["complete"])
        status, headers, text = server.ask(f"{BASE}openapi.json")
        assert (status, headers["Content-Type"], json.loads(text)) == (200, "application/json", DOC), (status, headers["Content-Type"])
        newest = check_latest(server, home)
        plain, file, strategy, hashes = questions(server)
        posted = check_posts(server, file, strategy, hashes)
        given, values, cells, turned = check_answers(server, plain)
        for path, method, operation in documented():
            names = {name for name, p in parameters(operation).items() if p["in"] == "query"} - {"cursor"}
            if method == "GET" and path not in ELSEWHERE | {BASE + "stream"}:
                assert names <= given[path, method], f"{path}: nobody asked with {names - given[path, method]}"
        for path in ("/livez", "/readyz"):
            check(DOC["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"], server.json(path), path)
        refused = check_refusals(server, posted)
    assert {"bars", "trades", "quotes", "signals", "fills", "gaps", "quarantine", "news", "vendor_bars"} <= turned.keys(), turned
    return (f"{len(given) + len(posted)} operations, {values} values in CSV and {cells} in Arrow as in JSON, {refused} refusals, "
            f"{newest} newest rows, pages of {turned}")


if __name__ == "__main__":
    sys.exit(cases.run())
