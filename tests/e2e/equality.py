#!/usr/bin/env python3
"""tests/e2e/equality.py - same tape, same bytes out: `bars`, `signals` and all the rest are equal whatever the workers,
the speed, and however often the process is killed (design wall 5). Prints what was compared. With --kills N nothing but
that many kills, ten to a folder. A number alone is the seed.
"""
import argparse
import random
import subprocess
import time

import tapedeck as td

DATA = td.ROOT / "examples" / "data"
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, ratio: 60, from: \"09:30\", to: \"16:00\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"]
STRATEGIES = sorted((td.ROOT / "strategies").glob("*.td")) + [td.ROOT / "tests" / "data" / "ticks.td"]


def demo(home, *options, feeds=FEEDS):
    file = td.config(f"{home}/demo.yaml", f"{home}/data", feeds, bars="[1s, 5s, 1m, 5m]", strategies=STRATEGIES)
    return file, options


def compare(name, home, wanted, wanted_rows):
    got = td.digests(f"{home}/data")
    different = sorted(k for k in wanted if got.get(k) != wanted[k])
    assert not different and len(got) == len(wanted), f"{name}: {different[:5]} differ"
    for table in ("bars", "signals"):
        assert td.rows(f"{home}/data", table) == wanted_rows[table], f"{name}: table {table} differs"
    total = sum(count for count, _ in got.values())
    print(f"{name}: {len(got)} partitions, {total} records, {len(wanted_rows['bars'])} bars and "
          f"{len(wanted_rows['signals'])} signals in the sink equal")


def reference(home, feeds=FEEDS):
    file, _ = demo(home, feeds=feeds)
    summary = td.run(file, "--set", "workers=1")
    assert summary["events"] == summary["accepted"] + summary["quarantined"] + summary["duplicates"] + summary["rejected"]
    rows = {table: td.rows(f"{home}/data", table) for table in ("bars", "signals")}
    assert len(rows["bars"]) == summary["bars"] and len(rows["signals"]) == summary["signals"], summary
    return td.digests(f"{home}/data"), rows, summary


def kills(home, wanted, wanted_rows, count, seed):
    """Kills the run at random moments of its work, then lets it finish; returns how often it was alive then. Paced, so
    that it is not over before: at that speed it would take some five seconds."""
    random.seed(seed)
    file, _ = demo(home)
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
        return kill_often(options.kills, options.seed)
    seed = options.seed
    with td.folder() as one, td.folder() as eight, td.folder() as killed, td.folder() as twice:
        wanted, rows, summary = reference(one)
        assert summary["bars"] > 10000 and summary["signals"] > 2000, summary
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
    print("6 passed, 0 failed")


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
