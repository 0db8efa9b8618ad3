#!/usr/bin/env python3
"""tests/e2e/explain.py - every signal explains itself, and what was altered is seen: signals of all statuses are made
again, what failed is held to arithmetic of its own, then a stored signal, a record of the tape and a bit are changed.
"""
import gzip
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tapedeck as td  # noqa: E402

MINUTES, SYMBOLS, START_MS = 90, ("AAAUSDT", "BBBUSDT"), 1723162200000  # ten past
STRATEGY = """strategy crossing on bars(1m) for BINANCE:*
  param n = 9
  slow = sma(close, n)
  buy when crossover(sma(close, 3), slow) note "up"
  sell when crossunder(sma(close, 3), slow)

strategy level on bars(1m) for BINANCE:*
  buy when close > 10050.5 and volume > 1
  sell when close < 9950.25
"""
cases = td.Cases()


def tapedeck(*words, check=0):
    done = subprocess.run([td.PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done.stdout if done.stdout else done.stderr


def explain(data, *words, check=0):
    return json.loads(tapedeck("explain", *words, "--json", "--data", data, check=check))


def topic(data, name):
    return [json.loads(line) for line in tapedeck("log", "cat", name, "--data", data).splitlines()]


def record(home, late_share=0, ids="ordered"):
    """A seeded market, a trade of each symbol every two seconds; `late_share` of 100 come up to a minute late. Where
    ids count such a trade is a gap until it comes, over which strategies withhold; else bars are revised."""
    dice, messages = random.Random(7), []
    for symbol in SYMBOLS:
        price = 10000
        for n in range(MINUTES * 30):
            price += dice.randrange(-12, 13)
            at = START_MS + n * 2000 + dice.randrange(2000)
            late = dice.randrange(60_000) if dice.randrange(100) < late_share else dice.randrange(50)
            messages.append((at + late, json.dumps({"stream": f"{symbol.lower()}@trade", "data": {
                "e": "trade", "s": symbol, "t": n, "p": str(price), "q": "1", "T": at, "m": True}})))
    messages.sort(key=lambda message: message[0])
    with gzip.open(f"{home}/market.gz", "wt", compresslevel=1) as out:
        out.writelines(f"{ms}000000 {text}\n" for ms, text in messages)
    pathlib.Path(f"{home}/s.td").write_text(STRATEGY, encoding="utf-8")
    file = td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {home}/market.gz, rules: off, trade_ids: {ids} }}"],
                     bars="[10s, 1m]", strategies=[f"{home}/s.td"], partitions=2, sink=False)
    td.run(file)
    return f"{home}/data"


def check_judgement(j):
    fired = [a for a in j["actions"] if a["verdict"] == "fired"]
    assert j["same"] and j["held"] == j["signal"], j
    if j["signal"]["status"] != "withdrawn":
        assert [a["action"] for a in fired] == [j["signal"]["action"]], j
        assert fired[0]["condition"]["value"] is True and fired[0]["note"] == j["signal"]["note"], j
    if j["signal"]["status"] == "fresh":
        assert j["target_after"] == j["signal"]["target"] != j["target_before"], j
    if j["signal"]["status"] == "withheld":
        assert j["bar"]["quality"] == "partial" and j["target_after"] == j["target_before"], j


@cases.add
def all_signals_are_made_again(home):
    told = []
    for ids, wanted in (("any", {"fresh", "late", "withdrawn"}), ("ordered", {"fresh", "late", "withheld"})):
        pathlib.Path(f"{home}/{ids}").mkdir()
        data = record(f"{home}/{ids}", 30 if ids == "any" else 8, ids)
        signals = topic(data, "signals")
        statuses = {r["value"]["status"] for r in signals}
        assert statuses >= wanted, statuses
        everything = explain(data, "--all")
        assert everything["signals"] == len(signals) and everything["bars"] == len(topic(data, "bars")), everything
        assert everything["differences"] == 0 and everything["partial"] == 0, everything
        of_status = {r["value"]["status"]: r["value"]["id"] for r in signals}
        some = sorted(set(random.Random(1).sample([r["value"]["id"] for r in signals], 6)) | set(of_status.values()))
        for name in some:
            x = explain(data, name)
            assert x["holds"], (name, x)
            assert [j["signal"] for j in x["judgements"]] == [r["value"] for r in signals if r["value"]["id"] == name]
            for j in x["judgements"]:
                check_judgement(j)
        told.append(f"{len(signals)} signals {', '.join(sorted(statuses))}, {len(some)} one by one")
    return "; ".join(told)


@cases.add
def what_failed_is_off_by_so_much(home):
    data = record(home)
    bars = [r["value"] for r in topic(data, "bars") if r["value"]["width_ns"] == 60 * 10**9]
    signals = {(r["key"], r["value"]["strategy"], r["value"]["event_ns"]): r["value"] for r in topic(data, "signals")}
    dice, offs, warming, held = random.Random(3), 0, 0, 0
    for bar in dice.sample(bars, 16) + bars[:4]:
        at = str(bar["start_ns"] + dice.randrange(60 * 10**9))
        j = explain(data, "level", bar["instrument"], at)["judgements"][0]
        signal = signals.get((bar["instrument"], "level", bar["end_ns"]))
        assert (j["signal"] or {}).get("id") == (signal or {}).get("id"), (bar, j)
        close = Decimal(bar["close"])
        buy, sell = j["actions"]
        for action, limit, wrong in ((buy["condition"]["parts"][0], "10050.5", close <= Decimal("10050.5")),
                                     (sell["condition"], "9950.25", close >= Decimal("9950.25"))):
            assert action["value"] is not wrong and action["parts"][0]["value"] == bar["close"], (bar, action)
            if wrong:
                assert Decimal(action["off"]) == close - Decimal(limit), (bar, action)
                assert abs(action["off_share"] - float((close - Decimal(limit)) / Decimal(limit))) < 1e-12
                offs += 1
        if buy["condition"]["value"] and signal is None:
            assert buy["verdict"] == "there" and j["target_before"] == "1", j
            held += 1
    first = sorted(bar["start_ns"] for bar in bars if bar["instrument"] == "BINANCE:AAAUSDT")
    for n in (0, 4, 7):
        j = explain(data, "crossing", "BINANCE:AAAUSDT", str(first[n]))["judgements"][0]
        slow = j["actions"][0]["condition"]["parts"][1]
        assert j["actions"][0]["verdict"] == "na" and slow["text"] == "slow = sma(close, n)", j
        assert slow["value"] is None and slow["warming_up"] == {"bar": n + 1, "of": 9}, slow
        warming += 1
    assert offs >= 16, offs
    slows = [explain(data, "crossing", "BINANCE:AAAUSDT", str(start))["judgements"][0]["actions"][0]["condition"]["parts"][1]
             for start in first[20:24]]
    for earlier, later in zip(slows, slows[1:]):
        assert later["before"] == earlier["value"] != later["value"], (earlier, later)
    text = tapedeck("explain", "crossing", "BINANCE:AAAUSDT", first[4], "--data", data)
    assert "warming up: bar 5 of 9" in text and "no signal" in text, text
    return f"{offs} comparisons off as reckoned, {warming} warming up, {held} there already"


TIMED = """strategy timed on bars(1m) for V:*
  param begin = 15:03 in 12:00..15:30 step 15m
  param limit = 90s in 1m..10m step 1m
  age = quote.age
  buy  when time >= begin and age + 20s < limit
  exit when time > 16:00
"""


def typed_parts(part):
    """Of a condition's tree those that say to be times or durations, by their text."""
    found = {part["text"]: part} if "type" in part else {}
    for inner in part.get("parts", []):
        found |= typed_parts(inner)
    return found


@cases.add
def times_and_durations_are_words(home):
    minutes = [f"2026-03-02T15:{n:02}:00Z,V:X,{10 + n},1" for n in range(8)]
    for name, lines in (("trades", ["time,instrument,price,size", *minutes]),
                        ("quotes", ["time,instrument,bid,ask", "2026-03-02T15:02:59.123456Z,V:X,9,10"])):
        pathlib.Path(f"{home}/{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pathlib.Path(f"{home}/s.td").write_text(TIMED, encoding="utf-8")
    file = td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: csv, rules: off, path: '{home}/*.csv' }}"],
                     bars="[1m]", strategies=[f"{home}/s.td"], partitions=1, sink=False)
    td.run(file)
    j = explain(f"{home}/data", "timed", "V:X", "2026-03-02T15:04:30Z")["judgements"][0]
    assert j["params"] == {"limit": "90"}, j["params"]
    parts = {text: part for action in j["actions"] for text, part in typed_parts(action["condition"]).items()}
    words = {text: (part["type"], part["value"], part["value_text"]) for text, part in parts.items()}
    assert words == {"time": ("time", "1772463900", "2026-03-02T15:05:00Z"),
                     "begin = 15:03": ("time", "1772463780", "2026-03-02T15:03:00Z"),
                     "16:00": ("time", "1772467200", "2026-03-02T16:00:00Z"),
                     "age + 20s": ("duration", "140.876544", "2m20.876544s"),
                     "age = quote.age": ("duration", "120.876544", "2m0.876544s"),
                     "20s": ("duration", "20", "20s"), "limit = 90s": ("duration", "90", "1m30s")}, words
    assert (parts["age = quote.age"]["before"], parts["age = quote.age"]["before_text"]) == ("60.876544", "1m0.876544s")
    short, late = j["actions"][0]["condition"]["parts"][1], j["actions"][1]["condition"]
    assert (short["off"], short["off_text"]) == ("50.876544", "50.876544s") and abs(short["off_share"] - 0.56529493) < 1e-8
    assert (late["off"], late["off_text"]) == ("-3300", "-55m") and "off_share" not in late, late  # no share of an epoch
    text = tapedeck("explain", "timed", "V:X", "2026-03-02T15:04:30Z", "--data", f"{home}/data")
    assert "  limit = 1m30s; target 1 before" in text and "  1m0.876544s     2m0.876544s\n" in text, text
    assert "  2026-03-02T15:04:00Z  2026-03-02T15:05:00Z\n" in text and "off by -55m\n" in text, text
    assert "off by +50.876544s, +57 %" in text and "1772463" not in text, text
    first = explain(f"{home}/data", "timed", "V:X", "2026-03-02T15:01:30Z")["judgements"][0]
    parts = {text: part for action in first["actions"] for text, part in typed_parts(action["condition"]).items()}
    assert parts["age = quote.age"]["value"] is None and "value_text" not in parts["age = quote.age"], parts
    return f"{len(words)} parts, what one of a time and one of a duration are off by"


# ---- tampering: Kafka's batches as they lie in the file, written anew with a right CRC ----

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def tamper(data, name, partition, offset, change, mend=True):
    """Changes the batch that holds the record: `change` gets its bytes and its place among the batch's records."""
    path = pathlib.Path(f"{data}/{name}-{partition}/00000000000000000000.log")
    log, at = bytearray(path.read_bytes()), 0
    while True:
        base, size = struct.unpack_from(">qi", log, at)
        count = struct.unpack_from(">i", log, at + 57)[0]
        if base <= offset < base + count:
            break
        at += 12 + size
    body = bytearray(log[at:at + 12 + size])
    assert change(body), "nothing was changed"
    if mend:
        struct.pack_into(">I", body, 17, crc32c(body[21:]))
    log[at:at + 12 + size] = body
    path.write_bytes(log)


def replace(old, new, behind):
    """The first such bytes behind others that stand nowhere else."""
    def change(body):
        begin = body.find(behind)
        place = body.find(old, begin)
        body[place:place + len(old)] = new
        return begin > 0 and place > begin and len(old) == len(new)
    return change


def zigzag(number):
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


@cases.add
def an_altered_signal_is_seen(home):
    data = record(home)
    signal = next(r for r in topic(data, "signals")[3:] if r["value"]["note"] == "up")
    value = signal["value"]
    tamper(data, "signals", signal["partition"], signal["offset"], replace(b"\x04up", b"\x04UP", value["id"].encode()))
    x = explain(data, value["id"], check=1)
    j = x["judgements"][0]
    assert not x["holds"] and not j["same"], x
    assert j["signal"] == value and j["held"]["note"] == "UP", j
    everything = explain(data, "--all", check=1)
    assert everything["differences"] == 1, everything
    place = f"signals-{signal['partition']}: offset {signal['offset']} (cause {signal['cause']})"
    assert place in everything["found"][0] and place in x["found"][0], everything
    text = tapedeck("explain", value["id"], "--data", data, check=1)
    assert "the tape makes ANOTHER one" in text, text
    untouched = next(r for r in topic(data, "signals") if r["value"]["note"] == "up" and r["offset"] != signal["offset"]
                     and r["partition"] != signal["partition"])
    assert explain(data, untouched["value"]["id"])["holds"]
    return f"found at {place}"


@cases.add
def an_altered_trade_is_seen(home):
    data = record(home)
    signal = next(r for r in topic(data, "signals")[3:] if r["value"]["strategy"] == "crossing")
    cause = int(signal["cause"].split("/")[3])
    trades = [r for r in topic(data, "tape") if r["partition"] == signal["partition"] and r["key"] == signal["key"]
              and r["value"]["schema"] == "Trade" and r["offset"] < cause]
    price = lambda text: int(Decimal(text) * 10**9).to_bytes(8, "big").lstrip(b"\0")  # noqa: E731
    old = trades[-1]["value"]["price"]
    tamper(data, "tape", signal["partition"], trades[-1]["offset"],
           replace(price(old), price(str(int(old) + 7)), zigzag(trades[-1]["value"]["event_ns"])))
    everything = explain(data, "--all", check=1)
    assert everything["differences"] >= 1 and any("bars-" in found for found in everything["found"]), everything
    shutil.rmtree(f"{data}/snapshots")
    x = explain(data, signal["value"]["id"], check=1)
    assert not x["holds"] and x["differences"] >= 1, x
    return f"{everything['differences']} outputs are not what the altered tape makes"


@cases.add
def a_damaged_tape_is_told(home):
    data = record(home)
    signal = topic(data, "signals")[-1]
    cause = int(signal["cause"].split("/")[3])
    shutil.rmtree(f"{data}/snapshots")

    def flip(body):
        body[-3] ^= 1
        return True
    tamper(data, "tape", signal["partition"], cause // 2, flip, mend=False)
    told = tapedeck("explain", signal["value"]["id"], "--data", data, check=1)
    assert f"tape-{signal['partition']}" in told, told
    return told.strip()


def config_of_ticks(home, names, between=""):
    """Over six minutes of two symbols, or some of them."""
    return td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {td.ROOT}/examples/data/binance/*.gz{between} }}"],
                     bars="[1s, 5s, 1m]", partitions=2, sink=False,
                     strategies=[td.ROOT / "tests" / "data" / f"{name}.td" for name in names])


def record_rules(home):
    """Strategies on ticks, and such with rules."""
    td.run(config_of_ticks(home, ("ticks", "rules")))
    return f"{home}/data"


@cases.add
def levels_and_ticks_explain_themselves(home):
    data = record_rules(home)
    signals, fills = topic(data, "signals"), topic(data, "fills")
    everything = explain(data, "--all")
    assert (everything["signals"], everything["fills"]) == (len(signals), len(fills)), everything
    assert everything["differences"] == 0 and len(fills) > 500, everything
    kinds = {}
    for r in signals:
        kinds.setdefault((r["value"]["strategy"], r["value"]["action"], r["value"]["reason"]), []).append(r["value"])
    assert {reason for _, _, reason in kinds} >= {"stop", "trail", "target", ""} and len(kinds) > 12, sorted(kinds)
    for (_, action, reason), some in kinds.items():
        told = random.Random(2).choice(some)
        j = explain(data, told["id"])["judgements"][0]
        assert j["same"] and j["signal"] == told, (told, j)
        fired = [a["action"] for a in j["actions"] if a["verdict"] == "fired"]
        by_level = [level for level in j["levels"] if level["kind"] == reason and Decimal(level["away"] or 1) <= 0]
        assert fired == [action] or (fired == [] and by_level and j["target_after"] == "0"), (told, j)
        assert j["target_after"] == told["target"] != j["target_before"], (told, j)
    return f"{len(signals)} signals and {len(fills)} fills, {len(kinds)} kinds one by one"


@cases.add
def ticks_that_gave_nothing_say_why(home):
    """Of each tick the last one up to a time; verdicts and levels are held to the signals around it."""
    data = record_rules(home)
    signals = [r for r in topic(data, "signals") if r["value"]["strategy"] in ("nimble", "leaning", "pressure")]
    dice, verdicts, levels, told = random.Random(4), set(), 0, 0
    for _ in range(40):
        near = dice.choice(signals)
        name, at = near["value"]["strategy"], near["value"]["event_ns"] + dice.randrange(3 * 10**9)
        x = explain(data, name, near["key"], str(at))
        j = x["judgements"][0]
        ran_ns = j["record"]["event_ns"]
        assert x["holds"] and j["bar"] is None and ran_ns <= at, x
        of_run = [r["value"] for r in signals if r["key"] == near["key"] and r["value"]["strategy"] == name
                  and r["cause"].startswith(f"tape/{j['cause']['partition']}/{j['cause']['epoch']}/{j['cause']['offset']}/")
                  and r["value"]["reason"] not in ("stop", "trail", "target")]
        assert [j["signal"]] == (of_run or [None]), (j, of_run)
        fired = [a["action"] for a in j["actions"] if a["verdict"] == "fired"]
        assert fired == [s["action"] for s in of_run if s["status"] == "fresh"] or j["signal"]["status"] == "withheld", j
        before = [r["value"] for r in signals if r["key"] == near["key"] and r["value"]["strategy"] == name
                  and r["value"]["status"] == "fresh" and int(r["cause"].split("/")[3]) < j["cause"]["offset"]]
        assert of_run or not before or j["target_before"] == j["target_after"] in (before[-1]["target"], "0"), (j, before[-1])
        verdicts |= {a["verdict"] for a in j["actions"]}
        levels += sum(level["price"] is not None for level in j["levels"])
        told += not of_run
    assert verdicts >= {"false", "held_back", "there"} and levels > 5 and told > 20, (verdicts, levels, told)
    return f"{told} ticks without a signal: {', '.join(sorted(verdicts))}; {levels} levels"


def last_up_to(records, at_ns):
    """By time, of several of one time the last in the log behind the others."""
    return sorted((r for r in records if r["value"]["event_ns"] <= at_ns), key=lambda r: r["value"]["event_ns"])


@cases.add
def ticks_that_waited_say_why(home):
    """The last up to a time that ran a strategy which waits: of it are its values and how far they were off, not of the
    record that moved time; what it led to and the values before are its own, though one record runs several."""
    td.run(config_of_ticks(home, ("ticks",), ', from: "23:55:00", to: "23:55:40"'))
    data = f"{home}/data"
    tape = [r for r in topic(data, "tape") if r["value"]["schema"] in ("Trade", "Quote")]
    signals = [r for r in topic(data, "signals") if r["value"]["strategy"] == "waits"]
    dice, offs, acted = random.Random(5), 0, 0
    for near in dice.sample([r for r in tape if r["value"]["schema"] == "Trade"], 14) + signals[:8]:
        trades, quotes = ([r for r in tape if r["key"] == near["key"] and r["value"]["schema"] == schema]
                          for schema in ("Trade", "Quote"))
        at = near["value"]["event_ns"] + (dice.randrange(3 * 10**9) if near not in signals else 0)
        x = explain(data, "waits", near["key"], str(at))
        j, tick = x["judgements"][0], x["judgements"][0]["tick"]
        ran = [r["value"] for r in last_up_to(trades, at)]
        assert x["holds"] and tick == {"kind": "trade"} | {k: ran[-1][k] for k in ("event_ns", "price", "size")}, (tick, ran[-1])
        assert j["record"]["receive_ns"] >= ran[-1]["receive_ns"], j
        known = [r for r in quotes if r["offset"] < j["cause"]["offset"]]
        price, bid = Decimal(tick["price"]), Decimal(last_up_to(known, tick["event_ns"])[-1]["value"]["bid_price"])
        leave = j["actions"][1]["condition"]
        assert (leave["parts"][0]["value"], leave["parts"][1]["value"]) == (str(price), str(bid)), (leave, bid)
        if price >= bid:
            assert Decimal(leave["off"]) == price - bid and leave["value"] is False, leave
            offs += 1
        if len(ran) > 1:
            assert leave["parts"][0]["before"] == ran[-2]["price"], (leave, ran[-2])
        if j["signal"] is not None:
            assert j["signal"]["event_ns"] == tick["event_ns"] and j["signal"] in [r["value"] for r in signals], j
            by_id = explain(data, j["signal"]["id"])["judgements"][0]
            assert [by_id[k] for k in ("tick", "actions")] == [j[k] for k in ("tick", "actions")], (by_id, j)
            acted += 1
    assert offs > 10 and acted > 4, (offs, acted)
    return f"{offs} comparisons off as reckoned, {acted} runs that acted"


@cases.add
def a_trade_that_came_late_is_not_the_last(home):
    """It ran the strategy when it came, behind one that is of a later time, and that is the one that is asked for."""
    with gzip.open(f"{home}/market.gz", "wt", compresslevel=1) as out:
        for n, (at, came) in enumerate(((0, 0), (1000, 1000), (2000, 2000), (500, 5000), (6000, 6000), (9000, 9000))):
            data = {"e": "trade", "s": "AAAUSDT", "t": n, "p": str(100 + n), "q": "1", "T": START_MS + at, "m": True}
            out.write(f"{START_MS + came}000000 {json.dumps({'stream': 'aaausdt@trade', 'data': data})}\n")
    pathlib.Path(f"{home}/s.td").write_text("strategy w on trades\n  buy when price > 200 and asof(quote, 1s).age < 1s\n",
                                            encoding="utf-8")
    td.run(td.config(f"{home}/c.yaml", f"{home}/data",
                     [f"file: {{ format: binance-collector, path: {home}/market.gz, rules: off, trade_ids: any }}"],
                     bars="[1m]", strategies=[f"{home}/s.td"], partitions=1, sink=False))
    for at, price in ((2100, "102"), (700, "103")):
        j = explain(f"{home}/data", "w", "BINANCE:AAAUSDT", str((START_MS + at) * 10**6))["judgements"][0]
        assert j["tick"]["price"] == price, (at, j)
    return "each of its time"


@cases.add
def what_waits_still_is_told(home):
    """The newest trade of a run that was killed has not run it."""
    process = td.start(config_of_ticks(home, ("ticks",)), "--set", "speed=20x")
    tape = pathlib.Path(f"{home}/data")
    td.wait_for(lambda: sum(f.stat().st_size for f in tape.glob("tape-*/*.log")) > 1 << 20, "a tape")
    td.kill(process)
    trades = [r for r in topic(f"{home}/data", "tape") if r["value"]["schema"] == "Trade"]
    last = max(trades, key=lambda r: (r["value"]["event_ns"], r["offset"]))
    said = tapedeck("explain", "waits", last["key"], str(last["value"]["event_ns"]), "--data", f"{home}/data", check=3)
    assert "waits still" in said, said
    first = min(t["value"]["event_ns"] for t in trades if t["key"] == last["key"])
    assert explain(f"{home}/data", "waits", last["key"], str(first + 2 * 10**9))["judgements"][0]["tick"]
    return said.strip()


@cases.add
def news_say_why(home):
    """A strategy on news and when none of them moved it."""
    pathlib.Path(f"{home}/trades.csv").write_text("time,instrument,price,size\n" + "".join(
        f"2026-03-02T14:30:{n:02}Z,X:A,{100 + n},1\n" for n in range(60)), encoding="utf-8")
    pathlib.Path(f"{home}/news.csv").write_text("time,instrument,headline,sentiment\n2026-03-02T14:30:10Z,X:A,Up,0.25\n"
                                                "2026-03-02T14:30:20Z,X:A,More,0.75\n", encoding="utf-8")
    pathlib.Path(f"{home}/s.td").write_text("strategy mood on news\n  buy when sentiment > 0.5\n", encoding="utf-8")
    file = td.config(f"{home}/c.yaml", f"{home}/data", [f"file: {{ format: csv, path: {home}/*.csv }}"], bars="[1m]",
                     partitions=1, sink=False, strategies=[f"{home}/s.td"])
    td.run(file)
    for second, sentiment, off in ((15, 0.25, -0.25), (25, 0.75, None)):
        buy = explain(f"{home}/data", "mood", "X:A", f"2026-03-02T14:30:{second}Z")["judgements"][0]["actions"][0]
        assert (buy["condition"]["parts"][0]["value"], buy["condition"].get("off")) == (sentiment, off), buy
    said = tapedeck("explain", "mood", "X:A", "2026-03-02T14:30:05Z", "--data", f"{home}/data", check=3)
    assert "no news of" in said, said
    return "two headlines"


@cases.add
def an_altered_stop_is_seen(home):
    """The signal of a level on ticks and its fill: each alone is found by its place."""
    data, found = record_rules(home), []
    stop = next(r for r in topic(data, "signals")[50:] if r["value"]["reason"] == "stop" and r["value"]["width_ns"] == 0)
    fill = next(r for r in topic(data, "fills") if r["value"]["signal"] == stop["value"]["id"])
    behind = stop["value"]["id"].encode()
    for n, (name, record_of, old, new) in enumerate((("signals", stop, b"\x08stop", b"\x08stay"),
                                                     ("fills", fill, b"\x08next", b"\x08last"))):
        tamper(data, name, record_of["partition"], record_of["offset"], replace(old, new, behind))
        everything = explain(data, "--all", check=1)
        assert everything["differences"] == n + 1, everything
        place = f"{name}-{record_of['partition']}: offset {record_of['offset']} (cause {record_of['cause']})"
        assert any(place in line for line in everything["found"]), everything
        found.append(place)
    x = explain(data, stop["value"]["id"], check=1)
    assert not x["holds"] and x["judgements"][0]["held"]["reason"] == "stay", x
    return "; ".join(found)


@cases.add
def an_altered_tick_is_seen(home):
    """A price that strategies on trades have read and levels were held against."""
    data = record_rules(home)
    stop = next(r for r in topic(data, "signals")[50:] if r["value"]["reason"] == "stop" and r["value"]["width_ns"] == 0)
    cause = int(stop["cause"].split("/")[3])
    trade = next(r for r in topic(data, "tape") if r["partition"] == stop["partition"] and r["offset"] == cause)
    price = lambda text: int(Decimal(text) * 10**9).to_bytes(8, "big").lstrip(b"\0")  # noqa: E731
    old = trade["value"]["price"]
    tamper(data, "tape", stop["partition"], cause, replace(price(old), price(str(Decimal(old) + 1)),
                                                           zigzag(trade["value"]["event_ns"])))
    everything = explain(data, "--all", check=1)
    assert everything["differences"] >= 1 and any(line.startswith("signals-") for line in everything["found"]), everything
    return f"{everything['differences']} outputs are not what the altered tape makes"


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@cases.add
def a_running_process_explains_over_http(home):
    data = record(home)
    signal = topic(data, "signals")[2]["value"]["id"]
    wanted = explain(data, signal)
    file = pathlib.Path(f"{home}/c.yaml")
    file.write_text(file.read_text(encoding="utf-8") + "serve: { listen: 127.0.0.1:0 }\n", encoding="utf-8")
    process = subprocess.Popen([td.PROGRAM, "run", "--quiet", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        address = pathlib.Path(f"{data}/SERVE")
        td.wait_for(lambda: address.exists() and address.read_text(encoding="utf-8").strip(), "the server")
        url = address.read_text(encoding="utf-8").strip() + "/api/v1/explain?signal="
        assert get(url + urllib.parse.quote(signal)) == (200, wanted)
        for asked, code, said in ((signal.replace("#1", "#7"), 404, "the log has no signal"),
                                  ("crossing", 400, "not a signal's id")):
            status, told = get(url + urllib.parse.quote(asked))
            assert status == code and said in told["error"]["message"], (status, told)
        assert get(url[:-8])[0] == 400
    finally:
        process.terminate()
        process.communicate(timeout=30)
    return "one answer, three refusals"


@cases.add
def questions_without_an_answer_say_so(home):
    data = record(home)
    for words, code, said in (
            (("crossing/BINANCE:AAAUSDT/2024-08-09T00:10#1",), 3, "the log has no signal"),
            (("crossing/BINANCE:AAAUSDT",), 2, "not a signal's id"),
            (("crossing", "BINANCE:AAAUSDT", "2020-01-01T00:00Z"), 3, "has no bar that holds"),
            (("crosing", "BINANCE:AAAUSDT", "2024-08-09T00:20Z"), 3, "no strategy"),
            (("crossing", "AAAUSDT", "2024-08-09T00:20Z"), 2, "not VENUE:SYMBOL"),
            (("crossing", "BINANCE:AAAUSDT", "noon"), 2, "not a time"),
            (("crossing", "BINANCE:AAAUSDT"), 2, "STRATEGY INSTRUMENT TIME"),
            (("--all", "crossing"), 2, "--all"),
            ((), 2, "what?")):
        told = tapedeck("explain", *words, "--data", data, check=code)
        assert said in told, (words, told)
    return "9 questions"


if __name__ == "__main__":
    sys.exit(cases.run())
