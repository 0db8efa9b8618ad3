"""bench/sections.py - what is measured, a section a function. Each adds rows, and says whether its bounds are met."""
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import flood
import on_kafka
import plans as planning
import stores
from harness import MARKET, PROGRAM, ROOT, WORK, free_port, new_folder, run, start, stop, tool

PYTHON = ROOT / "scripts/python.sh"
APPEND_RECORDS, JSON_FRAMES = 10_000_000, 1_000_000
RATE, LATENCY_S, MEMORY_MAX_MB, STRATEGIES = 100_000, 12, 64, 20


# ---- replay ----

def parquet(bench):
    """The tape's ticks for the others, made once per number of ticks."""
    path = WORK / f"ticks-{bench.ticks}.parquet"
    if not path.exists():
        for old in WORK.glob("ticks-*.parquet"):
            old.unlink()
        part = WORK / "ticks.part"
        with subprocess.Popen([tool("hand_loop"), "--csv", bench.recorded("none")], stdout=subprocess.PIPE) as rows:
            subprocess.run([PYTHON, ROOT / "bench/duckdb_bars.py", part, "--make"], stdin=rows.stdout, check=True)
        part.rename(path)
    return path


def check_same_day(bench, answers):
    """Nobody has left anything out: all saw every tick, and made the same bars."""
    for side, runs in answers.items():
        if runs[0]["ticks"] != bench.ticks:
            sys.exit(f"{side} saw {runs[0]['ticks']} ticks of {bench.ticks}: not the same day")
    by_hand = answers["hand_loop"][0]
    for side in ("duckdb", "polars"):
        theirs = answers[side][0]
        # A trade out of order over a minute's end is put into the open bar by hand, and into its own by the others.
        if theirs["trades"] != by_hand["trades"] or abs(theirs["bars"] - by_hand["bars"]) > by_hand["bars"] / 1000:
            sys.exit(f"{side} and hand_loop do not make the same bars")


def replay(bench):
    os.environ["REQUIREMENTS"] = str(ROOT / "bench/requirements.txt")
    none, lz4, ticks = bench.recorded("none"), bench.recorded("lz4"), parquet(bench)
    mine = [PROGRAM, "bench", "replay", "--json", "--data"]
    answers = bench.alternate({
        "ours": [*mine, none],
        "hand_loop": [tool("hand_loop"), none],
        "ours, lz4": [*mine, lz4],
        "hand_loop, lz4": [tool("hand_loop"), lz4],
        "duckdb": [PYTHON, ROOT / "bench/duckdb_bars.py", ticks],
        "polars": [PYTHON, ROOT / "bench/polars_bars.py", ticks],
        "ours, 2 workers": ([*mine, none, "--workers", "2"], set(bench.cores[:2])),
    })
    check_same_day(bench, answers)
    whole = "bars 1m, 5m, 1h, three strategies, rules, late events; bars and signals appended"
    notes = {"ours": whole, "ours, lz4": whole, "ours, 2 workers": whole,
             "hand_loop": "1-minute bars with VWAP, two averages; nothing appended", "hand_loop, lz4": "the same"}
    rates = {}
    for side, runs in answers.items():
        note = notes.get(side) or f"{runs[0]['version']}: 1-minute bars from Parquet, nothing appended"
        rates[side] = bench.row("replay", side, [r["ticks"] / r["seconds"] / 1e6 for r in runs], "M ticks/s", note)
    ratio = rates["ours"] / rates["hand_loop"]
    bench.bound("replay beside the hand-written loop", f"{ratio:.2f} of it", ratio >= 0.5, "0.5 of it")
    bench.bound("replay, lz4, beside the hand-written loop", f"{rates['ours, lz4'] / rates['hand_loop, lz4']:.2f} of it",
                rates["ours, lz4"] / rates["hand_loop, lz4"] >= 0.4, "as uncompressed")
    for other, wish in (("duckdb", "faster"), ("polars", "aim: faster")):
        bench.bound(f"replay beside {other}", f"{rates['ours'] / rates[other]:.2f} times", rates["ours"] > rates[other], wish)
    if len(bench.cores) > 1:
        gain = rates["ours, 2 workers"] / rates["ours"]
        bench.bound("replay, 1 to 2 workers", f"{gain:.2f} times", gain >= 1.7, "1.7 times")


# ---- stages ----

def stages(bench):
    data = bench.recorded("none")
    command = [tool("stage_bench"), data, "1"]
    answers = bench.alternate({"stages": command, "whole": [PROGRAM, "bench", "replay", "--json", "--data", data]})
    names = [*answers["stages"][0]["stages"], "causes, batches, append"]
    before = [0.0] * bench.runs
    for i, name in enumerate(names):
        last = i == len(names) - 1
        upto = [r["cpu_s"] if last else s["seconds"][0][i] for s, r in zip(answers["stages"], answers["whole"])]
        costs = [(u - b) / bench.ticks * 1e9 for u, b in zip(upto, before)]
        bench.row("stages", name, costs, "ns/tick", "", more_is_better=False)
        before = upto
    bench.row("stages", "the whole replay", [r["cpu_s"] / bench.ticks * 1e9 for r in answers["whole"]], "ns/tick",
              "processor time; each stage: the tape read once more with it, less the same without it", more_is_better=False)


# ---- operators ----

def operators(bench):
    runs = bench.alternate({"operators": [tool("operator_bench"), "100000"]})["operators"]
    for i, function in enumerate(runs[0]["functions"]):
        bench.row("operators", function["call"], [r["functions"][i]["ns"] for r in runs], "ns/bar",
                  f"{function['state_bytes']} B of state", more_is_better=False)


# ---- strategies ----

def write_indicators(folder):
    """As many strategies of five indicators each, none of them equal."""
    for i in range(STRATEGIES):
        n = 5 + i
        text = (f"strategy five_{i:02} on bars(1m)\n"
                f"  buy  when crossover(ema(close, {n}), sma(close, {3 * n})) and rsi(close, {n}) < 70\n"
                f"  exit when close < close[1] - atr({n}) or stddev(close, {2 * n}) == 0\n")
        (folder / f"five_{i:02}.td").write_text(text, encoding="utf-8")


def strategies(bench):
    """The same market with and without them: what they cost of a replay."""
    with new_folder() as home:
        home = pathlib.Path(home)
        write_indicators(home)
        commands = {}
        for side, wanted in (("bars alone", "strategies=[]"), (f"{STRATEGIES} strategies", strategies_in(home))):
            data = home / f"data-{len(commands)}"
            settings = bench.settings(data, "bars=1m,5m,1h", wanted)
            subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *settings, MARKET], cwd=ROOT, check=True,
                           stderr=subprocess.DEVNULL)
            commands[side] = [PROGRAM, "bench", "replay", "--json", "--data", data]
        answers = bench.alternate(commands)
    rates = [bench.row("strategies", side, [r["ticks"] / r["seconds"] / 1e6 for r in runs], "M ticks/s",
                       "bars 1m, 5m, 1h of 800 instruments" + (", five indicators each" if side != "bars alone" else ""))
             for side, runs in answers.items()]
    bench.bound(f"replay with {STRATEGIES} strategies beside bars alone", f"{rates[1] / rates[0]:.2f} of it",
                rates[1] / rates[0] >= 1 / 3, "a third of it")


# ---- plans ----

def plans(bench):
    planning.plans(bench, write_indicators)


# ---- append ----

def append(bench):
    records = max(100_000, min(APPEND_RECORDS, bench.ticks))
    with new_folder() as home, on_kafka.broker(bench, home, "append", "librdkafka") as address:
        answers = {"ours": [], "librdkafka": []}
        for i in range(bench.runs):
            folder = pathlib.Path(home) / f"data-{i}"
            answers["ours"].append(run([tool("append_bench"), folder, records], bench.one_core()))
            shutil.rmtree(folder)
            if address:
                command = [tool("rdkafka_append"), address, f"bench-{i}", records]
                answers["librdkafka"].append(run(command, bench.one_core()))
    ours, theirs = answers["ours"], answers["librdkafka"]
    rate = bench.row("append", "ours", [r["records"] / r["seconds"] / 1e6 for r in ours], "M records/s",
                     f"{ours[0]['record_bytes']:.0f} B, each decoded by its schema first; batches of 64 KB; fsync every "
                     "200 ms and at the end, within the time")
    bench.bound("append with schema check, 100 B, one core", f"{rate:.1f} M/s", rate >= 3, "3 M/s")
    if theirs:
        bench.row("append", "librdkafka", [r["records"] / r["seconds"] / 1e6 for r in theirs], "M records/s",
                  f"{theirs[0]['version']}: {theirs[0]['settings']}; the client on the same core, {on_kafka.BROKER} on the others; "
                  "no schema check, fsync left to the kernel")


# ---- JSON ----

def json_frames(bench):
    frames = max(100_000, min(JSON_FRAMES, bench.ticks))
    with new_folder() as home:
        folder = pathlib.Path(home) / "data"
        answers = bench.alternate({side: [tool("json_bench"), side, folder, frames] for side in ("tapedeck", "simdjson")},
                                  lambda side: shutil.rmtree(folder, ignore_errors=True))
    if not answers["simdjson"][0]["version"].startswith("simdjson"):
        del answers["simdjson"]
        bench.missing("json", "simdjson", "the build found no simdjson")
    if len({runs[0]["checksum"] for runs in answers.values()}) > 1:
        sys.exit("json: the two decoders do not make the same events")
    rates = {}
    for side, runs in answers.items():
        about = f"{runs[0]['version']}; Binance's trades and book tickers, {runs[0]['frame_bytes']:.0f} B"
        for key, name in (("decode_s", "to events"), ("append_s", "to appended events")):
            rates[side, key] = bench.row("json", f"{side} {name}", [r["frames"] / r[key] / 1e6 for r in runs],
                                         "M frames/s", about)
    venue_frames(bench, frames)
    rate = rates["tapedeck", "append_s"]
    bench.bound("JSON frames to appended events, one core", f"{rate:.2f} M/s", rate >= 1, "1 M/s")
    if "simdjson" in answers:
        beside = rates["tapedeck", "decode_s"] / rates["simdjson", "decode_s"]
        bench.bound("decoding beside simdjson", f"{beside:.2f} times", beside >= 1, "the fastest generic library")


def venue_frames(bench, frames):
    """Recorded messages of each venue in the mix in which they came."""
    recorded = sorted((ROOT / "examples/data/cryptofeed").glob("*.ws.*"))
    for path in recorded:
        runs = bench.alternate({"tapedeck": [tool("venue_bench"), frames, path]})["tapedeck"]
        bench.row("json", f"tapedeck {runs[0]['venue']}, recorded, decoded", [r["frames"] / r["decode_s"] / 1e6 for r in runs],
                  "M frames/s", f"{path.name}: {runs[0]['frame_bytes']:.0f} B, {runs[0]['events']} events of {frames}")


# ---- latency ----

def relay_once():
    relay = start([tool("relay")], stdout=subprocess.PIPE)
    try:
        return run([tool("load"), "relay", relay.stdout.readline().strip(), RATE, LATENCY_S], os.sched_getaffinity(0))
    finally:
        stop(relay)


LIVE = """feeds:
  - websocket: {{ url: "ws://127.0.0.1:{port}/", format: binance, lateness: 0s, idle: 10m, reconnect: 1ms }}
bars: [10ms]
strategies: [{strategy}]
log: {{ dir: {data}, partitions: 1 }}
serve: {{ listen: "127.0.0.1:{api}" }}
"""
EVERY_BAR = """strategy every_bar on bars(10ms)
  buy  when close > close[1]
  exit when close < close[1]
"""


def ours_once():
    with new_folder() as home:
        home, api = pathlib.Path(home), free_port()
        load = start([tool("load"), "feed", api, RATE, LATENCY_S], stdout=subprocess.PIPE)
        (home / "every_bar.td").write_text(EVERY_BAR, encoding="utf-8")
        (home / "live.yaml").write_text(LIVE.format(port=load.stdout.readline().strip(), api=api, data=home / "data",
                                                    strategy=home / "every_bar.td"), encoding="utf-8")
        live = start([PROGRAM, "run", "--quiet", home / "live.yaml"], stderr=subprocess.DEVNULL)
        try:
            out, _ = load.communicate(timeout=LATENCY_S + 60)
        finally:
            stop(load)
            stop(live)
        if load.returncode != 0:
            sys.exit("latency: the load generator failed")
        return json.loads(out.splitlines()[-1])


def latency(bench):
    answers = {"relay": [], "ours": []}
    for _ in range(bench.runs):
        answers["relay"].append(relay_once())
        answers["ours"].append(ours_once())
    notes = {"relay": "bytes in to the same bytes out: socket, three hand-offs by eventfd, socket",
             "ours": "bytes in to a signal in a client's hands: WebSocket, JSON, log, 10 ms bars, log, server-sent event"}
    p99 = {}
    for side, runs in answers.items():
        for key, name in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9")):
            value = bench.row("latency", f"{side} {name}", [r[key] for r in runs], "µs",
                              f"{notes[side]}; {runs[0]['samples']} samples a run" if name == "p50" else "", False)
            p99[side] = value if name == "p99" else p99.get(side)
    factor = p99["ours"] / p99["relay"]
    bench.bound(f"latency at {RATE} ticks/s, open loop, p99", f"{factor:.1f} times relay", factor <= 3, "3 times relay")


def handoff(bench):
    with new_folder() as home:
        folder = pathlib.Path(home) / "data"
        sides = {side: ([tool("handoff_bench"), side, folder, RATE, 5], set(bench.cores)) for side in ("ring", "log")}
        answers = bench.alternate(sides, lambda side: shutil.rmtree(folder, ignore_errors=True))
    notes = {"ring": "one thread to another through a ring in memory", "log": "append, page cache, reader; fsync every 200 ms"}
    p99 = {}
    for side, runs in answers.items():
        for key, name in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9")):
            value = bench.row("hand-off", f"{side} {name}", [r[key] for r in runs], "µs",
                              notes[side] if name == "p50" else "", False)
            p99[side] = value if name == "p99" else p99.get(side)
    factor = p99["log"] / p99["ring"]
    bench.bound(f"a hand-off through the log at {RATE}/s, p99", f"{factor:.1f} times a ring", factor <= 2,
                "twice a ring: up to there the simple form stays")


# ---- memory and restart ----

def write_strategies(folder):
    """Twenty different ones, of every kind that the language has."""
    for i in range(STRATEGIES):
        width, fast = ("1m", "5m", "1h")[i % 3], 5 + i
        average = ("sma", "ema")[i % 2]
        text = (f"strategy bench_{i:02} on bars({width})\n"
                f"  fast = {average}(close, {fast})\n"
                f"  slow = sma(close, {3 * fast})\n"
                f"  buy  when crossover(fast, slow) and close > vwap\n"
                f"  exit when crossunder(fast, slow) or close < close[{i % 4 + 1}]\n")
        (folder / f"bench_{i:02}.td").write_text(text, encoding="utf-8")


def strategies_in(folder):
    return f"strategies={','.join(str(p) for p in sorted(folder.glob('*.td')))}"


def anonymous_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


def bytes_in(folder):
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def watch_memory(process, folder):
    """Anonymous memory every 50 ms, until the folder has not grown for a second and a half."""
    samples, size, since = [], -1, time.monotonic()
    while process.poll() is None and time.monotonic() - since < 1.5:
        samples.append(anonymous_mb(process.pid))
        now = bytes_in(folder)
        if now != size:
            size, since = now, time.monotonic()
            grown = len(samples)
        time.sleep(0.05)
    if process.poll() is not None:
        sys.exit("memory: the run ended by itself")
    return samples[:grown]


def memory(bench):
    with new_folder() as home:
        home = pathlib.Path(home)
        write_strategies(home)
        changes = [strategies_in(home), "speed=max", f"sinks.0.sqlite.file={home}/data/market.db", "serve.listen=127.0.0.1:0"]
        config = home / "memory.yaml"
        config.write_text((ROOT / "bench/bench.yaml").read_text(encoding="utf-8") +
                          "sinks:\n  - sqlite: { file: market.db }\nserve: { listen: 127.0.0.1:0 }\n", encoding="utf-8")
        process = start([PROGRAM, "run", "--quiet", *bench.settings(home / "data", *changes), config],
                        stderr=subprocess.DEVNULL)
        samples = watch_memory(process, home / "data")
        stop(process, signal.SIGKILL)
        crash = run([PROGRAM, *RESTART, home / "data", "--workers", len(bench.cores)], set(bench.cores))
    late = len(samples) * 3 // 4
    growth = max(samples[late:]) - max(samples[:late])
    about = f"{STRATEGIES} strategies, 800 instruments, SQLite, dashboard"
    peak = bench.row("memory", "anonymous, peak", [max(samples)], "MB", about, False)
    bench.row("memory", "growth in the last quarter", [growth], "MB", "of the peak", False)
    bench.bound("anonymous memory", f"{peak:.0f} MB", peak <= MEMORY_MAX_MB, f"{MEMORY_MAX_MB} MB")
    bench.bound("memory is flat over the day", f"{growth:+.1f} MB", growth < 1, "under 1 MB in the last quarter")
    bench.row("restart", "after kill -9, to the first new signal", [crash["seconds"]], "s",
              f"snapshots as they were; {STRATEGIES} strategies; opening and repair {crash['opened_s']:.2f} s, level with "
              f"the tape after {crash['level_s']:.2f} s", False)
    bench.bound("restart after kill -9", f"{crash['seconds']:.2f} s", crash["seconds"] <= 1, "1 s")


RESTART = ["bench", "restart", "--json", "--data"]


def restart(bench):
    data = bench.recorded("none")
    bench.record("none")  # brings it level, and ends as any run ends: with snapshots
    command = [PROGRAM, *RESTART, data]
    kept = [run([*command, "--workers", len(bench.cores)], set(bench.cores)) for _ in range(bench.runs)]
    shutil.rmtree(data / "snapshots")
    rebuilt = run(command, bench.one_core())
    again = run([PROGRAM, "bench", "replay", "--json", "--data", data], bench.one_core())
    note = f"{bench.ticks / 1e6:g} M ticks in the log; its opening included"
    seconds = bench.row("restart", "with a snapshot, to the first new signal", [r["seconds"] for r in kept], "s", note, False)
    bare = bench.row("restart", "without one", [rebuilt["seconds"]], "s", "one core; a replay takes "
                     f"{again['seconds']:.2f} s", False)
    bench.bound("restart with a snapshot", f"{seconds:.2f} s", seconds <= 1, "1 s")
    bench.bound("restart without one", f"{bare / again['seconds']:.2f} replays", bare <= 1.3 * again["seconds"], "one replay")


# ---- a day ----

def day(bench):
    """Whether a tick late in the day costs what one of the morning does: the slope of p50 and p99 over its quarters."""
    data = bench.recorded("none")
    runs = bench.alternate({"ours": [PROGRAM, "bench", "replay", "--json", "--data", data]})["ours"]
    for key, name in (("tick_p50_ns", "p50"), ("tick_p99_ns", "p99")):
        quarters = [bench.row("day", f"a tick, {name}, quarter {q + 1}", [r[key][q] for r in runs], "ns/tick",
                              f"{bench.ticks / 1e6:g} M ticks, each partition's tape in four parts" if q == 0 else "", False)
                    for q in range(4)]
        slope = statistics.median((r[key][3] / r[key][0] - 1) * 100 for r in runs)
        bench.bound(f"{name} is flat over the day", f"{slope:+.1f} %", max(quarters[1:]) <= 1.25 * quarters[0],
                    "no quarter a quarter above the first")


# ---- snapshots ----

def snapshot(bench):
    """How long a worker stands while its state is copied: all instruments in its one partition, four widths."""
    ticks = min(bench.ticks, 1_000_000)
    with new_folder() as home:
        home = pathlib.Path(home)
        data = home / "data"
        write_strategies(home)
        settings = bench.settings(data, "log.partitions=1", "bars=1s,1m,5m,1h", strategies_in(home),
                                  f"feeds.0.simulated.ticks={ticks}")
        subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *settings, MARKET], cwd=ROOT, check=True,
                       stderr=subprocess.DEVNULL)
        command = [PROGRAM, "bench", "snapshot", "--json", "--data", data]
        runs = bench.alternate({"ours": command})["ours"]
        size_mb = (data / "snapshots/tape-0.snapshot").stat().st_size / 1e6
    about = (f"800 instruments in one partition, bars 1s, 1m, 5m, 1h, {STRATEGIES} strategies: {size_mb:.1f} MB; "
             f"{runs[0]['snapshots']} a run")
    bench.row("snapshot", "the worker stands, median", [r["median_ms"] for r in runs], "ms", about, False)
    most = bench.row("snapshot", "the worker stands, at most", [r["most_ms"] for r in runs], "ms", "", False)
    bench.bound("a snapshot's copy, at most", f"{most:.1f} ms", most < 5, "5 ms")


def feeds(bench):
    """Many connections at once; the sender, on the same processors, waits where nobody reads."""
    runs = [flood.once(flood.SECONDS, flood.RATE) for _ in range(bench.runs)]
    about = (f"{flood.PRODUCTS} instruments over {flood.CONNECTIONS} connections, Coinbase's matches and tickers, "
             f"{runs[0]['frame_bytes']} B")
    rate = bench.row("feeds", "taken in", [r["sent"] / r["seconds"] for r in runs], "messages/s", about)
    bench.row("feeds", "processor time, all threads", [r["cpu_us"] for r in runs], "µs/message", "", False)
    for key, name in (("p50_us", "p50"), ("p99_us", "p99")):
        bench.row("feeds", f"from due to received, {name}", [r["on_tape"][key] / 1e3 for r in runs], "ms",
                  "with what the sender was late" if name == "p50" else "", False)
    bench.row("feeds", "from received to appended, p99", [r["wait_ms"][0.99] or 10_000 for r in runs], "ms",
              "no more than that; of each round the message that came first", False)
    growth = bench.row("feeds", "memory, last quarter less first", [r["growth_mb"] for r in runs], "MB", "anonymous", False)
    wrong = "; ".join(filter(None, map(flood.lost, runs)))
    bench.bound("many connections: nothing lost", wrong or f"{len(runs)} times all of them", not wrong, "ids without holes")
    bench.bound("many connections", f"{rate:.0f} messages/s", rate >= 0.99 * flood.RATE, f"{flood.RATE} messages/s")
    bench.bound("many connections: memory", f"{growth:+.1f} MB", growth < flood.GROWTH_MAX_MB,
                f"under {flood.GROWTH_MAX_MB} MB more")


ALL = {"replay": replay, "stages": stages, "operators": operators, "strategies": strategies, "plans": plans, "append": append,
       "kafka": on_kafka.log_on_kafka, "floor": on_kafka.floor,
       "json": json_frames, "latency": latency, "handoff": handoff, "memory": memory, "restart": restart,
       "snapshot": snapshot, "day": day, "feeds": feeds, "stores": stores.stores}
