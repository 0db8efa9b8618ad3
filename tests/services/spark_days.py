"""tests/services/spark_days.py - what one would write with Spark over the archive: of each instrument and day the volume, how many
trades, the highest and the lowest price; once of trades, and once of the last revision of each bar.

usage: spark_days.py ARCHIVE WIDTH_NS OUT     a folder of JSON lines for each of `trades` and `bars`
"""
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def days(rows, volume, count, high, low):
    sums = [f.sum(volume).cast("string").alias("volume"), f.sum(count).cast("bigint").alias("count"),
            f.max(high).cast("string").alias("high"), f.min(low).cast("string").alias("low")]
    return rows.groupBy("instrument", f.col("day").cast("string").alias("day")).agg(*sums)


def main(archive, width_ns, out):
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.shuffle.partitions", "2").getOrCreate())
    bars = spark.read.parquet(f"{archive}/bars").where(f.col("width_ns") == int(width_ns))
    said = f.struct("volume", "trade_count", "high", "low")
    last = bars.groupBy("instrument", "day", "start_ns").agg(f.max_by(said, "revision").alias("b"))
    days(last.select("instrument", "day", "b.*"), "volume", "trade_count", "high", "low").coalesce(1).write.json(f"{out}/bars")
    closed = bars.groupBy("instrument").agg(f.max("end_ns").alias("closed_ns"))  # what follows is in a bar that is still open
    trades = spark.read.parquet(f"{archive}/trades").join(closed, "instrument").where("event_ns < closed_ns")
    days(trades, "size", f.lit(1), "price", "price").coalesce(1).write.json(f"{out}/trades")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
