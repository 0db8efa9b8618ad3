#!/usr/bin/env python3
"""tests/services/run_readers.py - programs of others read the published topics of a log on a real broker: kcat, Kafka's
console consumer, Confluent's Python client and a program of Kafka Streams get every record that tapedeck says is there, with
its place, key and cause, and no other.
"""
import contextlib
import datetime
import decimal
import json
import pathlib
import sys
import time
import warnings

warnings.simplefilter("ignore")  # of what the client's own libraries say of each other

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import admin  # noqa: E402
import confluent_kafka  # noqa: E402
import consuming  # noqa: E402
import fetch  # noqa: E402
import jvm  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import Broker, one_broker  # noqa: E402
from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402
from day import PARTITIONS, Day, compare, minutes_of, read_by  # noqa: E402

STREAMS = [("org.apache.kafka", "kafka-streams", Broker.VERSION), ("org.slf4j", "slf4j-simple", "1.7.36")]
DECIMALS = {"price", "size", "open", "high", "low", "close", "vwap", "volume", "notional", "target"}
cases = td.Cases()
broker = day = None


def lines_of(name):
    """Of each record: its place, key, cause and object."""
    return [(line["partition"], line["offset"], line["key"], line["cause"], list(line["value"].items())) for line in day.records(name)]


@cases.add
def kcat(_):
    counts = {}
    for name in ("trades_json", "bars_json", "signals_json"):
        text = read_by(["kcat", "-b", broker.address, "-C", "-t", day.topic(name), "-o", "beginning", "-e", "-q", "-J"])
        said = [json.loads(line) for line in text.splitlines()]
        got = [(m["partition"], m["offset"], m["key"], m["headers"][1], list(json.loads(m["payload"]).items())) for m in said]
        assert all(m["headers"][::2] == ["cause"] for m in said), said[0]
        counts[name] = compare(sorted(got), lines_of(name), name)
    return counts


@cases.add
def console_consumer(_):
    printed = [f"--formatter-property=print.{what}=true" for what in ("partition", "offset", "headers", "key")]
    text = read_by(broker.java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.address, "--topic",
                               day.topic("bars_json"), "--from-beginning", "--isolation-level", "read_committed", "--timeout-ms",
                               15000, *printed))
    got = []
    for line in filter(lambda line: line.startswith("Partition:"), text.splitlines()):  # others say that no more came
        partition, offset, cause, key, value = line.split("\t", 4)
        got.append((int(partition.removeprefix("Partition:")), int(offset.removeprefix("Offset:")), key,
                    cause.removeprefix("cause:"), list(json.loads(value).items())))
    return f"{compare(sorted(got), lines_of('bars_json'), 'bars_json')} bars"


def committed(topic, partitions):
    """All messages, until each partition has ended."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": topic, "enable.partition.eof": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, consuming.first_offset(consumer, topic, p)) for p in range(partitions)])
    messages, ended = [], set()
    while len(ended) < partitions:
        message = consumer.poll(30)
        assert message is not None, (topic, len(messages))
        if message.error() is None:
            messages.append(message)
        else:
            ended.add(message.partition())
    consumer.close()
    return sorted(messages, key=lambda message: (message.partition(), message.offset()))


def comparable(name, value):
    """Of Avro: decimals are decimals, and times in milliseconds are times."""
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    return value if isinstance(value, decimal.Decimal) or name not in DECIMALS else decimal.Decimal(value)


@cases.add
def python_by_our_registry(_):
    """Confluent's client, with ids of the log's own registry, which knows nothing of the prefix."""
    counts = {}
    with day.registry() as url:
        reader = AvroDeserializer(SchemaRegistryClient({"url": url}))
        for name in ("bars", "signals"):
            got = [(m.partition(), m.offset(), m.key().decode(), dict(m.headers())["cause"].decode(),
                    reader(m.value(), SerializationContext(m.topic(), MessageField.VALUE))) for m in committed(day.topic(name), PARTITIONS)]
            wanted = [(line["partition"], line["offset"], line["key"], line["cause"], line["value"]) for line in day.records(name)]
            same = [[(*place, [(field, comparable(field, value[field])) for field in value if field != "schema"])
                     for *place, value in rows] for rows in (got, wanted)]
            counts[name] = compare(*same, name)
    return counts


def table(topic, enough, timeout_s=120):
    """The newest value of each key, once there is enough; and a second later, when nothing may have come."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "table", "isolation.level": "read_committed"})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, consuming.first_offset(consumer, topic, 0))])
    rows, deadline, done = {}, time.monotonic() + timeout_s, None
    while done is None or time.monotonic() < done:
        for message in consumer.consume(1000, 0.1):
            assert message.error() is None, message.error()
            instrument, start = message.key().decode().split(" ")
            sums = json.loads(message.value())
            rows[instrument, int(start)] = [sums["count"], *(decimal.Decimal(sums[n]) for n in ("low", "high", "volume", "paid"))]
        if done is None and enough(rows):
            done = time.monotonic() + 1
        assert time.monotonic() < deadline, f"only {sum(row[0] for row in rows.values())} trades after {timeout_s} s"
    consumer.close()
    return rows


@contextlib.contextmanager
def streaming(home, topic):
    """The program of Kafka Streams, while the block lasts."""
    command = jvm.program("Minutes", fetch.jars(f"streams-{Broker.VERSION}", STREAMS), home)
    with fetch.running([*command, broker.address, day.topic("trades_json"), topic, f"{home}/state"], f"{home}/log", "RUNNING"):
        yield


@cases.add
def kafka_streams(home):
    """Its minutes are those of the trades that tapedeck tells, and tapedeck's bars where no conditions of sale say otherwise."""
    trades = [line["value"] for line in day.records("trades_json")]
    wanted = minutes_of(trades)
    admin.make_topic(broker.address, "minutes", 1)
    with streaming(home, "minutes"):
        got = table("minutes", lambda rows: sum(row[0] for row in rows.values()) >= len(trades))
    compare(got, wanted, "minutes")
    bars = {key: [bar["trade_count"], *(decimal.Decimal(bar[n]) for n in ("low", "high", "volume", "notional"))]
            for key, bar in day.newest_bars("1m").items() if key[0].startswith(("BINANCE:", "DESK:"))}
    compare({key: got.get(key) for key in bars}, bars, "bars")
    assert len(bars) > 10, len(bars)
    return f"{len(trades)} trades in {len(got)} minutes, {len(bars)} of them held against bars"


def main():
    global broker, day
    with one_broker() as broker, td.folder() as home:
        day = Day(f"{home}/day", broker.address)
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
