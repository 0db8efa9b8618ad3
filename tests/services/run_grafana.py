#!/usr/bin/env python3
"""tests/services/run_grafana.py - the dashboards of deploy/grafana: every query of every panel, variable and annotation is executed on
the real PostgreSQL, Cassandra or Prometheus that a run has filled, with Grafana's macros put in as Grafana does, and returns rows.
Executed, not rendered: there is no Grafana here.
"""
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import cassandra.cluster  # noqa: E402
import feeds  # noqa: E402
import fetch  # noqa: E402
import tapedeck as td  # noqa: E402
import yaml  # noqa: E402
from cassandra_node import Cassandra  # noqa: E402
from postgres import cluster  # noqa: E402

GRAFANA = td.ROOT / "deploy/grafana"
FEEDS = [f'file: {{ {feeds.LEAN}, to: "10:00" }}']
SPAN = "2013-10-07T13:30:00Z", "2013-10-07T14:30:00Z"
SPAN_NS = 1381152600000000000, 1381156200000000000
KEYSPACE = SCHEMA = "grafana"
cases = td.Cases()
server, node = None, Cassandra()


def board(name):
    return json.loads((GRAFANA / f"dashboards/{name}.json").read_text(encoding="utf-8"))


def queries(dashboard, field):
    """(where, the query) of all panels, variables that ask, and annotations."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"], panel["title"]
            yield panel["title"], target[field]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]
    for note in dashboard.get("annotations", {}).get("list", []):
        yield f"annotation {note['name']}", note["target"][field]


def expand(text, values, macros):
    """As Grafana does: variables in the browser, then macros where the store is asked; nothing may be left."""
    for pattern, put in macros:
        text = re.sub(pattern, put, text)
    text = re.sub(r"\$\{?(\w+)\}?", lambda m: values[m[1]], text)
    assert "$" not in text, text
    return text


def run(home):
    """A run into both stores, whose metrics are there while the block lasts."""
    home = pathlib.Path(home)
    trades = "time,instrument,price,size\n" + "".join(
        f"2013-10-07T13:{30 + n // 60}:{n % 60:02}Z,LEAN:Z,{900 if n % 4 == 3 and n > 30 else 100},1\n" for n in range(300))
    (home / "odd.csv").write_text(trades)  # some are outliers
    of = "of: [bars, signals, gaps, vendor_bars, fills, trades, quotes]"
    sinks = (f'sinks:\n  - postgres: {{ url: "{server.uri}", schema: {SCHEMA}, {of} }}\n'
             f"  - cassandra: {{ nodes: [{node.address}], keyspace: {KEYSPACE}, {of} }}\n")
    odd = f"file: {{ name: odd, format: csv, path: {home}/odd.csv }}"
    file = td.config(home / "run.yaml", home / "data", [*FEEDS, odd], "[1s, 1m]",
                     [*(td.ROOT / f"strategies/{name}.td" for name in ("mean_reversion", "golden_cross")),
                      td.ROOT / "tests/data/filled.td"],
                     partitions=2, sink=False, extra=sinks)
    file.write_text(file.read_text().replace("partitions: 2", "partitions: 2, publish: [trades, quotes]"))
    return file


@contextlib.contextmanager
def prometheus(home, target):
    """Of Debian's package, without its service."""
    with fetch.made_once("prometheus-debian") as part:
        if part is not None:
            subprocess.run(["apt-get", "download", "prometheus"], check=True, cwd=part, capture_output=True)
            subprocess.run(["dpkg", "-x", next(part.glob("prometheus_*.deb")), part], check=True)
    binaries = fetch.HOME / "prometheus-debian/usr/bin"
    config = pathlib.Path(home) / "prometheus.yml"
    config.write_text("global: { scrape_interval: 1s, evaluation_interval: 1s }\nscrape_configs:\n"
                      f"  - {{ job_name: tapedeck, static_configs: [{{ targets: [\"{target}\"] }}] }}\n")
    subprocess.run([binaries / "promtool", "check", "config", config], check=True, stdout=subprocess.DEVNULL)
    address = f"127.0.0.1:{fetch.free_port()}"
    command = [binaries / "prometheus", f"--config.file={config}", f"--storage.tsdb.path={home}/tsdb", f"--web.listen-address={address}"]
    with fetch.running(command, f"{home}/prometheus.log", "Server is ready to receive web requests"):
        yield f"http://{address}"


def ask(url, path, **arguments):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}", timeout=30) as answer:
        told = json.load(answer)
    assert told["status"] == "success", told
    return told["data"]


def check_prometheus(home, file):
    """From a run at 60 times its pace, so that there are rates. No metric is asked for that the program does not know."""
    port = fetch.free_port()
    paced = file.read_text().replace(f"{home}/data", f"{home}/paced").replace("sinks:", f"serve: {{ listen: 127.0.0.1:{port} }}\nsinks:")
    other = file.with_name("paced.yaml")
    other.write_text(paced.replace(f"schema: {SCHEMA}", "schema: paced").replace(f"keyspace: {KEYSPACE}", "keyspace: paced"))
    values = {"job": "tapedeck", "__rate_interval": "15s"}
    asked = list(queries(board("operations"), "expr"))
    with subprocess.Popen([td.PROGRAM, "run", "--quiet", "--set", "speed=60x", other], cwd=td.ROOT) as process:
        try:
            with prometheus(home, f"127.0.0.1:{port}") as url:
                deadline, missing = time.monotonic() + 90, asked
                while missing and time.monotonic() < deadline:
                    time.sleep(3)
                    missing = [row for row in missing if not shows(url, row[1], values)]
                assert not missing, f"no rows of {missing}"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                known = set(re.findall(r"^# HELP (\w+)", answer.read().decode(), re.M))
            named = {re.sub(r"_(bucket|sum|count)$", "", name) for _, query in asked
                     for name in re.findall(r"\b(?:tapedeck|process)_\w+", query)}
            assert named and named <= known, named - known
        finally:
            td.kill(process)
    return len(asked)


def shows(url, query, values):
    label = re.fullmatch(r"label_values\((\w+), (\w+)\)", query)
    if label:
        return ask(url, f"label/{label[2]}/values", **{"match[]": label[1]})
    now = time.time()
    result = ask(url, "query_range", query=expand(query, values, []), start=now - 60, end=now, step=5)["result"]
    return any(value != "NaN" for series in result for _, value in series["values"])


def check_postgres():
    values = {"schema": SCHEMA, "instrument": "LEAN:IBM", "width_ns": "60000000000"}
    instant = [f"'{at}'::timestamptz" for at in SPAN]
    macros = [(r"\$__unixEpochNanoFilter\(([\w.]+)\)", rf"\1 >= {SPAN_NS[0]} AND \1 <= {SPAN_NS[1]}"),
              (r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN '{SPAN[0]}' AND '{SPAN[1]}'"), (r"\$__timeFrom\(\)", instant[0]),
              (r"\$__timeTo\(\)", instant[1]), (r"\$__timeGroup\((\w+), '1m'\)", r"floor(extract(epoch from \1)/60)*60")]
    asked = list(queries(board("market"), "rawSql"))
    for where, query in asked:
        assert server.rows(expand(query, values, macros)), f"market, {where}: no rows of {query}"
    return len(asked)


def check_cassandra():
    """The plugin's own form of a series: its name, a number, a time."""
    values = {"keyspace": KEYSPACE, "instrument": "LEAN:IBM", "width_ns": "60000000000"}
    macros = [(r"\$\{__(?:from|to):date:YYYY\}", "2013"), (r"\$\{__(?:from|to):date:YYYY-MM-DD\}", "2013-10-07"),
              (r"\$__timeFrom", "1381152600000"), (r"\$__timeTo", "1381156200000")]
    dashboard = board("market-cassandra")
    found = cassandra.cluster.Cluster(["127.0.0.1"], port=node.port, protocol_version=4)
    found.connect_timeout = 30
    try:
        session = found.connect()
        session.default_timeout = 60
        asked = list(queries(dashboard, "target"))
        for where, query in asked:
            row = session.execute(expand(query, values, macros)).one()
            assert row is not None, f"market-cassandra, {where}: no rows of {query}"
        series = [t["target"] for p in dashboard["panels"] for t in p["targets"] if t["queryType"] == "query"]
        for query in series:
            name, number, at = session.execute(expand(query, values, macros)).one()
            assert (type(name), type(number), type(at).__name__) == (str, float, "datetime"), (query, name, number, at)
    finally:
        found.shutdown()
    return len(asked)


@cases.add
def files_are_one(_):
    """Panels name the datasources that are provisioned, and no two boards or panels are the same."""
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/tapedeck.yaml").read_text())["datasources"]
    known = {(source["type"], source["uid"]) for source in sources}
    boards = [json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]
    used = {(panel["datasource"]["type"], panel["datasource"]["uid"]) for b in boards for panel in b["panels"]}
    assert used == known and len({b["uid"] for b in boards}) == len(boards) == 3, (used, known)
    for b in boards:
        assert len({panel["id"] for panel in b["panels"]}) == len(b["panels"]), b["title"]
        places = {(x, y) for p in (panel["gridPos"] for panel in b["panels"]) for x in range(p["x"], p["x"] + p["w"])
                  for y in range(p["y"], p["y"] + p["h"])}
        assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in b["panels"]), f"{b['title']}: panels overlap"
    assert yaml.safe_load((GRAFANA / "provisioning/dashboards/tapedeck.yaml").read_text())["providers"]
    return f"{len(boards)} dashboards with {sum(len(b['panels']) for b in boards)} panels"


@cases.add
def every_query_gives_rows(home):
    file = run(home)
    td.run(file)
    td.put_gaps(f"{home}/data", [("LEAN:IBM", "lean", 1, "open", "session", 1381153000000000000, -1, -1, 0)])
    td.run(file)
    counts = {"PostgreSQL": check_postgres(), "Cassandra": check_cassandra()}
    counts["Prometheus"] = check_prometheus(home, file)
    return f"executed, not rendered: {counts}"


def main():
    global server
    with cluster() as server, server.running(), node.alive():
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
