#!/usr/bin/env python3
"""tests/services/run_connect.py - Kafka Connect takes published topics elsewhere: as lines into a file, and into tables of
PostgreSQL by Debezium's JDBC sink, from Avro with a registry and from JSON without one. Rows are what tapedeck says of
the newest revision of each bar; what is sent twice is there once.
"""
import decimal
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import apicurio  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker  # noqa: E402
from connect import AVRO_CONVERTER, Worker  # noqa: E402
from day import Day, compare  # noqa: E402
from postgres import postgres  # noqa: E402

KEY = ("instrument", "width_ns", "start_ns")
DECIMALS = ("open", "high", "low", "close", "vwap", "volume", "notional")
CONNECT_TYPES = {"string": "string", "long": "int64", "int": "int32"}
cases = td.Cases()
broker = registry = worker = database = day = None


def ends_of(name):
    """Where each partition's last record ends."""
    return {(day.topic(name), line["partition"]): line["offset"] + 1 for line in day.records(name)}


def without_a_registry():
    """How JsonConverter learns of fields: Connect's words for those of schemas/Bar.avsc, decimals as the texts they are."""
    fields = json.loads((td.ROOT / "schemas/Bar.avsc").read_text(encoding="utf-8"))["fields"]
    rows = [{"field": f["name"], "optional": False,
             "type": "string" if f["name"] in DECIMALS else CONNECT_TYPES[f["type"] if isinstance(f["type"], str) else f["type"]["type"]]}
            for f in fields]
    return {"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
            "value.converter.schema.content": json.dumps({"type": "struct", "optional": False, "fields": rows})}


def by_a_registry():
    """Apicurio's converter asks by Apicurio's own API; its ids are those that Confluent's API gives."""
    return {"value.converter": AVRO_CONVERTER,
            "value.converter.apicurio.registry.url": f"http://127.0.0.1:{registry.port}/apis/registry/v2",
            "value.converter.apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
            "value.converter.apicurio.registry.use-id": "contentId", "value.converter.apicurio.registry.headers.enabled": "false"}


def sink(name, table, converter):
    return {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "topics": day.topic(name),
            "connection.url": database.url, "connection.username": "tape", "connection.password": "tape",
            "collection.name.format": table, "insert.mode": "upsert", "primary.key.mode": "record_value",
            "primary.key.fields": ",".join(KEY), "schema.evolution": "basic"} | converter


def wanted_rows():
    """{key: decimals and counts} of the newest revision of each bar; there are older ones."""
    bars, rows = [line["value"] for line in day.records("bars")], {}
    for bar in bars:
        rows[bar["instrument"], bar["width_ns"], bar["start_ns"]] = [
            *(decimal.Decimal(bar[name]) for name in DECIMALS), bar["trade_count"], bar["revision"], bar["quality"]]
    assert len(rows) < len(bars), len(bars)
    return rows


def rows_of(table):
    names = ", ".join((*KEY, *DECIMALS, "trade_count", "revision", "quality"))
    rows = {(i, int(w), int(s)): [*map(decimal.Decimal, rest[:len(DECIMALS)]), int(rest[-3]), int(rest[-2]), rest[-1]]
            for i, w, s, *rest in database.rows(f"select {names} from {table}")}
    assert database.rows(f"select count(*) from {table}") == [[str(len(rows))]], f"{table} has rows of older revisions"
    return rows


def into_a_table(name, table, converter):
    worker.make(table, sink(name, table, converter))
    worker.await_read(table, ends_of(name))
    wanted = wanted_rows()
    compare(rows_of(table), wanted, table)
    one = next(iter(wanted))
    database.ask(f"update {table} set open = high where instrument = '{one[0]}'; delete from {table} where instrument <> '{one[0]}'")
    worker.make(f"{table}_again", sink(name, table, converter))
    worker.await_read(f"{table}_again", ends_of(name))
    return f"{compare(rows_of(table), wanted, f'{table}, sent twice')} rows"


@cases.add
def lines_into_a_file(home):
    worker.make("file", {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": f"{home}/bars",
                         "topics": day.topic("bars_json")})
    worker.await_read("file", ends_of("bars_json"))
    got = sorted(json.dumps(json.loads(line)) for line in pathlib.Path(f"{home}/bars").read_text(encoding="utf-8").splitlines())
    wanted = sorted(json.dumps(line["value"]) for line in day.records("bars_json"))
    return f"{compare(got, wanted, 'lines')} lines"


@cases.add
def avro_into_postgresql(_):
    said = into_a_table("bars", "bars_of_avro", by_a_registry())
    types = dict(database.rows("select column_name, data_type from information_schema.columns where table_name = 'bars_of_avro'"))
    assert {types[name] for name in DECIMALS} == {"numeric"}, types
    return said


@cases.add
def json_into_postgresql(_):
    return into_a_table("bars_json", "bars_of_json", without_a_registry())


def main():
    global broker, registry, worker, database, day
    with td.folder() as home:
        broker, registry = Broker(f"{home}/broker"), apicurio.Server(home)
        with broker.running(), registry.running(), postgres() as database:
            registry.client().register("of-another", '"int"')  # no id of ours is as in a folder
            day = Day(f"{home}/day", broker.address, f"log.registry={registry.url}")
            worker = Worker(f"{home}/connect", broker)
            with worker.running():
                return cases.run()


if __name__ == "__main__":
    sys.exit(main())
