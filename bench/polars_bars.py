"""The same 1-minute bars by polars from Parquet, in doubles, on one thread: polars_bars.py TICKS.parquet.

Quotes are read, too, and summed.
"""
import json
import os
import sys
import time

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl  # noqa: E402  reads the variable when imported

price, size = pl.col("price"), pl.col("size")
began = time.perf_counter()
bars = (
    pl.scan_parquet(sys.argv[1])
    .filter(price.is_not_null())
    .group_by("instrument", pl.col("event_ns") // 60_000_000_000)
    .agg(open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=size.sum(),
         notional=(price * size).sum(), trade_count=pl.len())
    .with_columns(vwap=pl.col("notional") / pl.col("volume"))
    .select(pl.len().alias("bars"), pl.col("open", "high", "low", "close", "volume", "notional", "vwap").sum(),
            pl.col("trade_count").sum())  # every column of every bar is consumed
    .collect()
)
pl.scan_parquet(sys.argv[1]).filter(price.is_null()).select(pl.col("bid", "bid_size", "ask", "ask_size").sum()).collect()
seconds = time.perf_counter() - began
ticks = pl.scan_parquet(sys.argv[1]).select(pl.len()).collect().item()
print(json.dumps({"ticks": ticks, "trades": bars["trade_count"].item(), "bars": bars["bars"].item(), "seconds": seconds,
                  "version": f"polars {pl.__version__}, {pl.thread_pool_size()} thread"}))
