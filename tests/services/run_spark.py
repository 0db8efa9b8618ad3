#!/usr/bin/env python3
"""tests/services/run_spark.py - Spark's Structured Streaming reads published topics, as spark_rows.py does it: every bar as Avro,
by the schema that tapedeck's registry gives and without its five bytes, every bar as JSON, and minutes summed up of trades.
"""
import decimal
import json
import os
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import fetch  # noqa: E402
import tapedeck as td  # noqa: E402
from broker import one_broker  # noqa: E402
from day import Day, compare, minutes_of, read_by  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
VERSION = "4.0.0"  # as in spark_requirements.txt
KAFKA = [("org.apache.spark", f"{name}_2.13", VERSION) for name in ("spark-sql-kafka-0-10", "spark-avro")]
WITH_SPARK = ("hadoop-", "scala-", "slf4j-", "jsr305", "commons-logging")  # these it has itself
DECIMALS = ("open", "high", "low", "close", "vwap", "volume", "notional")
OTHERS = ("instrument", "width", "width_ns", "start_ns", "trade_count", "revision", "quality")


def schema_of_bars(day):
    with day.registry() as url, urllib.request.urlopen(f"{url}/subjects/bars-value/versions/latest/schema", timeout=30) as answer:
        return answer.read().decode()


def stream(home, day):
    """Runs it; what it wrote is in `home`."""
    jars = [path for path in fetch.jars(f"spark-kafka-{VERSION}", KAFKA).glob("*.jar") if not path.name.startswith(WITH_SPARK)]
    pathlib.Path(f"{home}/bar.avsc").write_text(schema_of_bars(day), encoding="utf-8")
    submit = f"--driver-memory 512m --driver-java-options -XX:TieredStopAtLevel=1 --jars {','.join(map(str, jars))} pyspark-shell"
    read_by([td.ROOT / "scripts/python.sh", HERE / "spark_rows.py", day.address, day.prefix, f"{home}/bar.avsc", home],
            REQUIREMENTS=str(HERE / "spark_requirements.txt"), PYSPARK_SUBMIT_ARGS=submit, SPARK_LOCAL_IP="127.0.0.1")


def written(folder):
    return [json.loads(line) for path in pathlib.Path(folder).glob("part-*") for line in path.read_text(encoding="utf-8").splitlines()]


def bar(place, value):
    return (place["partition"], place["offset"], place["key"], place["cause"], *(value[name] for name in OTHERS),
            *(decimal.Decimal(value[name]) for name in DECIMALS))


def same_bars(home, day, topic):
    got = sorted(bar(row, row) for row in written(f"{home}/{topic}"))
    return f"{compare(got, [bar(line, line['value']) for line in day.records(topic)], topic)} {topic}"


def same_minutes(home, day):
    got = {(row["instrument"], row["start_ns"]): [row["count"], *(decimal.Decimal(row[n]) for n in ("low", "high", "volume", "paid"))]
           for row in written(f"{home}/minutes")}
    return f"{compare(got, minutes_of(line['value'] for line in day.records('trades_json')), 'minutes')} minutes"


def main():
    os.environ.pop("SPARK_HOME", None)  # another Spark is not what is asked for
    with one_broker() as broker, td.folder() as home:
        day = Day(f"{home}/day", broker.address)
        stream(home, day)
        print(f"{same_bars(home, day, 'bars')}, {same_bars(home, day, 'bars_json')}, {same_minutes(home, day)}")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
