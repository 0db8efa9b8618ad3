#!/usr/bin/env python3
"""tests/e2e/sql.py - `tapedeck sql`: what it answers over archive and log is what the log has, each row once: while days are
open, while a run writes, of a log or an archive alone. The examples of its help and of docs/stores.md run as they are.
"""
import csv
import io
import json
import pathlib
import re
import subprocess
import sys

import parquet
import tapedeck as td

EXIT_USAGE, EXIT_CONFIG, EXIT_FAILED = 2, 3, 4
cases = td.Cases()


def ask(home, query, *options, check=0):
    """Rows as dicts of texts, in the folder of a run; of a failure what is said."""
    done = subprocess.run([td.PROGRAM, "sql", "--format", "csv", *options, query], cwd=home, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == check, (query, done.returncode, done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout))) if check == 0 else done.stderr


def expect_once(home, *options, tables=parquet.TABLES):
    """Of each table the places of all rows are the log's, each once."""
    counts = {}
    for table in tables:
        places = sorted((r["partition"], r["offset"]) for r in parquet.cat(home, table))
        got = sorted((int(r["src_partition"]), int(r["src_offset"])) for r in
                     ask(home, f"select src_partition, src_offset from {table}", *options))
        assert got == places, (table, options, len(got), len(places))
        counts[table] = len(got)
    return counts


@cases.add
def archive_and_log(home):
    """Days that are closed, days that are open, and a log that goes on behind the archive."""
    feeds = parquet.write_days(home)
    file = parquet.config(home, feeds)
    td.run(file)
    counts = expect_once(home, "--config", file)
    assert expect_once(home) == counts, "the log alone"
    archived = {table: count for table, count in counts.items() if count > 0}
    for table, count in archived.items():
        assert ask(home, f"select count(*) as n from {table}", "--archive", "archive") == [{"n": str(count)}], table
    process = td.start(parquet.config(home, [*feeds, parquet.DEMO[0]]), "--set", "speed=20x")  # it has the archive to itself
    try:
        td.wait_for(lambda: len(parquet.cat(home, "quotes")) > 500 or process.poll() is not None, "quotes", 60)
        row = ask(home, "select count(*) as n, count(distinct (src_partition, src_offset)) as places from quotes", "--config", file)[0]
        live = int(row["n"])
        assert process.poll() is None and live > 500 and int(row["places"]) == live, (process.poll(), row)
    finally:
        td.kill(process)
    expect_once(home, "--config", file, tables=("bars", "trades", "quotes"))
    return f"{counts}, then {live} quotes of a run that writes"


@cases.add
def every_column(home):
    """From the log and from the archive a row has the same columns, types and values."""
    file = parquet.config(home, parquet.write_days(home))
    td.run(file)
    for table in ("bars", "gaps", "trades"):
        shapes = [ask(home, f"describe {table}", *options) for options in ((), ("--archive", "archive"))]
        assert shapes[0] == shapes[1] and len(shapes[0]) > 15, (table, shapes)
        order = f"from {table} order by src_partition, src_offset"
        log, archive = ask(home, order), ask(home, order, "--archive", "archive")
        assert log == archive and len(log) > 1000, (table, len(log), len(archive))
    by_json = [json.loads(line) for line in subprocess.run(
        [td.PROGRAM, "sql", "--format", "json", "select price, size, event_ns, instrument, null as x from trades order by all limit 3"],
        cwd=home, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
    assert len(by_json) == 3 and isinstance(by_json[0]["event_ns"], int) and by_json[0]["x"] is None, by_json
    assert re.fullmatch(r"\d+\.\d{9}", by_json[0]["price"]), by_json
    return "3 tables"


@cases.add
def refused(home):
    td.run(parquet.config(home, parquet.write_days(home, days=1)))
    for query, said in (("selec 1", "syntax error at or near"), ("select nothing from bars", "nothing"),
                        ("drop view bars", "only what reads is run"), ("copy bars to 'x.csv'", "only what reads is run"),
                        ("select 1; select 2", "one query is expected")):
        answer = ask(home, query, check=EXIT_USAGE)
        assert said in answer and answer.startswith("tapedeck sql: "), (query, answer)
    assert "select nothing from bars" in ask(home, "select nothing from bars", check=EXIT_USAGE), "without the place"
    for shape in ("table", "csv", "json"):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([td.PROGRAM, "sql", "--format", shape, "from bars"], cwd=home, stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        assert done.returncode == EXIT_FAILED and "the answer cannot be written: No space left" in done.stderr, (shape, done)
    for function in ("enable_logging(storage_path = 'logs')", "enable_profiling(save_location = 'x.json', format = 'json')"):
        assert "only what reads is run" in ask(home, f"select count(*) from {function}", check=EXIT_USAGE), function
    for folder, made, said in (("a\\b", "bars", "has a backslash"), ("none", None, "there is no such folder"),
                               ("empty", ".", "none of its folders"), ("avro", "bars", "its files are Avro")):
        if made is not None:
            (pathlib.Path(home) / folder / made).mkdir(parents=True)
        if folder == "avro":
            (pathlib.Path(home) / "avro" / ".open.avro.db").touch()
        for log in ((), ("--data", "data")):
            assert said in ask(home, "from bars", "--archive", folder, *log, check=EXIT_CONFIG), (folder, log)
    ask(home, "from bars", "--data", "nowhere", check=EXIT_CONFIG)
    ask(home, "from bars", "--format", "xml", check=EXIT_USAGE)
    return "21 answers"


@cases.add
def the_examples(home):
    file = parquet.config(home, parquet.write_days(home, days=2))
    file.rename(f"{home}/market.yaml")
    td.run(f"{home}/market.yaml")
    told = subprocess.run([td.PROGRAM, "sql", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    documented = (td.ROOT / "docs" / "stores.md").read_text(encoding="utf-8")
    commands = re.findall(r"^ *(tapedeck sql .*)$", told + documented, re.MULTILINE)
    commands = [command for command in commands if "QUERY" not in command]
    assert len(commands) == 6, commands
    for command in commands:
        done = subprocess.run(command.replace("tapedeck", str(td.PROGRAM), 1), shell=True, cwd=home, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 0 and (">" in command or len(done.stdout.splitlines()) > 1), (command, done.stderr, done.stdout)
    return f"{len(commands)} commands"


if __name__ == "__main__":
    if subprocess.run([td.ROOT / "scripts" / "fetch_duckdb.sh"], check=False).returncode != 0:
        print("DuckDB's library is not to be had here")
        sys.exit(77)
    sys.exit(cases.run())
