"""bench/stores.py - what a store costs: trades of the seeded market from the log into each, beside the bare means on the same rows;
and the newest bars of a year out of the API."""
import pathlib
import subprocess
import sys

from harness import MARKET, PROGRAM, ROOT, new_folder, run, tool

sys.path.insert(0, str(ROOT / "tests/services"))
import postgres as pg  # noqa: E402

ROWS = 1_000_000  # ticks, half of which are trades


def recorded(bench, home, ticks):
    """A log with the market's trades in it."""
    data = home / "data"
    settings = bench.settings(data, f"feeds.0.simulated.ticks={ticks}", "bars=1m", "strategies=[]", "log.publish=trades")
    subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *settings, MARKET], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return data


def configured(home, data, sink):
    """A configuration with that sink, called `store`."""
    file = home / "store.yaml"
    file.write_text(f"feeds:\n  - simulated: {{ seed: 1 }}\nbars: [1m]\nlog: {{ dir: {data}, publish: [trades] }}\n"
                    f"sinks:\n  - {sink}\n", encoding="utf-8")
    return file


def in_turns(bench, sides):
    """{side: [answer, …]} of {side: a function that answers}."""
    answers = {side: [] for side in sides}
    for _ in range(bench.runs):
        for side, once in sides.items():
            answers[side].append(once())
    counts = {answer["rows"] for runs in answers.values() for answer in runs}
    if len(counts) != 1:
        sys.exit(f"stores: not the same rows: {counts}")
    return answers


def rates(bench, answers, names, notes):
    return {side: bench.row("stores", names[side], [r["rows"] / r["seconds"] / 1e3 for r in runs], "k rows/s", notes[side])
            for side, runs in answers.items()}


def beside(bench, what, ratio, least):
    bench.bound(what, f"{ratio:.2f} of it", ratio >= least, f"{least:g} of it")


# ---- SQLite ----

def sqlite(bench, home, data):
    def once(how):
        for path in home.glob("market.db*"):
            path.unlink()
        file = configured(home, data, f"sqlite: {{ name: store, file: {home}/market.db, of: [trades] }}")
        return run([tool("store_bench"), how, file, "store", "trades"], bench.one_core())

    answers = in_turns(bench, {"ours": lambda: once("deliver"), "bare": lambda: once("insert")})
    rate = rates(bench, answers, {"ours": "SQLite, ours", "bare": "SQLite, prepared inserts"},
                 {"ours": f"{answers['ours'][0]['rows']} trades, read from the log; the newest of each instrument; positions",
                  "bare": "what is bound at hand; as many rows a transaction, the same table and settings"})
    beside(bench, "SQLite beside a prepared-insert loop", rate["ours"] / rate["bare"], 0.7)


# ---- PostgreSQL ----

def postgres(bench, home, data):
    if not tool("store_copy").exists():
        bench.missing("stores", "PostgreSQL", "the build found no libpq")
        return
    with pg.postgres(fsync=True) as server:
        def once(command):
            server.ask("drop schema if exists store cascade")
            server.ask("checkpoint")
            file = configured(home, data, f"postgres: {{ name: store, url: \"{server.uri}\", schema: store, of: [trades] }}")
            return run([*command, file, "store", "trades"], set(bench.cores))

        answers = in_turns(bench, {"ours": lambda: once([tool("store_bench"), "deliver"]), "bare": lambda: once([tool("store_copy")])})
        version = server.rows("select split_part(version(), ' ', 2)")[0][0]
    rate = rates(bench, answers, {"ours": "PostgreSQL, ours", "bare": "PostgreSQL, one binary COPY"},
                 {"ours": f"{version}, it syncs: {answers['ours'][0]['rows']} trades, as above; 4096 rows a transaction",
                  "bare": "the same bytes at hand, the same table, one transaction"})
    beside(bench, "PostgreSQL beside a bare binary COPY", rate["ours"] / rate["bare"], 0.7)


def stores(bench):
    with new_folder() as folder:
        home = pathlib.Path(folder)
        data = recorded(bench, home, min(bench.ticks, ROWS))
        sqlite(bench, home, data)
        postgres(bench, home, data)
