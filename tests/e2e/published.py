#!/usr/bin/env python3
"""tests/e2e/published.py - the topics for everybody else: `trades`, `quotes` and `news` hold what was accepted, in the
order of the tape. What they must hold is taken from the tape itself by the little that is said here: every tick of a
feed but the doubles and those that `quarantine` names; fastavro reads what they do hold, by the schemas that the log's
own registry gives. Then what publishing promises: switched on late, off and on again, killed, replayed, the topics are
the same bytes.
"""
import io
import json
import pathlib
import random
import struct
import subprocess
import sys
import time

import fastavro
import tapedeck as td

DATA = td.ROOT / "examples" / "data"
FEEDS = [f"file: {{ format: lean, path: {DATA}/lean/*.zip, from: \"09:30\", to: \"09:33\" }}",
         f"file: {{ format: binance-collector, path: {DATA}/binance/*.gz, from: \"23:54:20\", to: \"23:54:40\" }}"]
ALL = "log.publish=[trades, quotes, news]"
PUBLISHED = ["trades", "quotes", "news"]
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 30)
COPY = 16
cases = td.Cases()

NEWS = '''\
time,instrument,headline,sentiment,source,url,id
2026-03-02T14:30:10.5Z,X:A,"Up, and ""away""",0.25,wire,https://x/1,n1
2026-03-02T14:30:11Z,X:A,Down,-0.5,,,n2
2026-03-02T14:30:12Z,X:A,Up again,0.25,wire,https://x/1,n1
2026-03-02T14:30:13Z,,The world,,,,
'''
# Its instruments read another one, so that the tape has copies.
JOINED = """\
strategy joined on bars(5s)
  use spy = LEAN:SPY
  buy  when spy.close > spy.close[1]
  exit when spy.close < spy.close[1]
"""
TRADES = """\
time,instrument,price,size,id,side
2026-03-02T14:30:10Z,X:A,10,1,1,buy
2026-03-02T14:30:11Z,X:A,10.000000001,0.00000001,2,sell
2026-03-02T14:30:11Z,X:A,10.5,2,2,sell
2026-03-02T14:30:12Z,X:A,-1,2,3,
2026-03-02T14:30:20Z,X:A,11,3,4,
"""


def config(home, feeds=FEEDS, **options):
    pathlib.Path(home).mkdir(exist_ok=True)
    strategy = pathlib.Path(f"{home}/joined.td")
    strategy.write_text(JOINED, encoding="utf-8")
    return td.config(f"{home}/run.yaml", f"{home}/data", feeds, strategies=[strategy], **{"partitions": 3, **options})


def cat(home, topic):
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", f"{home}/data"], stdout=subprocess.PIPE, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def schemas(home):
    """{id: schema} as the log's registry has them."""
    values = [record["value"] for record in cat(home, "_schemas")]
    return {value["id"]: fastavro.parse_schema(json.loads(value["schema"])) for value in values}


def accepted(home):
    """Of the tape, {topic: [(partition, offset, key, fields)]} of what must be published."""
    refused = {(r["partition"], int(r["cause"].split("/")[3])) for r in cat(home, "quarantine")}
    topics, seen = {topic: [] for topic in PUBLISHED}, set()
    of = {"Trade": "trades", "Quote": "quotes", "News": "news"}
    for record in cat(home, "tape"):
        value, place = record["value"], (record["partition"], record["offset"])
        if value["schema"] not in of or place in refused or value["flags"] & COPY:
            continue
        number = value["trade_id"] if value["schema"] == "Trade" else value["id"] or None if value["schema"] == "News" else None
        name = (value["schema"], record["key"], number)
        if number is not None and name in seen:
            continue
        seen.add(name)
        fields = {k: v for k, v in value.items() if k not in ("schema", "of_epoch", "of_offset", "pass")}
        topics[of[value["schema"]]].append((*place, record["key"], fields))
    return topics


def digests(home):
    return td.digests(f"{home}/data", [*td.TOPICS, *PUBLISHED])


def reference(home, feeds=FEEDS):
    summary = td.run(config(home, feeds), "--set", ALL, "--set", "workers=1")
    assert summary["diverged"] == 0, summary
    return digests(home), summary


def same(got, wanted, what):
    different = sorted(name for name in wanted if got.get(name) != wanted[name])
    assert not different and len(got) == len(wanted), (what, different[:5], len(got), len(wanted))


def compare(home):
    """The topics of a log against its tape; how many records of each."""
    counts = {}
    for topic, wanted in accepted(home).items():
        got = cat(home, topic)
        counts[topic] = len(got)
        assert len(got) == len(wanted), (topic, len(got), len(wanted))
        for record, (partition, offset, key, fields) in zip(got, wanted):
            value = dict(record["value"])
            assert (record["partition"], record["key"], value["instrument"]) == (partition, key, key), (record, offset)
            assert record["cause"].split("/")[3] == str(offset), (record, offset)
            assert value.pop("event_time") == value["event_ns"] // 1_000_000, record
            assert {k: v for k, v in value.items() if k not in ("schema", "instrument")} == fields, (record, fields)
    return counts


@cases.add
def what_was_accepted_is_published(home):
    _, summary = reference(home)
    counts = compare(home)
    assert sum(bool(r["value"].get("flags", 0) & COPY) for r in cat(home, "tape")) > 1000
    assert counts["trades"] > 2000 and counts["quotes"] > 2000 and sum(counts.values()) == summary["accepted"], (counts, summary)
    return f"{counts}, of {summary['events']} events"


@cases.add
def news_doubles_and_refusals(home):
    pathlib.Path(f"{home}/news.csv").write_text(NEWS, encoding="utf-8")
    pathlib.Path(f"{home}/trades.csv").write_text(TRADES, encoding="utf-8")
    feeds = [f"file: {{ name: n, format: csv, path: {home}/news.csv }}", f"file: {{ name: t, format: csv, path: {home}/trades.csv }}"]
    _, summary = reference(home, feeds)
    counts = compare(home)
    assert counts == {"trades": 3, "quotes": 0, "news": 3}, counts
    assert (summary["quarantined"], summary["duplicates"]) == (1, 2), summary
    return counts


@cases.add
def others_read_them(home):
    """By id, through fastavro: not a byte but the schema's is left, and every field is what the program says it is."""
    reference(home)
    by_id, total = schemas(home), 0
    for topic in PUBLISHED[:2]:
        records = cat(home, topic)
        raw = subprocess.run([td.BUILD / "tests" / "tools" / "log_values", f"{home}/data", topic], stdout=subprocess.PIPE,
                             check=True).stdout
        for record in records:
            size = struct.unpack(">I", raw[:4])[0]
            value, raw = raw[4:4 + size], raw[4 + size:]
            assert value[0] == 0
            stream = io.BytesIO(value[5:])
            fields = fastavro.schemaless_reader(stream, by_id[struct.unpack(">I", value[1:5])[0]])
            assert stream.tell() == size - 5
            ours = record["value"]
            for name, field in fields.items():
                if name == "event_time":
                    assert round(field.timestamp() * 1000) == ours[name], (fields, ours)
                elif name in ("price", "size", "bid_price", "bid_size", "ask_price", "ask_size"):
                    assert (field is None) == (ours[name] is None) and (field is None or field == type(field)(ours[name])), (fields, ours)
                else:
                    assert field == ours[name], (name, fields, ours)
            total += 1
        assert raw == b""
    return f"{total} records"


@cases.add
def the_same_as_json(home):
    """One object a record, names as in the schema, decimals as text: what the Avro record of the same cause says. With it
    or without, and with the Avro ones or without, all other topics are the same bytes."""
    copied = [*PUBLISHED[:2], "bars", "signals", "fills"]
    wanted, _ = reference(f"{home}/avro")
    json_topics = "log.publish=[" + ", ".join(f"{topic}_json" for topic in [*copied, "news", "gaps", "quarantine"])
    assert td.run(config(f"{home}/json"), "--set", json_topics + "]")["diverged"] == 0
    assert td.run(config(f"{home}/json"), "--set", json_topics + ", trades, quotes, news]")["diverged"] == 0
    same(digests(f"{home}/json"), wanted, "beside JSON")
    counts = {}
    for topic in copied:
        of, got = cat(f"{home}/json", topic), cat(f"{home}/json", f"{topic}_json")
        assert len(of) == len(got) > 20, (topic, len(of), len(got))
        for a, b in zip(of, got):
            value = {name: field for name, field in a["value"].items() if name != "schema"}
            assert list(value.items()) == list(b["value"].items()), (a, b)
            assert all(a[name] == b[name] for name in ("key", "partition", "offset", "cause")), (a, b)
        counts[topic] = len(got)
    raw = subprocess.run([td.BUILD / "tests" / "tools" / "log_values", f"{home}/json/data", "trades_json"],
                         stdout=subprocess.PIPE, check=True).stdout
    first = json.loads(raw[4:4 + struct.unpack(">I", raw[:4])[0]])
    assert list(first)[:2] == ["feed", "instrument"] and isinstance(first["price"], str), first
    said = json.loads(explained(f"{home}/json")[-1])
    assert said["published"] == 2 * (counts["trades"] + counts["quotes"]) + counts["bars"] + counts["signals"] + counts["fills"], said
    return counts


@cases.add
def the_same_whoever_works(home):
    wanted, _ = reference(f"{home}/one")
    td.run(config(f"{home}/eight"), "--set", ALL, "--set", "workers=8")
    same(digests(f"{home}/eight"), wanted, "8 workers")
    random.seed(SEED)
    file, alive = config(f"{home}/killed"), 0
    for _ in range(8):
        process = td.start(file, "--set", ALL, "--set", "speed=40x")
        time.sleep(random.uniform(0.1, 0.5))
        alive += process.poll() is None
        td.kill(process)
    summary = td.run(file, "--set", ALL)
    assert summary["diverged"] == 0 and alive == 8, (summary, alive)
    same(digests(f"{home}/killed"), wanted, f"kill -9, seed {SEED}")
    subprocess.run([td.PROGRAM, "replay", f"{home}/one/data", "--out", f"{home}/again"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    same(td.digests(f"{home}/again", PUBLISHED), {name: d for name, d in wanted.items() if name.split("-")[0] in PUBLISHED},
         "a replay")
    subprocess.run([td.PROGRAM, "bench", "replay", "--data", f"{home}/one/data"], check=True, stdout=subprocess.DEVNULL)
    same(digests(f"{home}/one"), wanted, "outputs made again")
    return f"{len(wanted)} partitions, {alive} kills, seed {SEED}"


@cases.add
def switched_on_late_and_off_and_on(home):
    """What is published is made from the tape: from its beginning, or from where it ended."""
    wanted, _ = reference(f"{home}/one")
    late = config(f"{home}/late")
    td.run(late)
    assert not any(name.split("-")[0] in PUBLISHED for name in digests(f"{home}/late"))
    assert td.run(late, "--set", ALL)["diverged"] == 0
    same(digests(f"{home}/late"), wanted, "switched on behind the end")
    again = config(f"{home}/again")
    for sets in ([ALL], ["log.publish=none"], ["log.publish=trades"], [ALL]):
        process = td.start(again, "--set", "speed=50x", *(word for text in sets for word in ("--set", text)))
        time.sleep(0.5)
        td.kill(process)
    assert td.run(again, "--set", "log.publish=none")["diverged"] == 0
    assert digests(f"{home}/again") != wanted
    assert td.run(again, "--set", ALL)["diverged"] == 0
    same(digests(f"{home}/again"), wanted, "switched off and on again")
    return f"{len(wanted)} partitions"


@cases.add
def made_again_by_explain(home):
    """All that is published is held against the tape, and one that ends early is no difference."""
    reference(home)
    said = [json.loads(line) for line in explained(home)]
    count = sum(compare(home).values())
    assert said[-1]["published"] == count and said[-1]["differences"] == 0, said
    td.run(config(f"{home}/off", FEEDS[:1]), "--set", ALL)
    td.run(config(f"{home}/off"), "--set", "log.publish=none")
    said = json.loads(explained(f"{home}/off")[-1])
    assert 0 < said["published"] < count and said["differences"] == 0, said
    return f"{count} records made again, {said['published']} of a log where it was switched off"


def explained(home):
    done = subprocess.run([td.PROGRAM, "explain", "--all", "--json", "--data", f"{home}/data"], stdout=subprocess.PIPE,
                          text=True, check=True)
    return done.stdout.splitlines()


@cases.add
def the_tapes_beginning_is_gone(home):
    """Then publishing begins where the newest state stands, and again where it was switched off in between: nothing is
    made twice, nothing that is kept differs, and what was there is not doubted."""
    keep = [word for text in ("log.segment=16KB", "log.snapshots=0")
            for word in ("--set", text)]
    feeds = [f"file: {{ name: {name}, format: lean, path: {DATA}/lean/*_{name}_*.zip, from: \"09:30\", to: \"{end}\" }}"
             for name, end in (("spy", "09:40"), ("ibm", "09:45"), ("aig", "09:45"), ("bac", "09:45"))]

    def told(count, published, speed=None, retain="0"):
        """A run of so many feeds; what is published by then, as (key, offset of the tape)."""
        file = config(home, feeds[:count], partitions=1, sink=False)
        if speed is not None:
            process = td.start(file, "--set", published, *keep, "--set", "log.retain=0", "--set", f"speed={speed}x")
            time.sleep(1)
            return td.kill(process)
        summary = td.run(file, "--set", published, *keep, "--set", f"log.retain={retain}")
        assert summary["diverged"] == 0, summary
        return [(r["key"], int(r["cause"].split("/")[3])) for r in cat(home, "trades")] if count > 1 else []

    told(1, "log.publish=none")
    told(1, "log.publish=none", retain="400KB")
    tape = [record["offset"] for record in cat(home, "tape")]
    assert tape[0] > 0, tape
    told(2, ALL, speed=100)
    first = told(2, ALL)
    assert told(2, ALL) == first and first[0][1] > tape[-1] - 5, (first[:2], tape[-1])
    assert told(3, "log.publish=none") == first
    told(4, ALL, speed=100)
    all_told = told(4, ALL)
    assert told(4, ALL) == all_told and all_told[:len(first)] == first, (len(first), len(all_told))
    offsets, keys = [offset for _, offset in all_told], {key for key, _ in all_told}
    assert offsets == sorted(set(offsets)) and keys == {"LEAN:IBM", "LEAN:BAC"}, keys
    return f"{len(all_told)} trades behind offset {tape[-1]}"


@cases.add
def wrong_words(home):
    for text, said in (("log.publish=[trade]", "did you mean \"trades\"?"), ("log.publish=[none, trades]", "none stands alone"),
                       ("log.publish=[everything]", "trades, quotes, news, bars_json and others, or none")):
        answer = td.run(config(home, partitions=1), "--set", text, check=2)["stderr"]
        assert said in answer and "log.publish" in answer, answer
    return "3 answers"


if __name__ == "__main__":
    sys.exit(cases.run())
