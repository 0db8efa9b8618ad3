#!/usr/bin/env python3
"""tests/services/run_flink.py - Flink SQL reads published topics: every bar as Avro, by the registry of tapedeck itself, which
Flink asks with Confluent's own client; every bar as JSON; and minutes summed up of trades. What it says is what tapedeck says.
"""
import decimal
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import fetch  # noqa: E402
import jvm  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import one_broker  # noqa: E402
from day import Day, compare, minutes_of, read_by  # noqa: E402

VERSION = "2.0.0"
FLINK = [*(("org.apache.flink", name, VERSION) for name in
           ("flink-table-planner_2.12", "flink-clients", "flink-connector-base", "flink-json", "flink-sql-avro-confluent-registry")),
         ("org.apache.flink", "flink-sql-connector-kafka", "4.0.1-2.0"), ("org.slf4j", "slf4j-simple", "1.7.36")]
OPENED = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang", "java.util", "java.time", "java.math")]
PLACE = "`partition` INT METADATA, `offset` BIGINT METADATA, headers MAP<STRING, BYTES> METADATA"
DECIMALS = {"open": 9, "high": 9, "low": 9, "close": 9, "vwap": 9, "volume": 8, "notional": 17}
TEXTS = ("instrument", "quality", "width")
NUMBERS = ("width_ns", "start_ns", "trade_count", "revision")
NAMES = (*TEXTS, *NUMBERS, *DECIMALS)
cases = td.Cases()
broker = day = None


def table(topic, columns, *options):
    """A statement: the whole topic as a table."""
    with_ = ["'connector' = 'kafka'", f"'topic' = '{day.topic(topic)}'", f"'properties.bootstrap.servers' = '{broker.address}'",
             "'properties.isolation.level' = 'read_committed'", "'scan.startup.mode' = 'earliest-offset'",
             "'scan.bounded.mode' = 'latest-offset'", *options]
    return f"CREATE TABLE {topic} ({', '.join(columns)}) WITH ({', '.join(with_)});\n"


def bars_of(topic, kind, *options):
    """Statements: the topic as a table whose decimals are `kind` of their scale, and all its rows."""
    columns = [*(f"`{name}` STRING" for name in TEXTS), *(f"`{name}` BIGINT" for name in NUMBERS if name != "revision"),
               "revision INT", *(f"`{name}` {kind(scale)}" for name, scale in DECIMALS.items())]
    rows = ", ".join(f"`{name}`" for name in NAMES)
    return (table(topic, [PLACE, *columns], *options) +
            f"SELECT `partition`, `offset`, DECODE(headers['cause'], 'UTF-8'), {rows} FROM {topic};\n")


def answers(home, statements):
    """Rows of texts of Flink's queries."""
    pathlib.Path(f"{home}/statements.sql").write_text(statements, encoding="utf-8")
    command = jvm.program("Sql", fetch.jars(f"flink-{VERSION}", FLINK), home)
    command[1:1] = OPENED
    return [line.split("\t") for line in read_by([*command, f"{home}/statements.sql"]).splitlines()]


def bar(partition, offset, cause, *fields):
    """Comparable, whoever says it."""
    named = dict(zip(NAMES, fields))
    return (int(partition), int(offset), cause, *(named[name] for name in TEXTS), *(int(named[name]) for name in NUMBERS),
            *(decimal.Decimal(named[name]) for name in DECIMALS))


def same_bars(home, topic, statements):
    got = sorted(bar(*row[1:]) for row in answers(home, statements))
    wanted = [bar(line["partition"], line["offset"], line["cause"], *(line["value"][name] for name in NAMES))
              for line in day.records(topic)]
    return f"{compare(got, wanted, topic)} bars"


@cases.add
def avro_by_our_registry(home):
    with day.registry() as url:
        return same_bars(home, "bars", bars_of("bars", lambda scale: f"DECIMAL({19 if scale == 9 else 38}, {scale})",
                                               "'format' = 'avro-confluent'", f"'avro-confluent.url' = '{url}'"))


@cases.add
def json_without_one(home):
    return same_bars(home, "bars_json", bars_of("bars_json", lambda _: "STRING", "'format' = 'json'"))


@cases.add
def minutes_of_trades(home):
    columns = ["instrument STRING", "event_ns BIGINT", "price STRING", "size STRING"]
    price, size = "CAST(price AS DECIMAL(18, 9))", "CAST(size AS DECIMAL(18, 8))"  # of 19 digits the product would be rounded
    rows = answers(home, table("trades_json", columns, "'format' = 'json'") +
                   f"SELECT instrument, event_ns / 60000000000 * 60000000000, COUNT(*), MIN({price}), MAX({price}), SUM({size}), "
                   f"SUM({price} * {size}) FROM trades_json GROUP BY instrument, event_ns / 60000000000;\n")
    got = {(row[1], int(row[2])): [int(row[3]), *map(decimal.Decimal, row[4:])] for row in rows if row[0] != "-U"}
    wanted = minutes_of(line["value"] for line in day.records("trades_json"))
    return f"{compare(got, wanted, 'minutes')} minutes of {sum(row[0] for row in wanted.values())} trades"


def main():
    global broker, day
    with one_broker() as broker, td.folder() as home:
        day = Day(f"{home}/day", broker.address)
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
