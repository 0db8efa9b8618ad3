#!/usr/bin/env python3
"""tests/e2e/log_copy.py - `tapedeck log copy` from folder to folder: all that the log holds is there, a run on the copy makes
what the run on the log makes, and a copy that is killed goes on without a record twice or too few.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import copying
import tapedeck as td

CASES = td.Cases()
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))


def without_epochs(data):
    tape = copying.records("tape", "--data", data, without=["epoch"])
    for record in tape:
        record["value"].pop("of_epoch", None)
    return tape


def outputs(data):
    return td.digests(data, td.TOPICS[1:])


@CASES.add
def a_run_goes_on_there(home):
    log, there = copying.history(home), f"{home}/there"
    counted = copying.copy("--data", log, "--to", there)
    count = copying.same(["--data", log], ["--data", there])
    assert counted["copied"] == count and counted["waiting"] == counted["found"] == 0 and counted["whole"], counted
    warmed, released = copying.named_places(copying.records("tape", "--data", there))
    assert warmed >= 2 and released >= 3, (warmed, released)
    copying.day(home, 4)
    runs = [td.run(copying.market(home, name, length=5)) for name in ("log", "there")]
    for key in ("events", "bars", "signals", "quarantined"):
        assert runs[0][key] == runs[1][key] > 0, (key, runs)
    assert runs[1]["diverged"] == runs[1]["lost"] == 0, runs[1]
    assert td.digests(log) == td.digests(there)
    assert copying.copy("--from", log, "--to", f"{home}/again")["whole"]
    told = copying.tell("explain", "--all", "--data", there)
    assert "made again" in told, told
    return f"{count} records, and {runs[1]['events']} events after them"


def bytes_in(data, topic="*"):
    return sum(file.stat().st_size for file in pathlib.Path(data).glob(f"{topic}-*/*.log"))


@CASES.add
def stopped_before_it_caught_up(home):
    """A mirror that is told to end before it has all that was there is no copy yet, and says so."""
    feeds = ["simulated: { seed: 1, instruments: 20, ticks: 600000, duration: 3600s }"]
    td.run(td.config(f"{home}/log.yaml", f"{home}/log", feeds, bars="[1m]", partitions=copying.PARTITIONS))
    log, words = f"{home}/log", [td.PROGRAM, "log", "copy", "--data", f"{home}/log", "--follow", "--json", "--to"]
    for n in range(20):
        there = f"{home}/there{n}"
        mirror = subprocess.Popen([*words, there], cwd=td.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        td.wait_for(lambda there=there: bytes_in(there, "tape") > 0, "the first records")
        mirror.send_signal(signal.SIGINT)
        said = mirror.communicate(timeout=30)
        if mirror.returncode != 0:
            break
    assert mirror.returncode == copying.EXIT_STOPPED and not json.loads(said[0])["whole"], (mirror.returncode, said)
    last = copying.copy("--data", log, "--to", there)
    assert last["whole"] and last["found"] > 0 and last["copied"] > 0, last
    assert td.digests(there) == td.digests(log)
    return f"stopped at the try {n + 1}, then {last['found']} records found and {last['copied']} copied"


def killed_at(size, whole, log, there):
    """Once it has so many bytes; whether it was not whole then. The copy goes on with what is there, anew where that is all."""
    if bytes_in(there) >= whole:
        shutil.rmtree(there)
    process = subprocess.Popen(["nice", "-n", "19", td.PROGRAM, "log", "copy", "--data", log, "--to", there], cwd=td.ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and bytes_in(there) <= size:
        time.sleep(0.0005)
    td.kill(process)
    return 0 < bytes_in(there) < whole


@CASES.add
def killed_and_gone_on(home):
    log, there = copying.history(home), f"{home}/there"
    rng = random.Random(SEED)
    copying.copy("--data", log, "--to", f"{home}/undisturbed")
    whole = bytes_in(f"{home}/undisturbed")
    partly = rounds = 0
    while partly < 3 and rounds < 10:  # a copy may be whole before a slow machine looks at it
        partly += sum(killed_at(size, whole, log, there) for size in sorted(rng.uniform(0, whole) for _ in range(12)))
        rounds += 1
    counted = copying.copy("--data", log, "--to", there)
    copying.same(["--data", log], ["--data", there], without=("epoch", "cause"), but=("_inputs", "tape"))
    assert without_epochs(there) == without_epochs(log), SEED  # a kill begins one
    assert partly >= 3 and counted["found"] > 0, (SEED, partly, counted)
    copying.day(home, 4)
    runs = [td.run(copying.market(home, name, length=5)) for name in ("log", "there")]
    assert runs[1]["diverged"] == 0 and outputs(log) == outputs(there), (SEED, runs)
    return f"killed {partly} times within it (seed {SEED}), {counted['found']} records found at last"


@CASES.add
def follows_a_run(home):
    """What a run appends while it is copied is there soon after it."""
    copying.day(home, 2)
    file, log, there = copying.market(home, "log"), f"{home}/log", f"{home}/there"
    run = td.start(file, "--quiet", "--set", "speed=400x")
    td.wait_for(lambda: os.path.exists(f"{log}/sections-2"), "the last of its topics")
    time.sleep(0.5)
    follower = subprocess.Popen([td.PROGRAM, "log", "copy", "--data", log, "--to", there, "--follow", "--json"], cwd=td.ROOT,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while run.poll() is None:
        time.sleep(0.2)
        assert follower.poll() is None, follower.communicate()
    run.communicate()
    wanted = td.digests(log)
    td.wait_for(lambda: td.digests(there) == wanted, "the last records")
    follower.send_signal(signal.SIGINT)
    said = follower.communicate(timeout=30)
    assert follower.returncode == 0 and json.loads(said[0])["whole"], said
    assert copying.copy("--data", log, "--to", there)["copied"] == 0
    assert td.run(copying.market(home, "there"))["diverged"] == 0 and td.digests(there) == wanted
    return f"{sum(count for count, _ in wanted.values())} records"


@CASES.add
def what_retention_has_taken(home):
    """The copy's tape begins with the program in force, and what rests on records that are gone is kept as it is."""
    log, there = copying.history(home), f"{home}/there"
    copying.retain(home, "log", 6, "1MB")
    starts = {(line["topic"], line["partition"]): line["start"]
              for line in map(json.loads, copying.tell("log", "ls", "--json", "--data", log).splitlines())}
    assert all(starts["tape", p] > 0 for p in range(copying.PARTITIONS)), starts
    copying.copy("--data", log, "--to", there)
    tapes = [copying.records("tape", "--data", data, without=("offset", "epoch")) for data in (there, log)]
    begun = [record for record in tapes[0] if record["value"]["schema"] == "Program" and record not in tapes[1]]
    assert len(begun) >= copying.PARTITIONS and len(tapes[0]) - len(tapes[1]) <= copying.PARTITIONS, (len(begun), list(map(len, tapes)))
    for topic in ("bars", "signals", "quarantine"):
        got, wanted = (copying.records(topic, "--data", data, without=("offset", "epoch", "cause")) for data in (there, log))
        assert got == wanted, topic
    causes = {record["cause"].split("/", 2)[2] for record in copying.records("bars", "--data", there)}
    assert "0/0/0" in causes and len(causes) > 100, sorted(causes)[:5]
    assert copying.copy("--data", log, "--to", there)["copied"] == 0
    copying.day(home, 4)
    gone_on = td.run(copying.market(home, "there", length=5))
    assert gone_on["diverged"] == 0 and gone_on["events"] == 3 * 60 * copying.MINUTES, gone_on
    return f"tapes begin at {[starts['tape', p] for p in range(copying.PARTITIONS)]}, {gone_on['bars']} bars after it"


@CASES.add
def a_mirror_of_what_retention_takes(home):
    """It keeps what the log has lost, and goes on with what it lacks."""
    log, mirror = copying.history(home), f"{home}/mirror"
    copying.copy("--data", log, "--to", mirror)
    held = copying.records("tape", "--data", mirror)
    copying.day(home, 4)
    td.run(copying.market(home, "log", length=6), "--set", "log.segment=64KB")
    copying.retain(home, "log", 6, "3MB")
    tape = copying.records("tape", "--data", log)
    begins = min(record["offset"] for record in tape if record["partition"] == 1)
    assert 0 < begins < max(record["offset"] for record in held if record["partition"] == 1), begins
    counted = copying.copy("--data", log, "--to", mirror)
    assert counted["whole"] and counted["copied"] >= 5400, counted
    now = copying.records("tape", "--data", mirror)
    for p in range(copying.PARTITIONS):
        mirrored, was, original = ([r for r in records if r["partition"] == p] for records in (now, held, tape))
        assert mirrored[:len(was)] == was and mirrored[-len(original):] == original and len(mirrored) > len(was), p
    gone_on = td.run(copying.market(home, "mirror", length=6))
    assert gone_on["events"] == gone_on["bars"] == gone_on["diverged"] == 0, gone_on
    return f"{len(now)} records of the tape, where the log has {len(tape)}"


@CASES.add
def the_tape_alone(home):
    log, there = copying.history(home), f"{home}/there"
    assert copying.copy("--data", log, "--to", there, "--topic", "tape")["copied"] > 0
    assert "bars" not in copying.topics("--data", there)
    assert td.run(copying.market(home, "there", length=6))["events"] == 0
    assert td.digests(there) == td.digests(log)
    return "outputs made anew, the same"


@CASES.add
def refused(home):
    log, there = copying.history(home), f"{home}/there"
    other = td.config(f"{home}/other.yaml", f"{home}/other", ["simulated: { seed: 1, ticks: 1000 }"], partitions=copying.PARTITIONS)
    td.run(other)
    before = td.digests(f"{home}/other")
    files = td.config(f"{home}/four.yaml", f"{home}/four", [], partitions=4)
    fewer = td.config(f"{home}/fewer.yaml", f"{home}/fewer", ["simulated: { seed: 1, ticks: 10 }"], partitions=2)
    td.run(fewer)
    rows = [(["--to", f"{home}/other"], 3, "holds something else", "nothing was written"),
            (["--to", files], 3, "log.partitions is 4", "has 3"),
            (["--to", f"{home}/fewer"], 3, "2 partitions", "here 3", "name a new folder"),
            (["--to", log], 3, "a copy of itself"),
            ([], 2, "where to?"),
            (["--to", there, "--topic", "bears"], 3, "no topic bears"),
            (["--to", there, "--to-prefix", "x."], 3, "--kafka"),
            (["--to", there, "--data", f"{home}/none"], 3, "no data folder")]
    for words, code, *wanted in rows:
        said = copying.copy("--data", log, *words, check=code)
        for word in wanted:
            assert word in said, (words, word, said)
    assert td.digests(f"{home}/other") == before
    copying.copy("--data", log, "--to", there)
    copying.day(home, 4)
    td.run(copying.market(home, "there", length=5))  # from here on it is a log of its own
    assert "holds something else" in copying.copy("--data", log, "--to", there, check=3)
    return f"{len(rows) + 1} told"


if __name__ == "__main__":
    sys.exit(CASES.run())
