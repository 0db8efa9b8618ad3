#!/usr/bin/env python3
"""tests/e2e/equality.py - same tape, same bytes out: `bars`, `signals` and all the rest are equal whatever the workers,
the speed, and however often the process is killed (design wall 5). Prints what was compared. With --kills N nothing but
that many kills, ten to a folder. A number alone is the seed.
"""
import argparse
import random
import sqlite3
import subprocess
import time

import tapedeck as td

DATA = td.ROOT / "examples" / "data"
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: 60, from: \"09:30\", to: \"16:00\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
STRATEGIES = sorted((td.ROOT / "strategies").glob("*.td")) + [td.ROOT / "tests" / "data" / f"{name}.td"
                                                                     for name in ("ticks", "rules", "filled")]
TABLES = ("bars", "signals", "fills")


# Each is looked at from the partitions of the others, and all of them from everywhere.
JOINED = """\
strategy counted on bars(100 trades)
  use spy = LEAN:SPY bars(5000 volume)
  use minute = bars(1m)
  buy  when close > minute.close and spy.close > spy.close[1] and quote.age < 60s
  exit when close < close[1]

strategy joined on bars(5s)
  use spy = LEAN:SPY
  use btc = BINANCE:BTCUSDT bars(1m)
  use slow = bars(1m)
  emit seen { spy = spy.close, age = spy.age, btc = sma(btc.close, 3), slow = ema(slow.close, 5) - close }
  buy  when crossover(close - slow.close, spy.close[1] - spy.close[2])
  exit when spy.close < spy.close[1]

strategy beside on trades every 200ms for LEAN:*
  use aig = LEAN:AIG quotes
  waited = asof(nz(aig.bid, aig.ask), wait = 250ms)
  emit seen { at_once = asof(nz(aig.bid, aig.ask)), waited = waited, age = asof(aig.age, wait = 250ms), own = asof(quote.ask, 250ms),
              far = sma(waited - price, 5) }
  buy  when waited > waited[1] and price >= asof(quote.ask, 250ms)
  exit when waited < waited[1]

strategy ether on trades every 200ms for BINANCE:ETHUSDT
  use btc = BINANCE:BTCUSDT
  emit seen { btc = asof(btc.price, wait = 300ms), own = asof(quote.bid, wait = 300ms), at_once = asof(btc.price) }

series paid on trades
  over = price - asof(nz(quote.bid, quote.ask), wait = 250ms)

strategy behind on bars(5s)
  use spy = LEAN:SPY trades
  emit seen { over = paid.over, sum = sum(paid.over, 30s), spy = asof(spy.price) }

strategy legged on bars(5s)
  use spy = LEAN:SPY
  mean = sma(close, 10)
  buy, short spy qty nz(close / spy.close, 1)  when crossover(close, mean) and spy.age < 1m
  short, buy spy qty mean - close              when crossunder(close, mean)
  exit all when abs(close / mean - 1) < 0.002%
  stop when spy.close < spy.close[30] * 99.9%
  stop 0.05%

strategy apart on bars(5s)
  move = rocp(close, 3)
  emit told { rank = rank(move), of = members(move), up = breadth(close > open) }
  buy  when place(move) <= 2 and sma(rank(volume), 3) > 30%
  exit when rank(move) < 50%
"""


def demo(home, *options, feeds=FEEDS, strategies=None):
    file = td.config(f"{home}/demo.yaml", f"{home}/data", feeds, bars="[1s, 5s, 1m, 5m, 100 trades, 5000 volume]",
                     strategies=STRATEGIES if strategies is None else strategies)
    return file, options


def compare(name, home, wanted, wanted_rows):
    got = td.digests(f"{home}/data")
    different = sorted(k for k in wanted if got.get(k) != wanted[k])
    assert not different and len(got) == len(wanted), f"{name}: {different[:5]} differ"
    for table in TABLES:
        assert td.rows(f"{home}/data", table) == wanted_rows[table], f"{name}: table {table} differs"
    total = sum(count for count, _ in got.values())
    print(f"{name}: {len(got)} partitions, {total} records, {len(wanted_rows['bars'])} bars, "
          f"{len(wanted_rows['signals'])} signals and {len(wanted_rows['fills'])} fills in the sink equal")


def reference(home, feeds=FEEDS, strategies=None):
    file, _ = demo(home, feeds=feeds, strategies=strategies)
    summary = td.run(file, "--set", "workers=1")
    assert summary["events"] == summary["accepted"] + summary["quarantined"] + summary["duplicates"] + summary["rejected"]
    rows = {table: td.rows(f"{home}/data", table) for table in TABLES}
    assert len(rows["bars"]) == summary["bars"] and len(rows["signals"]) == summary["signals"], summary
    return td.digests(f"{home}/data"), rows, summary


def kills(home, wanted, wanted_rows, count, seed, **what):
    """Kills the run at random moments of its work, then lets it finish; returns how often it was alive then. Paced, so
    that it is not over before: at that speed it would take some five seconds."""
    random.seed(seed)
    file, _ = demo(home, **what)
    done = 0
    for _ in range(count):
        process = td.start(file, "--set", "speed=80x")
        time.sleep(random.uniform(0.05, 0.6))
        if process.poll() is None:
            done += 1
        td.kill(process)
    last = td.run(file)
    assert last["diverged"] == 0, last
    compare(f"kill -9 at {done} of {count} random moments (seed {seed})", home, wanted, wanted_rows)
    return done


def with_waits(home):
    """Of an instrument that lives elsewhere there are quotes that came when the trade was there."""
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        told = db.execute("SELECT instrument, count(*), sum(data -> 'waited' IS NOT data -> 'at_once') FROM signals"
                          " WHERE strategy = 'beside' AND action = 'emit' AND instrument LIKE 'LEAN:%' GROUP BY 1").fetchall()
        acted = db.execute("SELECT count(*) FROM signals WHERE strategy = 'beside' AND action = 'buy'").fetchone()[0]
        over = db.execute("SELECT count(DISTINCT data -> 'over') FROM signals WHERE strategy = 'behind'").fetchone()[0]
    assert len(told) > 2 and min(count for _, count, _ in told) > 500 and acted > 100 and over > 50, (told, acted, over)
    assert all(other > count / 10 for _, count, other in told), told
    print(f"{sum(count for _, count, _ in told)} trades beside AIG, {sum(other for *_, other in told)} of which waited for its"
          f" quote, {acted} entries by them")


def with_sections(home):
    """Instruments of other partitions are compared, and of the other feed, whose time is years later, none."""
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        told = dict(db.execute("SELECT substr(instrument, 1, instr(instrument, ':') - 1), max(data -> 'of') FROM signals"
                               " WHERE strategy = 'apart' AND action = 'emit' GROUP BY 1").fetchall())
        acted = db.execute("SELECT count(*) FROM signals WHERE strategy = 'apart' AND action = 'buy'").fetchone()[0]
        most = dict(db.execute("SELECT substr(instrument, 1, instr(instrument, ':') - 1), count(DISTINCT instrument) FROM"
                               " bars GROUP BY 1").fetchall())
    assert {feed: int(of) for feed, of in told.items()} == most and acted > 100, (told, most, acted)
    print(f"cross-sections of up to {max(most.values())} instruments, {acted} entries by them")


def with_rules(home, rows):
    """Each level is reached, and orders are filled: else their equality says nothing."""
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        told = dict(db.execute("SELECT reason, count(*) FROM signals WHERE action = 'exit' AND status = 'fresh'"
                               " GROUP BY reason").fetchall())
    assert min(told.get(kind, 0) for kind in ("stop", "trail", "target")) > 20 and len(rows["fills"]) > 2000, told
    print(f"levels reached: {told}")


def with_filled(home):
    """Bars where nothing traded are there, and strategies run on them."""
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        bars = dict(db.execute("SELECT width, count(*) FROM bars_view WHERE trade_count = 0 GROUP BY 1").fetchall())
        told = db.execute("SELECT count(*) FROM signals WHERE strategy = 'idle' AND action = 'emit'").fetchone()[0]
    assert bars.get("5s filled", 0) > 1000 and told > 1000, (bars, told)
    print(f"bars where nothing traded: {bars}, told of {told} times")


def with_legs(home):
    """Several instances trade SPY from other partitions, and ids name who decided."""
    with sqlite3.connect(f"file:{home}/data/market.db?mode=ro", uri=True) as db:
        legs = dict(db.execute("SELECT substr(id, 1, instr(id, '/2') - 1), count(*) FROM signals WHERE strategy = 'legged'"
                               " AND instrument = 'LEAN:SPY' AND status = 'fresh' GROUP BY 1").fetchall())
        fills = db.execute("SELECT count(*) FROM fills WHERE instrument = 'LEAN:SPY' AND signal LIKE 'legged/%'"
                           " AND signal IN (SELECT id FROM signals)").fetchone()[0]
    assert len(legs) > 2 and "legged/LEAN:SPY" not in legs and sum(legs.values()) > 200 and fills > 100, (legs, fills)
    print(f"{sum(legs.values())} signals of {len(legs)} instances' legs, {fills} fills of them")


def kill_often(count, seed):
    done = 0
    with td.folder() as one:
        wanted, rows, _ = reference(one)
    while done < count:
        with td.folder() as killed:
            alive = kills(killed, wanted, rows, min(10, count - done), seed)
        assert alive > 0, "the run ends before it can be killed"
        done, seed = done + alive, seed + 1
    print(f"{done} kills")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(1 << 30))
    options = parser.parse_args()
    if options.kills:
        kill_often(options.kills, options.seed)
        return
    seed = options.seed
    with td.folder() as one, td.folder() as eight, td.folder() as killed, td.folder() as twice:
        wanted, rows, summary = reference(one)
        assert summary["bars"] > 10000 and summary["signals"] > 2000, summary
        with_rules(one, rows)
        with_filled(one)
        file, _ = demo(eight)
        td.run(file, "--set", "workers=8")
        compare("the demo with 8 workers", eight, wanted, rows)
        kills(killed, wanted, rows, 10, seed)
        file, _ = demo(twice)
        td.run(file)
        again = td.run(file)
        assert again["events"] == 0 and again["bars"] == 0, again
        compare("run again on a finished folder", twice, wanted, rows)
        subprocess.run([td.PROGRAM, "bench", "replay", "--data", f"{twice}/data"], check=True, stdout=subprocess.DEVNULL)
        compare("the tape replayed", twice, wanted, rows)
        subprocess.run([td.PROGRAM, "bench", "restart", "--data", f"{twice}/data"], check=True, stdout=subprocess.DEVNULL)
        compare("the tape after a measured restart", twice, wanted, rows)
    paced()
    joined(seed)
    print("8 passed, 0 failed")


def joined(seed):
    """What strategies use of instruments in other partitions is copied there, once, however often it begins again; and
    nothing of the copies is told: the logs of a run without such strategies are the same but for them."""
    # Quotes a second of the market behind the trades of their time.
    behind = {"trade": FEEDS[0].replace("09:30", "09:30:01"), "quote": FEEDS[0]}
    feeds = [feed.replace("*.zip", f"*_{kind}.zip").replace("{ format", f"{{ name: {kind}s, format").replace("16:00", "10:15")
             for kind, feed in behind.items()] + [FEEDS[1]]
    with td.folder() as one, td.folder() as eight, td.folder() as killed, td.folder() as plain:
        strategy = f"{one}/joined.td"
        with open(strategy, "w", encoding="utf-8") as out:
            out.write(JOINED)
        what = {"feeds": feeds, "strategies": [strategy]}
        wanted, rows, summary = reference(one, **what)
        assert summary["signals"] > 1000, summary
        file, _ = demo(eight, **what)
        td.run(file, "--set", "workers=8")
        compare("joins with 8 workers", eight, wanted, rows)
        kills(killed, wanted, rows, 5, seed, **what)
        with_legs(one)
        with_waits(one)
        with_sections(one)
        without, _, alone = reference(plain, feeds, [])
        tapes = [sum(n for name, (n, _) in logs.items() if name.startswith("tape")) for logs in (wanted, without)]
        assert tapes[0] > tapes[1] * 2, f"{tapes[0]} records on the tape with copies, {tapes[1]} without"
        print(f"{tapes[0] - tapes[1]} copies on the tape, told by nothing")
        counts = ("bars", "events", "accepted", "quarantined", "duplicates", "rejected", "gaps_opened")
        assert all(alone.get(name) == summary.get(name) for name in counts), (alone, summary)
        for name in (n for n in without if n.split("-")[0] in ("gaps", "quarantine", "rejected")):
            assert wanted[name] == without[name], name


def paced():
    """20 s of Binance data in real time and as fast as it goes."""
    feeds = [f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz, from: \"23:54:20\", to: \"23:54:40\" }}"]
    with td.folder() as fast, td.folder() as real:
        wanted, rows, _ = reference(fast, feeds)
        file, _ = demo(real, feeds=feeds)
        begin = time.monotonic()
        td.run(file, "--set", "speed=1x")
        took = time.monotonic() - begin
        assert 18 < took < 40, f"20 s of data at 1x took {took:.1f} s"
        compare("20 s of Binance at 1x", real, wanted, rows)


if __name__ == "__main__":
    main()
