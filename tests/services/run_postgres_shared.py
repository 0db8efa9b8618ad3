#!/usr/bin/env python3
"""tests/services/run_postgres_shared.py - a database of PostgreSQL that is not the sink's alone: tables of another owner, somebody's view
on a month that retention lets go, grants and views upon ours through an upgrade, what an older program has left there; and what people
ask there reads the key.
"""
import json
import pathlib
import re
import subprocess
import sys

import run_postgres as alone  # also finds what tests share
import tapedeck as td
from postgres import GUARDED, cluster

cases = td.Cases()
OWNER = "owner"
server = None


def put_trades(file, times):
    """Of DESK:A, one at each of these times."""
    rows = "".join(f"{at}Z,DESK:A,10,1\n" for at in times)
    pathlib.Path(file).write_text("time,instrument,price,size\n" + rows, encoding="utf-8")


def refusals(word):
    """How often the server has refused that, since it was started last."""
    return pathlib.Path(f"{server.folder}/log.{server.starts}").read_text(encoding="utf-8").count(word)


@cases.add
def a_month_that_cannot_go(home):
    """Since somebody's view is on it: told, and tried again each minute; rows come as ever, and other months go."""
    put_trades(f"{home}/march.csv", [f"2026-03-12T12:{n // 600:02}:{n // 10 % 60:02}.{n % 10}" for n in range(3000)])
    file = alone.config(home, "held", [f"file: {{ format: csv, path: {home}/march.csv }}"], more=", retain_time: 30d", ticks=True)
    code, text = alone.command("check", "--connect", file)
    assert code == 0, text
    for month, end in (("2025_12", "2026-01-01"), ("2026_01", "2026-02-01")):
        server.ask(f"create table held.trades_{month} partition of held.trades for values from ('{month.replace('_', '-')}-01 00:00+00')"
                   f" to ('{end} 00:00+00')")
    server.ask("create view held.january as select * from held.trades_2026_01")
    word = "cannot drop table trades_2026_01"
    with alone.watched(file, "--set", "speed=1x", "--set", "serve.listen=127.0.0.1:0") as process:
        alone.said_by(process, f"{word} because other objects depend on it; drop what depends on it")
        assert server.has("held.trades_2026_01") and not server.has("held.trades_2025_12")
        before = alone.rows_in("held", "trades")
        td.wait_for(lambda: alone.rows_in("held", "trades") > before + 50, "rows", 30)
        shown = subprocess.run([td.PROGRAM, "status", "--data", f"{home}/data"], stdout=subprocess.PIPE, text=True, check=False, timeout=30)
        assert ", hindered" in shown.stdout and alone.metric(home, 'tapedeck_sink_hindered{sink="postgres"}') == 1, shown.stdout
        assert alone.retries(home) == 0 and refusals(word) == 1, (process.said, refusals(word))
        server.ask("drop view held.january")
        td.wait_for(lambda: not server.has("held.trades_2026_01"), "the month to go", 90)
        td.wait_for(lambda: alone.metric(home, 'tapedeck_sink_hindered{sink="postgres"}') == 0, "the end of that", 30)
        process.terminate()
        alone.ended(process)
    return alone.expect_equal(home, "held", alone.TABLES + alone.TICKS)


@cases.add
def tables_of_another_owner(home):
    """Rows go in with rights alone; a month is made, and dropped, by who owns the table or is of its owner's role."""
    (url, more), few = (alone.guarded("owned"), ', password: "${PG_WORD}"'), (alone.LEAN.replace("16:00", "09:32"),)
    server.ask(f"create role {OWNER} login; create schema owned; grant usage, create on schema owned to {OWNER}, {GUARDED}")
    code, text = alone.command("check", "--connect", alone.config(home, "owned", few, url=server.uri.replace("tape@", f"{OWNER}@")))
    assert code == 0, text
    server.ask(f"grant select, insert, update on all tables in schema owned to {GUARDED}")
    code, text = alone.command("check", "--connect", alone.config(home, "owned", few, url=url, more=more), PG_WORD=alone.SECRET)
    assert code == 0, text  # without ticks no more is needed
    file = alone.config(home, "owned", few, url=url, more=more + ", retain_time: 30d", ticks=True)
    for mended, word in ((f"grant {OWNER} to {GUARDED}; revoke create on schema owned from {OWNER}, {GUARDED}",
                          "must be owner of table trades, which gets a part for each month; make the user of url its owner, or"),
                         (f"grant create on schema owned to {OWNER}; create table owned.trades_2012_01 partition of owned.trades"
                          " for values from ('2012-01-01 00:00+00') to ('2012-02-01 00:00+00')",
                          "permission denied for schema owned, where table trades gets a part for each month; grant create")):
        for words in (("check", "--connect"), ("run", "--until-end", "--quiet")):
            code, text = alone.command(*words, file, PG_WORD=alone.SECRET)
            assert code == alone.EXIT_CONFIG and word in text, (words, code, text)
        server.ask(mended)
    with alone.watched(file, PG_WORD=alone.SECRET) as process:
        alone.said_by(process, "must be owner of table trades_2012_01; make the user of url its owner, or a member of its owner's role")
        process.terminate()
        alone.ended(process)
    return alone.expect_equal(home, "owned", alone.TABLES + alone.TICKS)


def nodes_of(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)


def read_by_key(query):
    """How many rows of bars the server reads for it, all of them by the key, and how many the widest step has."""
    nodes = list(nodes_of(server.explain(query)[0]["Plan"]))
    assert not any(node["Node Type"].endswith("Seq Scan") for node in nodes), nodes
    assert {node["Index Name"] for node in nodes if "Index Cond" in node} == {"bars_pkey"}, nodes
    read = sum(n["Actual Loops"] * (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) for n in nodes if "Relation Name" in n)
    return read, max(node["Actual Loops"] * node["Actual Rows"] for node in nodes)


def put_minutes(schema, count):
    """Of X:A, that many bars of a minute before the first of LEAN:IBM, each like that one."""
    shown = {"instrument": "'X:A'", "start_ns": "start_ns - n * width_ns", "end_ns": "end_ns - n * width_ns", "src_offset": "-n",
             "start_time": "start_time - n * interval '1 minute'", "end_time": "end_time - n * interval '1 minute'"}
    names = [name for (name,) in server.rows(f"select attname from pg_attribute where attrelid = '{schema}.bars'::regclass and attnum > 0"
                                             " and not attisdropped")]
    server.ask(f"insert into {schema}.bars({', '.join(names)}) select {', '.join(shown.get(name, name) for name in names)} from"
               f" (select * from {schema}.bars where instrument = 'LEAN:IBM' and width_ns = 60000000000 order by start_ns limit 1) as b,"
               f" generate_series({count}, 1, -1) as n")
    server.ask(f"vacuum analyze {schema}.bars")


def dashboard_queries():
    """Of deploy/grafana, those of the bars of one instrument, by what they are for."""
    board = json.loads((td.ROOT / "deploy/grafana/dashboards/market.json").read_text(encoding="utf-8"))
    asked = [(panel["title"], panel["targets"][0]["rawSql"]) for panel in board["panels"]]
    asked += [(variable["label"], variable["query"]) for variable in board["templating"]["list"]]
    found = {title: query for title, query in asked if "bars_view where instrument = '$instrument'" in query}
    assert len(found) == 3, found
    return found


@cases.add
def what_people_ask_reads_the_key(home):
    """What a dashboard shows of six hours, and the last bars: of half a year of minutes no more is read than is shown."""
    td.run(alone.config(home, "asked", (alone.LEAN.replace("16:00", "09:40"),)))
    put_minutes("asked", 260000)
    first, last = server.rows("select min(start_ns), max(start_ns) from asked.bars where instrument = 'X:A'")[0]
    span_ns, minutes, told = 6 * 3600 * 10**9, 6 * 60, {}
    values = {"schema": "asked", "instrument": "X:A", "width_ns": str(60 * 10**9)}
    for title, query in dashboard_queries().items():
        for name, end in ("begin", int(first) + span_ns), ("end", int(last)):
            text = re.sub(r"\$__unixEpochNanoFilter\(([\w.]+)\)", rf"\1 >= {end - span_ns} and \1 <= {end}", query)
            told[f"{title}, {name}"] = read_by_key(re.sub(r"\$(\w+)", lambda m: values[m[1]], text))
    told["the last 500"] = read_by_key("select * from asked.bars_view where instrument = 'X:A' and width_ns = 60000000000"
                                       " order by start_ns desc limit 500")
    assert all(max(rows) < 3 * minutes for rows in told.values()), told
    return told


@cases.add
def tables_of_an_older_program(home):
    """They get what it did not know."""
    file = alone.config(home, "older")
    td.run(file)
    counts = alone.expect_equal(home, "older")
    for table in ("bars", "signals", "vendor_bars"):
        server.ask(f"drop view older.{table}_view")
    server.ask("alter table older.bars drop column quality, drop column evidence; alter table older.signals drop column data;"
               "drop table older.fills, older.trades, older.quotes, older.latest, older.instruments, older.rejected, older.quarantine"
               " cascade;"
               "update older.tapedeck_schema set version = 0")
    again = td.run(file)
    assert again["events"] == 0, again
    assert server.rows("select distinct quality, evidence from older.bars") == [["complete", "assumed"]]
    assert server.rows("select count(*) from older.bars_view") == server.rows("select count(*) from older.bars where revision = 0")
    assert server.rows("select version from older.tapedeck_schema") == [["6"]] and server.has("older.fills") and server.has("older.trades")
    return counts


@cases.add
def instruments_of_an_older_program(home):
    """Since when they are there its tables say, also what retention has left of them, and no more is read than that takes."""
    late = alone.feeds.late(pathlib.Path(home) / "late.csv", "2026-02-28T23:59:59.999999999Z,DESK:A,10,1,7,", *alone.LAST)
    file = alone.config(home, "before", (alone.LEAN.replace("16:00", "09:35"), alone.BINANCE, alone.VENDOR, late), ticks=True)
    td.run(file)
    told = sorted(server.rows("select * from before.instruments"))
    server.ask("drop view before.instruments_view, before.orders_view, before.orders; drop table before.instruments;"
               "update before.tapedeck_schema set version = 3")
    code, text = alone.command("check", "--connect", file)
    assert code == 0 and sorted(server.rows("select * from before.instruments")) == told, (code, text)
    return f"{len(told)} instruments"


def put_older_view(schema):
    """bars_view without what version 6 has put behind it."""
    text = "".join(row[0] for row in server.rows(f"select pg_get_viewdef('{schema}.bars_view')"))
    older = re.sub(r",\s+(\w+\.)?width_ns,\s+(\w+\.)?start_ns(?=\s+FROM)", "", text)
    assert older != text, text
    server.ask(f"drop view {schema}.bars_view; create view {schema}.bars_view as {older}")


def granted(schema):
    return server.rows("select table_name, column_name, privilege_type, is_grantable from information_schema.column_privileges where"
                       f" grantee = 'dash' and table_schema = '{schema}' and column_name in ('close', 'state') order by 1, 2, 3")


@cases.add
def what_others_have_upon_views(home):
    """Grants and views of others stay as an upgrade brings new columns; a stranger's relation does, too, and is in the way."""
    file = alone.config(home, "upon", (alone.HOUR,))
    td.run(file)
    put_older_view("upon")
    server.ask("create role dash; grant select on upon.bars_view, upon.orders to dash; grant update(close) on upon.bars_view to dash with"
               " grant option; create view upon.mine as select * from upon.bars_view; update upon.tapedeck_schema set version = 5")
    given, check = granted("upon"), ("check", "--connect", file)
    dependents = "cannot drop view bars_view because other objects depend on it; drop what depends on it"
    assert len(given) == 3, given
    code, text = alone.command(*check)
    assert code == 0 and granted("upon") == given and alone.rows_in("upon", "mine") == alone.rows_in("upon", "bars_view") > 0, (code, text)
    assert server.rows("select max(start_ns) from upon.bars_view") == server.rows("select max(start_ns) from upon.bars")

    server.ask("drop view upon.mine, upon.bars_view; create view upon.bars_view as select close, instrument from upon.bars; grant select on"
               " upon.bars_view to dash; grant update(close) on upon.bars_view to dash with grant option; create view upon.mine as select"
               " * from upon.bars_view; update upon.tapedeck_schema set version = 5")
    code, text = alone.command(*check)
    assert code == alone.EXIT_CONFIG and dependents in text, (code, text)
    server.ask("drop view upon.mine")
    code, text = alone.command(*check)
    assert code == 0 and granted("upon") == given, (code, text, granted("upon"))

    server.ask("drop view upon.orders_view, upon.orders; create view upon.orders as select 1 as theirs;"
               "update upon.tapedeck_schema set version = 4")
    code, text = alone.command(*check)
    assert code == alone.EXIT_CONFIG and "is in the way: rename, move or drop it" in text, (code, text)
    assert server.rows("select theirs from upon.orders") == [["1"]]
    server.ask("drop view upon.orders")
    td.run(file)
    return alone.expect_orders(home, "upon")


def main():
    global server
    with cluster() as server, server.running():
        alone.server = server
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
