#!/usr/bin/env python3
"""tests/e2e/fills.py - fills of paper positions as the API, the command and a sink tell them.

Goal: all three say the same ones, page after page, as JSON and as CSV; what is asked about is all that is told.
"""
import csv
import io
import json
import subprocess
import sys

import dashboard
import tapedeck as td
from ports import free_port

DAY = ['file: { format: lean, path: "examples/data/lean/*.zip", from: "09:30", to: "16:00" }']
CASES = td.Cases()


def fills(data, *options, check=0):
    done = subprocess.run([td.PROGRAM, "fills", "--data", data, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)
    assert done.returncode == check, (options, done.returncode, done.stderr)
    return done.stdout if check == 0 else done.stderr


def pages(server, query):
    """All rows of a question, page before page."""
    path, rows, count = f"/api/v1/fills?{query}", [], 0
    while path:
        page = server.json(path)
        rows, path, count = page["fills"] + rows, page["next"], count + 1
    return rows, count


@CASES.add
def api_command_and_sink_tell_the_same(home):
    data = f"{home}/data"
    td.run(td.config(f"{home}/day.yaml", data, DAY, "[1m]", dashboard.STRATEGIES), timeout=120)
    told = td.rows(data, "fills")
    listed = [json.loads(line) for line in fills(data, "--json").splitlines()]
    assert len(listed) == len(told) > 50, (len(listed), len(told))
    assert sorted(row["signal"] for row in listed) == sorted({row["signal"] for row in listed}), "a signal is filled once"
    with dashboard.Server(home, free_port(), "--set", "speed=max", feeds=DAY) as server:
        dashboard.wait_until("the log is read", lambda: server.json("/api/v1/instruments")["instruments"])
        everything = server.json("/api/v1/fills?limit=5000")["fills"]
        assert everything == listed, "the command and the API"
        ibm = [row for row in listed if row["instrument"] == "LEAN:IBM"]
        rows, count = pages(server, "instrument=LEAN:IBM&limit=7")
        assert rows == ibm and count == -(-len(ibm) // 7), (len(rows), len(ibm), count)
        table = server.get("/api/v1/fills?instrument=LEAN:IBM&format=csv")[2]
        assert list(csv.DictReader(io.StringIO(table))) == [{k: str(v) for k, v in row.items()} for row in ibm]
        assert fills(data, "--instrument", "LEAN:IBM", "--csv") == table, "and as CSV"
        strategy, middle = ibm[0]["strategy"], ibm[len(ibm) // 2]
        known = lambda row: row["known_at_ns"] <= middle["known_at_ns"]  # noqa: E731
        early = lambda row: row["event_ns"] < middle["event_ns"]  # noqa: E731
        for query, options, wanted in (
                (f"strategy={strategy}", ["--strategy", strategy], lambda row: row["strategy"] == strategy),
                (f"to={middle['event_ns']}", ["--to", middle["event_time"]], early),
                (f"from={middle['event_ns']}", ["--from", middle["event_time"]], lambda row: not early(row)),
                (f"as_of={middle['known_at_ns']}", ["--as-of", middle["event_time"]], known)):
            rows = [row for row in listed if wanted(row)]
            assert 0 < len(rows) < len(listed) and pages(server, f"{query}&limit=5000")[0] == rows, query
            assert [json.loads(line) for line in fills(data, *options, "--json").splitlines()] == rows, options
        for query, status in (("instrument=IBM", 400), ("width=1m", 400), ("cursor=5", 400), ("instrument=LEAN:XX", 404)):
            dashboard.wait_until(query, lambda q=query, s=status: server.get(f"/api/v1/fills?{q}")[0] == s)  # once all is read
    assert "VENUE:SYMBOL" in fills(data, "--instrument", "IBM", check=2)
    assert "one --instrument" in fills(data, "--as-of", "@5", check=2)
    position = {}
    for row in listed:
        key = row["strategy"], row["instrument"]
        position[key] = position.get(key, 0) + float(row["quantity"]) * (1 if row["side"] == "buy" else -1)
        assert abs(position[key] - float(row["position"])) < 1e-9, row
    return f"{len(listed)} fills, {len(ibm)} of LEAN:IBM on {count} pages"


if __name__ == "__main__":
    sys.exit(CASES.run())
