"""tests/services/spark_rows.py - what one would write with Spark's Structured Streaming: the bars of two topics, as JSON and as
Avro behind Confluent's five bytes, with their places and causes, and minutes summed up of trades.

usage: spark_rows.py BROKER PREFIX SCHEMA OUT     Bar's schema in a file; a folder of JSON lines for each of three streams
"""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql.avro.functions import from_avro

DECIMALS = ("open", "high", "low", "close", "vwap", "volume", "notional")
BAR = {"instrument": "string", "width": "string", "width_ns": "bigint", "start_ns": "bigint", "trade_count": "bigint",
       "revision": "int", "quality": "string"} | dict.fromkeys(DECIMALS, "string")
DDL = ", ".join(f"{name} {kind}" for name, kind in BAR.items())
TRADE = "instrument string, event_ns bigint, price string, size string"
MINUTE = "event_ns div 60000000000 * 60000000000"


def records(spark, address, topic):
    """Those that are committed, from the first to the last that is there now."""
    return (spark.readStream.format("kafka").option("kafka.bootstrap.servers", address).option("subscribe", topic)
            .option("startingOffsets", "earliest").option("includeHeaders", "true")
            .option("kafka.isolation.level", "read_committed").load())


def rows(table, bar):
    """Of each record its place, its key, its cause and the fields of its bar, decimals as texts."""
    fields = [f.col(f"bar.{name}").cast(kind).alias(name) for name, kind in BAR.items()]
    cause = f.expr("cast(filter(headers, h -> h.key = 'cause')[0].value as string)").alias("cause")
    return table.withColumn("bar", bar).select("partition", "offset", f.col("key").cast("string"), cause, *fields)


def write(table, out):
    (table.writeStream.format("json").option("path", out).option("checkpointLocation", f"{out}.checkpoint")
     .option("ignoreNullFields", "false").trigger(availableNow=True).start().awaitTermination())


def write_sums(table, out):
    """All rows anew with each batch: who reads `out` has the last one."""
    (table.writeStream.outputMode("complete").foreachBatch(lambda batch, _: batch.coalesce(1).write.mode("overwrite").json(out))
     .option("checkpointLocation", f"{out}.checkpoint").trigger(availableNow=True).start().awaitTermination())


def main(address, prefix, schema, out):
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.shuffle.partitions", "2").getOrCreate())
    text = f.col("value").cast("string")
    with open(schema, encoding="utf-8") as file:
        body = f.expr("substring(value, 6, length(value) - 5)")  # behind the zero byte and the schema's id
        write(rows(records(spark, address, f"{prefix}bars"), from_avro(body, file.read())), f"{out}/bars")
    write(rows(records(spark, address, f"{prefix}bars_json"), f.from_json(text, DDL)), f"{out}/bars_json")
    trades = records(spark, address, f"{prefix}trades_json").select(f.from_json(text, TRADE).alias("t")).select("t.*")
    price, size = f.col("price").cast("decimal(18,9)"), f.col("size").cast("decimal(18,8)")  # of 19 digits the product would be rounded
    sums = trades.groupBy("instrument", f.expr(MINUTE).alias("start_ns")).agg(
        f.count("*").alias("count"), f.min(price).cast("string").alias("low"), f.max(price).cast("string").alias("high"),
        f.sum(size).cast("string").alias("volume"), f.sum(price * size).cast("string").alias("paid"))
    write_sums(sums, f"{out}/minutes")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
