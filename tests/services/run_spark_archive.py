#!/usr/bin/env python3
"""tests/services/run_spark_archive.py - Spark reads the archive as it is: what it sums up of each instrument's days, of trades and
of bars, as spark_days.py does it, is what the run's bars in SQLite say.
"""
import collections
import datetime
import decimal
import json
import os
import pathlib
import random
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import feeds  # noqa: E402
import tapedeck as td  # noqa: E402
from day import compare, read_by  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
MINUTE_NS, DAY_NS = 60 * 10**9, 86400 * 10**9
DAYS, TRADES = 4, 4000
decimal.getcontext().prec = 60  # sums are exact


def several_days(path):
    """Trades of names that folders cannot have as they are, prices that need all digits, some a minute late."""
    rng, lines = random.Random(11), ["time,instrument,price,size,id,side"]
    begin = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
    for i in range(TRADES):
        late = 61 if i % 50 == 49 else 0
        at = begin + datetime.timedelta(seconds=i * DAYS * 86400 / TRADES - late)
        price = "9000000000.123456789" if i % 700 == 0 else f"{100 + rng.random():.9f}"
        name, size = rng.choice(["ONE:A'B", "ONE:C/D", "TWO:E.1"]), rng.choice([90000000000, 3])
        lines.append(f"{at:%Y-%m-%dT%H:%M:%S.%f}Z,{name},{price},{size},{i + 1},")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"file: {{ format: csv, path: {path} }}"


def run(home):
    """With bars of all trades, whatever their conditions."""
    of = [f"file: {{ {feeds.LEAN}, rules: basic, to: \"09:40\" }}", several_days(pathlib.Path(home) / "days.csv")]
    file = td.config(f"{home}/run.yaml", f"{home}/data", of, bars="[1m, 1h]", partitions=3,
                     extra=f"  - parquet: {{ dir: {home}/archive, of: [bars, trades] }}\n")
    file.write_text(file.read_text().replace("partitions: 3", "partitions: 3, publish: [trades]"))
    td.run(file)


def days_of_bars(home):
    """{(instrument, day): [volume, trades, high, low]} of the minutes, each in its last revision."""
    last, days = {}, collections.defaultdict(list)
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        asked = f"SELECT instrument, start_ns, volume, trade_count, high, low FROM bars WHERE width_ns = {MINUTE_NS} ORDER BY revision"
        for instrument, start_ns, volume, count, high, low in db.execute(asked):
            last[instrument, start_ns] = (decimal.Decimal(volume), count, decimal.Decimal(high), decimal.Decimal(low))
    for (instrument, start_ns), bar in last.items():
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=start_ns // DAY_NS)
        days[instrument, str(day)].append(bar)
    return {key: [sum(b[0] for b in bars), sum(b[1] for b in bars), max(b[2] for b in bars), min(b[3] for b in bars)]
            for key, bars in days.items()}


def days_by_spark(folder):
    rows = [json.loads(line) for path in pathlib.Path(folder).glob("part-*") for line in path.read_text(encoding="utf-8").splitlines()]
    return {(r["instrument"], r["day"]): [decimal.Decimal(r["volume"]), r["count"], decimal.Decimal(r["high"]), decimal.Decimal(r["low"])]
            for r in rows}


def main():
    os.environ.pop("SPARK_HOME", None)  # another Spark is not what is asked for
    with td.folder() as home:
        run(home)
        read_by([td.ROOT / "scripts/python.sh", HERE / "spark_days.py", f"{home}/archive", str(MINUTE_NS), home],
                REQUIREMENTS=str(HERE / "spark_requirements.txt"), SPARK_LOCAL_IP="127.0.0.1",
                PYSPARK_SUBMIT_ARGS="--driver-memory 512m --driver-java-options -XX:TieredStopAtLevel=1 pyspark-shell")
        wanted = days_of_bars(home)
        assert len(wanted) >= 3 * DAYS + 2 and sum(day[1] for day in wanted.values()) > TRADES, (len(wanted), wanted)
        for of in ("bars", "trades"):
            compare(days_by_spark(f"{home}/{of}"), wanted, of)
        print(f"{len(wanted)} days of instruments, {sum(day[1] for day in wanted.values())} trades, of trades and of bars")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
