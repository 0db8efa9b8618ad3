#!/usr/bin/env python3
"""tests/fault/bad_input.py - bad input never kills and never vanishes: a clear error or a rejected record with its
reason, and the rest goes on. Each case says what it broke and what the program made of it.
"""
import collections
import gzip
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402

DATA = td.ROOT / "examples" / "data"
CASES = td.Cases()
case = CASES.add


def lean_zip(folder, name, lines):
    path = pathlib.Path(folder) / f"{name.split('_')[1]}_{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(f"{name}.csv", "".join(line + "\n" for line in lines))
    return path


def trades(count, start_ms=34200000):
    return [f"{start_ms + 500 * i},{1800000 + i % 50 * 100},100,P,1,0" for i in range(count)]


def topic(data, name):
    done = subprocess.run([td.PROGRAM, "log", "cat", name, "--data", data], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def lean(home, *files, **options):
    return td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: lean, path: {home}/*.zip }}"], **options)


@case
def price_out_of_range(home):
    bad = trades(100)
    bad[10] = "34205000,1e34,100,P,1,0"
    bad[20] = "34210000,-10000,100,P,1,0"
    bad[30] = "34215000,1800000,0,P,1,0"
    bad[40] = "34220000,1800000"
    lean_zip(home, "20131007_xyz_Trade_Tick", bad)
    s = td.run(lean(home))
    assert (s["events"], s["accepted"], s["quarantined"], s["rejected"]) == (100, 96, 2, 2), s
    reasons = sorted((r["value"]["reason"], r["value"]["line"]) for r in topic(f"{home}/data", "rejected"))
    assert reasons == [("malformed", 41), ("range", 11)], reasons
    refused = sorted(r["value"]["reason"] for r in topic(f"{home}/data", "quarantine"))
    assert refused == ["non-positive", "non-positive"], refused
    return "price 1e30 and a short line rejected, price -1 and size 0 quarantined, 96 of 100 in the bars"


@case
def truncated_zip(home):
    whole = lean_zip(home, "20131007_abc_Trade_Tick", trades(2000))
    cut = lean_zip(home, "20131007_xyz_Trade_Tick", trades(20000))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    s = td.run(lean(home))
    unreadable = [r["value"] for r in topic(f"{home}/data", "rejected")]
    assert s["rejected"] == 1 and unreadable[0]["reason"] == "unreadable", (s, unreadable)
    assert cut.name in unreadable[0]["source"], unreadable
    abc = [r for r in td.rows(f"{home}/data", "bars") if r[0] == "LEAN:ABC"]
    assert sum(r[11] for r in abc) >= 3 * 2000, "the whole file must be complete in all three widths"
    assert s["accepted"] >= 2000
    return f"{whole.name} whole, the cut file gave {s['accepted'] - 2000} ticks and one rejected record"


@case
def not_a_zip(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(200))
    (pathlib.Path(home) / "xyz.zip").write_bytes(b"this is no archive at all")
    s = td.run(lean(home))
    assert s["rejected"] == 1 and s["accepted"] == 200, s
    return "one rejected record, the other file whole"


@case
def json_cut_in_half(home):
    lines = gzip.open(DATA / "binance" / "spot_btcusdt_20240808.gz", "rt").read().splitlines()[:4000]
    ticks = [i for i, line in enumerate(lines) if "@trade" in line]
    for i in ticks[10:15]:
        lines[i] = lines[i][: len(lines[i]) // 2]
    lines[ticks[20]] = lines[ticks[20]].replace('"p":"6', '"p":"1e30","x":"6')
    with gzip.open(f"{home}/btc.gz", "wt") as f:
        f.write("\n".join(lines) + "\n")
    file = td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {home}/btc.gz }}"])
    s = td.run(file)
    reasons = sorted(r["value"]["reason"] for r in topic(f"{home}/data", "rejected"))
    assert reasons == ["malformed"] * 5 + ["range"], reasons
    assert s["events"] == s["accepted"] + s["rejected"] and s["rejected"] == 6, s
    return f"6 frames rejected with their reasons, {s['accepted']} ticks accepted"


@case
def cut_gzip(home):
    whole = (DATA / "binance" / "spot_btcusdt_20240808.gz").read_bytes()
    pathlib.Path(f"{home}/btc.gz").write_bytes(whole[: len(whole) // 3])
    file = td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {home}/btc.gz }}"])
    s = td.run(file)
    assert s["rejected"] == 1 and s["accepted"] > 5000, s
    return f"{s['accepted']} ticks before the cut, one rejected record"


# ---- what is decodable and cannot be ----

SPOT_MS = 1_700_000_000_000
MINUTES, HOUR_MS = 5, 3_600_000


def spot(symbol, number, receive_ms, at_ms=None, price="100"):
    """(receive time, line) of one trade as a collector of Binance's messages writes it."""
    data = {"e": "trade", "s": symbol, "t": number, "p": price, "q": "1", "T": receive_ms if at_ms is None else at_ms,
            "m": True}
    return receive_ms, f"{receive_ms}000000 {json.dumps({'stream': f'{symbol.lower()}@trade', 'data': data})}\n"


def spot_gz(path, messages):
    with gzip.open(path, "wt", compresslevel=1) as out:
        out.writelines(line for _, line in sorted(messages, key=lambda message: message[0]))


def sound():
    """Two instruments, a trade of each a second."""
    return [spot(symbol, n + 1, SPOT_MS + 1000 * n) for n in range(60 * MINUTES) for symbol in ("BTCUSDT", "ETHUSDT")]


def strange(count, names=1, at_ms=None, late_ms=0, price=lambda n: "100"):
    """`count` trades of further instruments half a second behind a sound one, and what their clocks say."""
    middle_ms = SPOT_MS + 30_000 * MINUTES + 500
    return [spot(f"X{n % names}USDT", n // names + 1, middle_ms + n // names * 1000,
                 middle_ms + n // names * 1000 + late_ms if at_ms is None else at_ms, price(n)) for n in range(count)]


def release_twice(home):
    def tell(*words):
        done = subprocess.run([td.PROGRAM, "quarantine", *words, "--data", f"{home}/data"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=True, timeout=60)
        return done.stdout
    (row,) = [json.loads(line) for line in tell("ls", "--json").splitlines()]
    place = f"{row['partition']}/{row['offset']}"
    assert "was released before" not in tell("release", place)
    assert "was released before" in tell("release", place)
    s = td.run(f"{home}/c.yaml")  # the start applies what the log holds: one release
    highs = [(row[1] // 10**9, row[5]) for row in td.rows(f"{home}/data", "bars") if row[5] == "500"]
    assert (s["events"], s["bars"], sorted(highs)) == (0, 3, [(1, "500"), (5, "500"), (60, "500")]), (s, highs)


def explained_late(home):
    done = subprocess.run([td.PROGRAM, "explain", "window", "BINANCE:X0USDT", "1m", "1970-01-02T00:00:00Z", "--data",
                           f"{home}/data"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert "closed without a bar: all of its 3 trades came too late" in done.stdout, done.stdout
    assert "no trade" not in done.stdout, done.stdout


# The feed of the strange trades is the sound ones' or one of its own; what is quarantined, and why; how many are accepted.
BEYOND_BELIEF = [
    # name, messages, own feed, options of it, quarantined, accepted, afterwards
    ("a feed's clock an hour ahead", strange(100, late_ms=HOUR_MS), True, "", {"ahead": 100}, 0, None),
    ("an instrument's clock an hour ahead", strange(100, late_ms=HOUR_MS), False, "", {"ahead": 100}, 0, None),
    ("a clock an hour behind", strange(100, late_ms=-HOUR_MS), False, "", {"late": 100}, 100, None),
    ("1970", strange(3, at_ms=86_400_000), False, "", {"late": 3}, 3, explained_late),
    ("2100", strange(3, at_ms=4_102_444_800_000), False, "", {"ahead": 3}, 0, None),
    ("10,000 new names", strange(10_000, names=10_000), False, "", {}, 10_000, None),
    ("10,000 new names, a bound of 100", strange(10_000, names=10_000), False, "max_instruments: 100",
     {"unknown-instrument": 10_002 - 8 * 100}, 8 * 100 - 2, None),
    ("an outlier, released twice", strange(20, price=lambda n: "500" if n == 18 else "100"), False, "", {"outlier": 1}, 19,
     release_twice),
]


def bars_of_the_sound(data):
    return [row for row in td.rows(data, "bars") if row[0] in ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT")]


@case
def beyond_belief(home):
    """Each ends as docs/time.md says: quarantined or late with its reason, the others' bars as if it had not been."""
    spot_gz(f"{home}/sound.gz", sound())
    feed = f"file: {{ format: binance-collector, path: {home}/sound.gz }}"
    td.run(td.config(f"{home}/c.yaml", f"{home}/sound", [feed]))
    wanted, count = bars_of_the_sound(f"{home}/sound"), len(sound())
    for number, (name, messages, own, options, quarantined, accepted, afterwards) in enumerate(BEYOND_BELIEF):
        at = pathlib.Path(home, str(number))
        at.mkdir()
        spot_gz(at / "market.gz", sound() + ([] if own else messages))
        feeds = [f"file: {{ format: binance-collector, path: {at}/market.gz, {options} }}"]
        if own:
            spot_gz(at / "own.gz", messages)
            feeds.append(f"file: {{ format: binance-collector, path: {at}/own.gz, venue: OWN, {options} }}")
        s = td.run(td.config(at / "c.yaml", at / "data", feeds))
        told = collections.Counter(record["value"]["reason"] for record in topic(at / "data", "quarantine"))
        assert told == quarantined, f"{name}: {told}"
        refused = sum(quarantined.values()) - quarantined.get("late", 0)
        assert (s["accepted"], s["quarantined"]) == (count + accepted, refused), f"{name}: {s}"
        assert s["events"] == s["accepted"] + s["quarantined"] + s["duplicates"] + s["rejected"], f"{name}: {s}"
        assert s["events"] == count + len(messages), f"{name}: {s}"
        if afterwards is not None:
            afterwards(at)
        assert bars_of_the_sound(at / "data") == wanted, f"{name}: the others' bars"
    return f"{len(BEYOND_BELIEF)} kinds, {len(wanted)} bars of the others as without them"


@case
def unknown_key(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    file = td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ formt: lean, path: {home}/*.zip }}"])
    s = td.run(file, check=2)
    assert f"{file}:2:" in s["stderr"] and '"format"' in s["stderr"], s["stderr"]
    return s["stderr"].strip().splitlines()[-1].replace(home, "…")


@case
def rules_without_a_table(home):
    spot_gz(f"{home}/btc.gz", [spot("BTCUSDT", 1, SPOT_MS)])
    feed = f"file: {{ format: binance-collector, path: {home}/btc.gz, rules: venue }}"
    s = td.run(td.config(f"{home}/c.yaml", f"{home}/data", [feed]), check=2)
    assert "rules: venue" in s["stderr"] and "binance-collector feeds" in s["stderr"] and "LEAN" in s["stderr"], s["stderr"]
    return s["stderr"].strip().splitlines()[-1].replace(home, "…")


@case
def a_calendar_that_has_ended(home):
    calendar = "zone America/New_York\ndays mon tue wed thu fri\nregular 09:30 16:00\nyears 2010 2012\n"
    pathlib.Path(f"{home}/old.cal").write_text(calendar, encoding="utf-8")
    pathlib.Path(f"{home}/table.csv").write_text(f"instrument,calendar\nLEAN:*,{home}/old.cal\n", encoding="utf-8")
    for number, day in enumerate(("20131005", "20131007", "20131008")):  # the first is a Saturday
        lean_zip(home, f"{day}_abc_Trade_Tick", trades(100 + number))
    s = td.run(lean(home, bars="[1d]", extra=f"instruments: {home}/table.csv\n"))
    assert (s["accepted"], s["outside"], s["bars"]) == (303, 100, 2), s
    assert s["stderr"].count("beyond the years of their calendar") == 1, s["stderr"]
    return "told once; weekdays and hours go on: 2 bars of 2 sessions, a Saturday's 100 trades in none"


@case
def what_a_table_of_instruments_must_not_say(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    table, calendar = pathlib.Path(f"{home}/table.csv"), pathlib.Path(f"{home}/my.cal")
    for text, said in (("symbol\n", "line 1: the first column is instrument"), ("instrument\nABC\n", "line 2: instrument"),
                       ("instrument,calendar\nLEAN:*,mars\n", "\"mars\" is neither"),
                       (f"instrument,calendar\nLEAN:*,{calendar}\n", "line 2: regular")):
        table.write_text(text, encoding="utf-8")
        calendar.write_text("days mon\nregular 9-17\n", encoding="utf-8")
        file = lean(home, extra=f"instruments: {table}\n")
        checked = subprocess.run([td.PROGRAM, "check", file], stdout=subprocess.PIPE, text=True, check=False)
        assert checked.returncode == 3, checked
        for told in (td.run(file, check=3)["stderr"], checked.stdout):
            assert "instruments:" in told and said in told, told
    return "refused with key, file and line, by run and by check"


@case
def what_is_no_archive_is_not_good(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    pathlib.Path(f"{home}/20131008_abc_Trade_Tick.zip").write_text("no archive", encoding="utf-8")
    file = lean(home)
    checked = subprocess.run([td.PROGRAM, "check", file], stdout=subprocess.PIPE, text=True, check=False)
    assert checked.returncode == 3 and "not good" in checked.stdout, checked
    assert "1 of its files cannot be read to the end; the first: " in checked.stdout and "20131008_abc" in checked.stdout, checked
    return "check answers 3 and names the file"


@case
def missing_files(home):
    s = td.run(td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: lean, path: {home}/none/*.zip }}"]),
               check=3)
    assert "path" in s["stderr"] and "none" in s["stderr"], s["stderr"]
    s = td.run(f"{home}/nothing.yaml", check=2)
    assert "nothing.yaml" in s["stderr"], s["stderr"]
    return "a glob that matches nothing and a configuration that is not there are named"


@case
def lists_in_arguments(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    assert td.run(lean(home), "--set", "bars=[1s, 1m]")["accepted"] == 10
    for value, said in (("[1s, 5x]", "5x"), ("{ a: 1s }", "a list is expected"), ("[1s}]", "neither a list nor a map"),
                        ("[&a [*a]]", "neither a list nor a map"), ("[" * 200 + "]" * 200, "neither a list nor a map")):
        s = td.run(lean(home), "--set", f"bars={value}", check=2)
        assert "--set: bars" in s["stderr"] and said in s["stderr"], (value, s["stderr"])
    return "a list in brackets is taken; one that is none, holds itself or is too deep is refused"


@case
def places_of_what_cannot_be_opened(home):
    s = td.run(td.config(f"{home}/c.yaml", f"{home}/data", ["simulated: { start: yesterday }"]), check=3)
    assert f"{home}/c.yaml:2:5: feeds[0].simulated.start" in s["stderr"], s["stderr"]
    good = td.config(f"{home}/c.yaml", f"{home}/data", ["simulated: { ticks: 10 }"], sink=False,
                     extra="sinks:\n  - sqlite: { file: /proc/none/m.db }\n")
    s = td.run(good, check=3)
    assert f"{home}/c.yaml:6:5: sinks[0].sqlite" in s["stderr"], s["stderr"]
    return "file, line and key of the feed and of the sink"


@case
def check_of_what_is_no_text(home):
    """`check` reads anything: it says one thing or many, and never dies."""
    for content in (b"", b"\xff\xfe\x00", b"feeds: *a\n", b"a: &a [*a]\n", b"feeds: &f [*f]\n", b"- 1\n",
                    b"? [a]\n: b\n", b"feeds:\n  - simulated: {}\nlog: {}\nlog: {}\n", b"{" * 5000,
                    b"feeds: [file: {format: [a]}]\n",
                    b"feeds: [{1: 2}]\nsinks: [3]\nbars: {}\nstrategies: {}\nlog: [1]\nserve: []\nspeed: []\n"):
        path = pathlib.Path(f"{home}/c.yaml")
        path.write_bytes(content)
        done = subprocess.run([td.PROGRAM, "check", "--json", path], stdout=subprocess.PIPE, cwd=home, timeout=20,
                              check=False)
        assert done.returncode == 2 and json.loads(done.stdout)["errors"] > 0, (content[:40], done)
    done = subprocess.run([td.PROGRAM, "check", home], stdout=subprocess.PIPE, cwd=home, timeout=20, check=False)
    assert done.returncode == 2 and b"folder" in done.stdout, done
    return "exit 2 with words, eleven times; a folder, too"


@case
def broken_strategy(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    strategy = pathlib.Path(home) / "s.td"
    strategy.write_text("strategy s on bars(1m)\n  f = smaa(close, 5)\n  buy when f > close\n")
    s = td.run(lean(home, strategies=[strategy]), check=3)
    assert "s.td:2:" in s["stderr"] and "sma" in s["stderr"], s["stderr"]
    return "file, line and the nearest name are said"


@case
def second_process(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(5000))
    file = lean(home)
    first = td.start(file, "--set", "speed=1x")
    try:
        while not (pathlib.Path(home) / "data" / "LOCK").exists():
            assert first.poll() is None, first.stderr.read()
        wait_for_lock(home)
        s = td.run(file, check=3)
        assert f"{home}/data" in s["stderr"] and "another" in s["stderr"], s["stderr"]
        assert first.poll() is None, "the first process must go on"
        ls = subprocess.run([td.PROGRAM, "log", "ls", "--data", f"{home}/data"], stdout=subprocess.PIPE, check=True)
        assert b"tape" in ls.stdout
    finally:
        td.kill(first)
    return "the second run is refused and names the folder; log ls reads beside the first"


def wait_for_lock(home):
    for _ in range(200):
        if list((pathlib.Path(home) / "data").glob("tape-*")):
            return
        time.sleep(0.02)


@case
def port_in_use(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        s = td.run(lean(home, extra=f"serve: {{ listen: {address} }}\n"), check=3)
    assert "serve.listen" in s["stderr"] and address in s["stderr"], s["stderr"]
    s = td.run(lean(home, extra="serve: { listen: 0.0.0.0:8750 }\n"), check=3)
    assert "serve.listen" in s["stderr"] and "loopback" in s["stderr"], s["stderr"]
    return "a port in use and an address other than loopback are refused by key"


@case
def two_feeds_one_instrument(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(10))
    feed = f"file: {{ format: lean, path: {home}/*.zip }}"
    file = td.config(f"{home}/c.yaml", f"{home}/data", [feed, feed])
    s = td.run(file, check=3)
    assert "venue" in s["stderr"] and "LEAN:ABC" in s["stderr"], s["stderr"]
    return "refused, with `venue:` as the cure"


@case
def other_inputs(home):
    lean_zip(home, "20131007_abc_Trade_Tick", trades(100))
    td.run(lean(home))
    lean_zip(home, "20131007_abc_Trade_Tick", trades(50))
    s = td.run(lean(home), check=3)
    assert "other" in s["stderr"] and "log.dir" in s["stderr"], s["stderr"]
    s = td.run(lean(home, partitions=4), check=3)
    assert "partitions" in s["stderr"], s["stderr"]
    return "a log goes on only with the inputs and the partitions it was made of"


def binance(home, name):
    feed = f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz }}"
    return td.config(f"{home}/{name}.yaml", f"{home}/{name}", [feed])


def stop_half_way(home, file):
    """Small batches, then Ctrl-C in the middle: exit code 5."""
    process = td.start(file, "--set", "speed=100x")
    tapes = pathlib.Path(f"{home}/data")
    while process.poll() is None and sum(p.stat().st_size for p in tapes.glob("tape-*/*.log")) < 1000000:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5 and json.loads(out.splitlines()[-1])["finished"] is False, (process.returncode, err)


def last_batch(content):
    """Where it begins."""
    at = size = 0
    while at + size < len(content):
        at += size
        size = 12 + int.from_bytes(content[at + 8 : at + 12], "big")
    return at


@case
def damage_near_the_end(home):
    """What the tape ends with cannot be read: nothing may be appended there a second time."""
    whole, file = binance(home, "whole"), binance(home, "data")
    td.run(whole)
    wanted = {row[:3]: row for row in td.rows(f"{home}/whole", "bars")}
    stop_half_way(home, file)
    for path in pathlib.Path(f"{home}/data").glob("tape-*/*.log"):
        content = bytearray(path.read_bytes())
        # Some batches before the end, also where a busy machine has made the last one long: damage in that one alone is
        # cut like a torn tail, and then the sink is ahead. Eight bytes, since four (the epoch) are in no CRC.
        at = min(len(content) - 3000, last_batch(content) - 100)
        content[at : at + 8] = bytes(byte ^ 0x10 for byte in content[at : at + 8])
        path.write_bytes(content)
    td.run(file, check=1)
    got = td.rows(f"{home}/data", "bars")
    doubled = [row for row in got if row[11] > wanted[row[:3]][11]]
    assert not doubled, doubled[:3]
    return f"{len(got)} bars, none with a trade twice; exit 1"


@case
def another_program_on_a_finished_log(home):
    file = binance(home, "data")
    stop_half_way(home, file)
    s = td.run(file, "--set", "bars=1s,2s,1m")
    assert "changed" in s["stderr"] and s["finished"] is True, s
    widths = {row[1] for row in td.rows(f"{home}/data", "bars")}
    assert widths == {10**9, 2 * 10**9, 5 * 10**9, 60 * 10**9}, widths
    return "stopped with exit 5, went on with another width from there, and said so"


@case
def bench_beside_a_run(home):
    """`bench replay` removes outputs: never beside a run, never in a folder that is no log."""
    other = pathlib.Path(home) / "other" / "snapshots"
    other.mkdir(parents=True)
    (other / "precious").write_text("mine")
    refused = subprocess.run([td.PROGRAM, "bench", "replay", "--data", other.parent], stderr=subprocess.PIPE, check=False)
    assert refused.returncode == 3 and (other / "precious").exists(), refused
    file = binance(home, "data")
    process = td.start(file, "--set", "speed=1x")
    try:
        wait_for_lock(home)
        time.sleep(1)
        refused = subprocess.run([td.PROGRAM, "bench", "replay", "--data", f"{home}/data"], stderr=subprocess.PIPE, check=False)
        assert refused.returncode == 3 and list(pathlib.Path(f"{home}/data").glob("bars-*/*.log")), refused
    finally:
        td.kill(process)
    return "refused twice, nothing removed"


if __name__ == "__main__":
    sys.exit(CASES.run())
