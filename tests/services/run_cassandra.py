#!/usr/bin/env python3
"""tests/services/run_cassandra.py - results in tables of a real Cassandra, read by a driver that others wrote: as many rows as the
log has outputs, each equal to its record, whoever dies: the run or a rebuild by kill -9, or the node in mid-write, each TAPEDECK_KILLS
times. The node asks for a login, and encrypts for those who want it."""
import contextlib
import datetime
import decimal
import json
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import cassandra.auth  # noqa: E402
import cassandra.cluster  # noqa: E402
import cassandra.query  # noqa: E402
import refused  # noqa: E402
import tapedeck as td  # noqa: E402
from cassandra_node import PASSWORD, USER, Cassandra  # noqa: E402
from kills import KILLS, slowed  # noqa: E402

DATA = td.ROOT / "examples" / "data"
RATIO = 60
FEEDS = [f'file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: {RATIO}, from: "09:30", to: "09:34" }}',
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
VENDOR = f'file: {{ format: alphavantage, path: "{DATA}/alphavantage/MSFT_1min_2*" }}'
NEWS = """\
time,instrument,headline,sentiment,source,url,id
2026-03-02T14:30:10.5Z,X:A,"Up, and ""away\""",0.25,wire,https://x/1,n1
2026-03-02T14:30:11Z,X:A,Down,-0.5,,,n2
2026-03-02T14:30:13Z,,The world,,,,
"""
GAPS = [("DESK:A", "desk", 1, "open", "session", 5, -1, -1, 0), ("DESK:A", "desk", 1, "filled", "ids", 5, 9, 3, 2)]
ALL = "of: [bars, signals, fills, gaps, vendor_bars, trades, quotes, news]"
TABLES = {"bars": "bars", "signals": "signals", "fills": "trade_log", "gaps": "gaps", "vendor_bars": "vendor_bars", "trades": "ticks",
          "quotes": "book_updates", "news": "news"}
WORD = "CASSANDRA_WORD"  # a variable
os.environ[WORD] = PASSWORD
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
EXIT_USAGE, EXIT_CONFIG, EXIT_UNFINISHED, EXIT_CUT_OFF = 2, 3, 5, 6
cases = td.Cases()
node = Cassandra(password=True, tls="optional")


@contextlib.contextmanager
def reading():
    """The driver's session; a node that was away is asked until it answers."""
    cluster = cassandra.cluster.Cluster(["127.0.0.1"], port=node.port, protocol_version=4,
                                        auth_provider=cassandra.auth.PlainTextAuthProvider(USER, PASSWORD))
    cluster.connect_timeout = cluster.control_connection_timeout = 30
    try:
        found = cluster.connect()
        found.default_timeout = 60
        found.row_factory = cassandra.query.dict_factory
        yield found
    finally:
        cluster.shutdown()


def config(home, sink, feeds=(FEEDS[0],), user=USER, nodes=None):
    pathlib.Path(home).mkdir(exist_ok=True)
    text = td.config(f"{home}/run.yaml", f"{home}/data", feeds, bars="[1s, 1m]", strategies=[td.ROOT / "strategies/momentum.td"],
                     partitions=3, sink=False, extra=f"sinks:\n  - cassandra: {{ nodes: {json.dumps(nodes or [node.address])},"
                          f" user: {user}, password: \"${{{WORD}}}\", {sink} }}\n")
    text.write_text(text.read_text().replace("log: { ", "log: { publish: [trades, quotes, news], "))
    return text


def logged(data, topic):
    """{(partition, offset): the record's JSON}"""
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], check=True, stdout=subprocess.PIPE, text=True)
    return {(line["partition"], line["offset"]): line for line in map(json.loads, done.stdout.splitlines())}


def expect_row(name, row, record):
    """Every field of the record that the table has is there, in its own words."""
    value, compared = record["value"], 0
    for field, said in value.items():
        if field not in row or field in ("instrument", "schema"):
            continue
        got = row[field]
        if isinstance(got, decimal.Decimal):
            said = None if said is None else decimal.Decimal(said)
        if isinstance(got, datetime.datetime):
            got = round(got.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
        if field == "side" and said == "unknown":
            said = None
        assert got == said or (said is None and got in (None, "")), (name, field, got, said)
        compared += 1
    if name == "vendor_bars":  # has words of its own for these
        assert (row["end_ns"], row["known_at_ns"]) == (value["event_ns"], value["receive_ns"]), (row, value)
    if "ord" in row and name in ("ticks", "book_updates", "news"):
        assert row["ord"] == int(record["cause"].split("/")[3]), (row["ord"], record["cause"])  # its place on the tape
    return compared


def expect_tables(asked, keyspace, data):
    """One row for each record, and no other; returns how many fields were compared."""
    fields, rows = 0, {}
    for topic, table in TABLES.items():
        wanted = logged(data, topic)
        got = {}
        for row in asked.execute(f"SELECT * FROM {keyspace}.{table}"):
            place = row["src_partition"], row["src_offset"]
            assert place not in got, (SEED, table, place)
            got[place] = row
        assert got.keys() == wanted.keys(), (SEED, table, len(got), len(wanted), sorted(got.keys() ^ wanted.keys())[:3])
        rows[topic] = len(got)
        fields += sum(expect_row(table, row, wanted[place]) for place, row in got.items())
    assert sum(rows.values()) > 1000 and fields > 5 * sum(rows.values()), (rows, fields)
    return rows


@cases.add
def a_run(home):
    (pathlib.Path(home) / "news.csv").write_text(NEWS, encoding="utf-8")
    feeds = [*FEEDS, VENDOR, f"file: {{ format: csv, path: {home}/news.csv }}"]
    file = config(home, f'{ALL}, keyspace: financial_data, symbol_table: "stock_{{symbol}}", ttl: 3650d, window: 7d', feeds)
    td.run(file)
    td.put_gaps(f"{home}/data", GAPS)
    td.run(file)
    with reading() as asked:
        said = expect_tables(asked, "financial_data", f"{home}/data")
        assert said["gaps"] == len(GAPS) and said["news"] == 3 and said["vendor_bars"] > 10000, said
        asked.execute("USE financial_data")
        stocks = list(asked.execute("SELECT * FROM stock_IBM LIMIT 10"))
        assert len(stocks) == 10 and {row["instrument"] for row in stocks} == {"LEAN:IBM"}, stocks[:1]
        of_all = {(r["width_ns"], r["start_ns"], r["revision"]): r for r in asked.execute("SELECT * FROM bars")
                  if r["instrument"] == "LEAN:IBM"}
        own = {(r["width_ns"], r["start_ns"], r["revision"]): r for r in asked.execute("SELECT * FROM stock_IBM")}
        assert own == of_all and len(own) > 100, (len(own), len(of_all))
        newest = list(asked.execute("SELECT start, revision FROM bars WHERE instrument = 'LEAN:IBM' AND width_ns = 60000000000"
                                    " AND year = 2013 LIMIT 3"))
        assert [row["start"] for row in newest] == sorted((row["start"] for row in newest), reverse=True) and len(newest) == 3
        day = datetime.date(2013, 10, 7)
        ticks = list(asked.execute("SELECT event_time, event_ns, ord FROM ticks WHERE instrument = 'LEAN:IBM' AND day = %s", [day]))
        assert ticks and all(row["event_ns"] // 1000000 == round(row["event_time"].replace(tzinfo=datetime.timezone.utc).timestamp() * 1e3)
                             for row in ticks)
        options = asked.execute("SELECT default_time_to_live, compaction FROM system_schema.tables WHERE keyspace_name ="
                                " 'financial_data' AND table_name = 'ticks'").one()
        assert options["default_time_to_live"] == 3650 * 86400 and options["compaction"]["compaction_window_size"] == "7", options
        expect_latest(asked, "financial_data", f"{home}/data")
    again = td.run(config(home, f"{ALL}, keyspace: financial_data", feeds))
    assert again["rows"] == 0, again
    return said


def expect_latest(asked, keyspace, data):
    """The newest trade of each instrument: by its time, of one time by its place."""
    last = {}
    for _, line in sorted(logged(data, "trades").items()):
        key = line["key"]
        if key not in last or line["value"]["event_ns"] >= last[key]["event_ns"]:
            last[key] = line["value"]
    got = {row["instrument"]: row for row in asked.execute(f"SELECT * FROM {keyspace}.latest")}
    assert got.keys() == last.keys() and len(got) > 2, (got.keys(), last.keys())
    for name, row in got.items():
        assert (row["event_ns"], row["price"]) == (last[name]["event_ns"], decimal.Decimal(last[name]["price"])), (name, row, last[name])


def places(asked, keyspace):
    """How far the sink is; [] where its table is still to be made, None where the node does not say."""
    try:
        return sorted(map(str, asked.execute(f"SELECT * FROM {keyspace}.positions")))
    except cassandra.InvalidRequest:
        return []
    except (cassandra.DriverException, cassandra.cluster.NoHostAvailable):
        return None


def writes(asked, keyspace, process):
    """It is in the middle of it."""
    said = []
    td.wait_for(lambda: said.append(places(asked, keyspace)) or said[-1] is not None or process.poll() is not None, "what is there", 60)
    td.wait_for(lambda: places(asked, keyspace) not in (None, said[-1]) or process.poll() is not None, "a batch", 60)


def paced(file, speed):
    """A run at that speed, or slower where there are more kills."""
    return td.start(file, "--set", f"speed={slowed(speed)}")


def kill_often(file, keyspace, speed):
    """Where it writes there; then it runs to its end. Returns how often it was killed."""
    rng, alive = random.Random(SEED), 0
    for _ in range(KILLS):
        process = paced(file, speed)
        with reading() as asked:
            writes(asked, keyspace, process)
        time.sleep(rng.uniform(0, 0.1))
        alive += process.poll() is None
        td.kill(process)
    td.run(file)
    assert alive == KILLS, (SEED, alive)
    return f"killed {alive} times (seed {SEED})"


@cases.add
def killed_and_gone_on(home):
    said = kill_often(config(home, f"{ALL}, keyspace: killed, in_flight: 2"), "killed", 0.05)
    with reading() as asked:
        rows = expect_tables(asked, "killed", f"{home}/data")
        expect_latest(asked, "killed", f"{home}/data")
    return f"{said}, {rows}"


@cases.add
def what_was_refused(home):
    """As `tapedeck log cat` tells it, and bytes as they stood in the file, in spite of kills."""
    said = kill_often(config(home, "keyspace: refused, in_flight: 2", refused.files(home, 10000)), "refused", 10)
    counts = {}
    with reading() as asked:
        for topic in refused.TOPICS:
            rows = [{name: cell(name, value, row) for name, value in row.items()}
                    for row in asked.execute(f"SELECT * FROM refused.{topic}")]
            assert all(row["ord"] == row["src_offset"] for row in rows), rows[:1]
            counts[topic] = refused.expect_rows(home, topic, [row | {"ord": row.get("tape_ord")} for row in rows], leaves=("flags",))
        day = asked.execute("SELECT DISTINCT feed, day FROM refused.rejected").one()
        newest = [row["receive_ns"] for row in asked.execute("SELECT receive_ns FROM refused.rejected WHERE feed = %s AND day = %s",
                                                             [day["feed"], day["day"]])]
        assert newest == sorted(newest, reverse=True) and len(newest) > 100
    assert all(count > 300 for count in counts.values()), (SEED, counts)
    return f"{said}, {counts}"


def cell(name, value, row):
    """As the log writes it."""
    if name == "side" and value is None and row["kind"] == "trade":
        return "unknown"
    return refused.plain(f"{value:f}") if isinstance(value, decimal.Decimal) else value


@cases.add
def the_node_dies(home):
    """In mid-write; the run goes on meanwhile, and again when it is back; the next one to its end."""
    run, rng = paced(config(home, f"{ALL}, keyspace: dies, in_flight: 2"), 0.002), random.Random(SEED)  # as long as nodes need to start
    for n in range(KILLS):
        with reading() as asked:
            writes(asked, "dies", run)
        time.sleep(rng.uniform(0, 0.3))
        node.kill()
        ended = run.poll()
        node.start()  # whatever comes of this one: the others need it
        assert ended is None, (SEED, n, run.communicate())
    run.terminate()
    out, err = run.communicate(timeout=300)
    assert run.returncode in (EXIT_UNFINISHED, EXIT_CUT_OFF) and "tried again until it works" in err, (SEED, run.returncode, out, err)
    td.run(config(home, f"{ALL}, keyspace: dies"))
    with reading() as asked:
        return f"{expect_tables(asked, 'dies', home + '/data')} (killed {KILLS} times, seed {SEED})"


@cases.add
def a_rebuild_that_is_killed(home):
    """In its middle, once and once more; the next one, or the next run, leaves what was there before."""
    file, rng, cut = config(home, f"{ALL}, keyspace: rebuilt, in_flight: 2"), random.Random(SEED), 0
    td.run(file)
    with reading() as asked:
        def rows():
            return asked.execute("SELECT count(*) FROM rebuilt.bars").one()["count"]
        before = expect_tables(asked, "rebuilt", f"{home}/data")
        for n in range(KILLS):
            words, stood = [td.PROGRAM, "rebuild", "cassandra", "--config", file], rows()
            with subprocess.Popen(words, cwd=td.ROOT, stdout=subprocess.DEVNULL) as process:
                before_that = (stood, 0) if n % 2 else (stood,)  # whole tables: as it empties them; then in the middle of filling
                td.wait_for(lambda run=process, had=before_that: rows() not in had or run.poll() is not None, "other rows", 60)
                time.sleep(rng.uniform(0, 0.1))
                cut += process.poll() is None
                td.kill(process)
            if n % 2:
                td.run(file)
                assert expect_tables(asked, "rebuilt", f"{home}/data") == before
        code, text = command("rebuild", "cassandra", "--config", file)
        assert code == 0 and expect_tables(asked, "rebuilt", f"{home}/data") == before, (code, text)
    assert cut == KILLS, (SEED, cut)
    return f"killed {cut} times (seed {SEED}): {before}"


def tell_trade(home, number, price):
    """A log of its own, of one trade of X:A, so many nanoseconds behind the second; its sink has the same tables as the others."""
    own = pathlib.Path(home) / str(number)
    own.mkdir()
    row = f"2026-03-02T14:30:10.00000000{number}Z,X:A,{price},1"
    (own / "trade.csv").write_text(f"time,instrument,price,size\n{row}\n", encoding="utf-8")
    td.run(config(own, f"of: [trades], keyspace: newest, name: s{number}", [f"file: {{ format: csv, path: {own}/trade.csv }}"]))


@cases.add
def the_newest_is_newest_by_its_own_time(home):
    """Not by the clock of whoever writes it: what is older loses, however late it comes; and what is newer wins, with
    whatever stamps those before it were told."""
    tell_trade(home, 2, 10)

    def latest():
        return asked.execute("SELECT event_ns, price, ord, writetime(price) AS stamp FROM newest.latest WHERE instrument = 'X:A'").one()

    with reading() as asked:
        told = latest()
        assert told["price"] == 10 and told["stamp"] == told["event_ns"], told
        put = "INSERT INTO newest.latest (instrument, event_ns, price, ord) VALUES ('X:A', %s, %s, %s)"
        asked.execute(put, [told["event_ns"] - 1, decimal.Decimal(9), told["ord"]])  # stamped by the clock, as of now
        assert latest() == told, latest()
        asked.execute(f"{put} USING TIMESTAMP %s", [told["event_ns"], decimal.Decimal(10), told["ord"], told["event_ns"] + 500])
        tell_trade(home, 1, 9)
        tell_trade(home, 3, 11)
        now = latest()
        assert now["price"] == 11 and now["event_ns"] == told["event_ns"] + 1 and now["stamp"] == told["event_ns"] + 501, now
    return now["stamp"]


def command(*words):
    """Exit code and what it said."""
    done = subprocess.run([td.PROGRAM, *words], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=120)
    return done.returncode, done.stdout


def check(file):
    return command("check", "--connect", file)


@cases.add
def made_once_more(home):
    """Emptied and filled, own tables, too; set back, what is there is written again; not where another sink has rows."""
    file = config(home, 'of: [bars, trades], keyspace: once_more, symbol_table: "own_{symbol}"')
    td.run(file)
    with reading() as asked:
        def rows():
            tables = ("bars", "ticks", "own_IBM", "positions", "latest")
            return {table: sorted(map(str, asked.execute(f"SELECT * FROM once_more.{table}"))) for table in tables}
        before = rows()
        assert min(map(len, before.values())) > 1 and len(before["ticks"]) > 1000, {table: len(had) for table, had in before.items()}
        for table in ("ticks", "own_IBM"):
            asked.execute(f"TRUNCATE once_more.{table}")
        asked.execute("INSERT INTO once_more.bars (instrument, width_ns, year, start, revision, start_ns) VALUES ('X:Y', 1, 1, 1, 1, 1)")
        asked.execute("INSERT INTO once_more.own_IBM (instrument, width_ns, year, start, revision, start_ns) VALUES ('X:Y', 1, 1, 1, 1, 1)")
        code, said = command("rebuild", "cassandra", "--config", file)
        assert code == 0 and rows() == before, (code, said, {table: len(had) for table, had in rows().items()})
        asked.execute("TRUNCATE once_more.ticks")
        code, said = command("positions", "reset", "cassandra", "--config", file, "--to", "beginning")
        assert code == 0 and "come again" in said, (code, said)
        td.run(file)
        assert rows() == before
        other = pathlib.Path(home) / "other.yaml"
        other.write_text(file.read_text().replace("keyspace: once_more", "keyspace: once_more, name: second"))
        code, said = command("rebuild", "second", "--config", other)
        assert code == EXIT_CONFIG and "holds the rows of sink" in said and rows() == before, (code, said)
    return {table: len(had) for table, had in before.items()}


@cases.add
def looked_at_before_a_run(home):
    """Login, permissions and tables, which are made; no row is written."""
    code, text = check(config(home, "keyspace: looked_at", nodes=["127.0.0.1:1", node.address]))  # nobody is at the first
    assert code == 0, (code, text)
    with reading() as asked:
        tables = [row["table_name"] for row in
                  asked.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'looked_at'")]
        assert sorted(tables) == sorted([*TABLES.values(), *refused.TOPICS, "latest", "positions"]), tables
        asked.execute(f"CREATE ROLE guest WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
        os.environ[WORD] = "another"
        code, text = check(config(home, "keyspace: looked_at"))
        os.environ[WORD] = PASSWORD
        assert code == EXIT_CONFIG and "incorrect" in text, (code, text)
        told = []
        for keyspace, word, grants in (("not_there", "CREATE", ()),
                                       ("looked_at", "SELECT permission on <table looked_at.latest>", ["SELECT ON KEYSPACE looked_at"]),
                                       ("looked_at", "MODIFY permission on <table looked_at.bars>",
                                        [f"MODIFY ON looked_at.{table}" for table in tables if table != "gaps"]),
                                       ("looked_at", "MODIFY permission on <table looked_at.gaps>", ["MODIFY ON looked_at.gaps"])):
            file = config(home, f"keyspace: {keyspace}", user="guest")
            td.wait_for(lambda now=file, then=word: then in check(now)[1], word, 30)  # nodes remember permissions for a while
            code, text = check(file)
            assert code == EXIT_CONFIG and word in text, (word, code, text)
            for grant in grants:
                asked.execute(f"GRANT {grant} TO guest")
            told.append(word)
        td.wait_for(lambda: check(file)[0] == 0, "all permissions", 30)
        assert all(asked.execute(f"SELECT count(*) FROM looked_at.{table}").one()["count"] == 0 for table in tables)
    return told


@cases.add
def encrypted(home):
    """As the node sees it; a certificate that nobody vouches for is refused."""
    run = paced(config(home, f"keyspace: encrypted, tls: true, ca: {node.ca_file}"), 8)
    with reading() as asked:
        writes(asked, "encrypted", run)
        ours = [row for row in asked.execute("SELECT * FROM system_views.clients") if row["driver_name"] == "tapedeck"]
        assert ours and all(row["ssl_enabled"] and row["username"] == USER for row in ours) and run.poll() is None, ours
    td.kill(run)
    code, text = check(config(home, "keyspace: encrypted, tls: true"))
    assert code == EXIT_CONFIG and "certificate" in text, (code, text)
    return ours[0]["ssl_cipher_suite"]


@cases.add
def what_cannot_be(home):
    told = []
    for sink, word in (('keyspace: "a b"', "keyspace"), ("symbol_table: x-y", "names of tables"),
                       ("symbol_table: _x", "begins with a letter"), ("of: [orders]", 'nothing is called "orders"')):
        code, text = run_to_the_end(config(home, sink, FEEDS[:1]))
        assert code == (EXIT_USAGE if "of:" in sink else EXIT_CONFIG) and word in text, (sink, code, text)
        told.append(word)
    with reading() as asked:  # others made a table of that name, with something else in it
        asked.execute("CREATE KEYSPACE changed WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        asked.execute("CREATE TABLE changed.bars (a int PRIMARY KEY)")
    code, text = run_to_the_end(config(home, "keyspace: changed", FEEDS[:1]))
    assert code == EXIT_CONFIG and "bars" in text and "column" in text.lower(), (code, text)
    return told + [text.splitlines()[-1]]


def run_to_the_end(file):
    """Exit code and what it said."""
    done = subprocess.run([td.PROGRAM, "run", "--until-end", "--quiet", file], cwd=td.ROOT, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=120)
    return done.returncode, done.stderr


def main():
    with node.alive():
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
