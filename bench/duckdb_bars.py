"""The same 1-minute bars by DuckDB from Parquet, in doubles, on one thread: duckdb_bars.py TICKS.parquet [--make].

Quotes are read, too, and summed. With --make it first writes that file from CSV rows on standard input (hand_loop
--csv): all ticks with their columns, null where a trade or a quote has none.
"""
import json
import sys
import time

import duckdb

path = sys.argv[1]
db = duckdb.connect()
if "--make" in sys.argv:
    db.execute(f"""COPY (SELECT * FROM read_csv('/dev/stdin', header = false, columns = {{
        'instrument': 'VARCHAR', 'event_ns': 'BIGINT', 'price': 'DOUBLE', 'size': 'DOUBLE', 'bid': 'DOUBLE',
        'bid_size': 'DOUBLE', 'ask': 'DOUBLE', 'ask_size': 'DOUBLE'}}))
        TO '{path}' (FORMAT parquet)""")
    sys.exit()

db.execute("SET threads = 1")
began = time.perf_counter()
# Every column of every bar is consumed: an optimiser drops what nobody reads. Ticks lie in file order per instrument.
bars, trades, *_ = db.execute(f"""
    SELECT count(*), sum(trade_count), sum(open), sum(high), sum(low), sum(close), sum(volume), sum(notional), sum(vwap)
    FROM (SELECT instrument, event_ns // 60000000000 AS minute, first(price) AS open, max(price) AS high,
                 min(price) AS low, last(price) AS close, sum(size) AS volume, sum(price * size) AS notional,
                 sum(price * size) / sum(size) AS vwap, count(*) AS trade_count
          FROM '{path}' WHERE price IS NOT NULL GROUP BY ALL)""").fetchone()
db.execute(f"SELECT sum(bid), sum(bid_size), sum(ask), sum(ask_size) FROM '{path}' WHERE price IS NULL").fetchone()
seconds = time.perf_counter() - began
ticks, = db.execute(f"SELECT count(*) FROM '{path}'").fetchone()
print(json.dumps({"ticks": ticks, "trades": int(trades), "bars": bars, "seconds": seconds,
                  "version": f"DuckDB {duckdb.__version__}, 1 thread"}))
