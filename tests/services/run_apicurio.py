#!/usr/bin/env python3
"""tests/services/run_apicurio.py - our registry beside a real one. On generated schemas of all types and changes of every
kind: each is registered after the others, at each of the six levels in turn, by the real registry, by a run of ours
over HTTP, and by our rules alone. Then all that can be asked, and each error, of both.

AVRO_TOOL names our rules (tests/oracle/avro_tool.c). Where the two registries differ, a row of DEVIATIONS or of
DIFFERENCES says why, or it is a failure. TAPEDECK_SOAK is how many rounds, each of its own seed and registries.
"""
import collections
import contextlib
import os
import pathlib
import random
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "oracle"), str(TESTS / "e2e")]
import apicurio  # noqa: E402
import avro_schemas  # noqa: E402
import registry_questions  # noqa: E402
import tapedeck as td  # noqa: E402

SEED = int(os.environ.get("SEED", "20261121"))
ROUNDS = int(os.environ.get("TAPEDECK_SOAK", "1"))
COUNT = 720  # per round
AT_LEAST = {"compatible": COUNT // 3, "refused": COUNT // 4}  # by both alike
LEVELS = ["BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"]

Case = collections.namedtuple("Case", "change level recursive texts")  # texts: oldest first, the one asked for last

DEVIATIONS = [  # (what the registry does instead, whether that explains our answer and its own)
    ("takes a decimal of another precision or scale, though by the specification the two do not match",
     lambda case, ours, theirs: theirs == "compatible" and "decimal(" in ours),
    ("fails on a record that holds its own kind: its stack overflows",
     lambda case, ours, theirs: theirs == "failed" and case.recursive),
    ("fails where an alias would give the older schema two fields of one name",
     lambda case, ours, theirs: theirs == "failed" and any("aliases" in text for text in case.texts)),
]


def histories(seed):
    """Two or three versions, all different: a registry takes for granted what it has already."""
    rng = random.Random(seed)
    changes = list(avro_schemas.CHANGES)
    for i, (change, before, after) in enumerate(avro_schemas.pairs(seed, COUNT)):
        versions = [before, after]
        while before.text() == after.text() or len({v.text() for v in versions}) < 2 + i % 2:
            new = avro_schemas.changed(before, rng.choice(changes), rng)
            if new is None:
                continue
            if before.text() == after.text():
                after = new
            versions = [new, before, after] if i % 2 else [before, after]
        yield Case(change, LEVELS[(i + i // 6) % 6], any(v.recursive() for v in versions), [v.text() for v in versions])


def by_us(cases):
    """"compatible", or where and why not."""
    lines = ["\t".join(["compatible", case.level, case.texts[-1], *case.texts[:-1]]) for case in cases]
    answer = subprocess.run([os.environ["AVRO_TOOL"]], input="".join(line + "\n" for line in lines), text=True,
                            capture_output=True, check=True).stdout.split("\n")[:-1]
    return ["compatible" if line == "yes" else line.replace("\t", " ") for line in answer]


def by_registry(registry, subject, case):
    try:
        for text in case.texts[:-1]:
            registry.register(subject, text)
        registry.level(subject, case.level)
        return "compatible" if registry.register(subject, case.texts[-1]) else "refused"
    except apicurio.Failure:
        return "failed"


def verdict(ours):
    return ours if ours == "compatible" else "refused" if ours.startswith("no ") else None


def compare(registry, served, cases):
    counts = collections.Counter()
    for number, (case, ours) in enumerate(zip(cases, by_us(cases), strict=True)):
        theirs, told = by_registry(registry, f"s{number}", case), by_registry(served, f"s{number}", case)
        if told != verdict(ours):
            sys.exit("\n".join([f"{case.change}, {case.level}:", *case.texts, f"rules: {ours}", f"served: {told}"]))
        if theirs == told:
            counts[theirs] += 1
            continue
        known = [what for what, explains in DEVIATIONS if explains(case, ours, theirs)]
        if not known:
            sys.exit("\n".join([f"{case.change}, {case.level}:", *case.texts, f"ours: {ours}", f"theirs: {theirs}"]))
        counts[known[0]] += 1
    return counts


@contextlib.contextmanager
def ours():
    """A run of ours, which syncs at once."""
    with td.folder() as home:
        file = td.config(f"{home}/run.yaml", f"{home}/data", ["simulated: { instruments: 1, ticks: 0 }"], sink=False,
                         partitions=1, extra="serve: { listen: 127.0.0.1:0 }\n")
        process = subprocess.Popen([td.PROGRAM, "run", "--quiet", "--set", "log.sync_interval=1ms", file],
                                   stderr=subprocess.PIPE, text=True)
        try:
            told = pathlib.Path(f"{home}/data/SERVE")
            td.wait_for(lambda: told.exists() or process.poll() is not None, "the server listens", seconds=60)
            yield apicurio.Registry(int(told.read_text(encoding="utf-8").strip().rsplit(":", 1)[1]), "/registry")
        finally:
            process.terminate()
            process.communicate(timeout=60)


def run(seed):
    began = time.monotonic()
    with apicurio.registry() as registry, ours() as served:
        print(f"seed {seed}: registries started in {time.monotonic() - began:.1f} s", flush=True)
        registry_questions.ask(registry, served)
        for one in (registry, served):
            one.ask("PUT", "/config", {"compatibility": "NONE"})  # for the older versions
        cases = list(histories(seed))
        counts = compare(registry, served, cases)
    kinds = len({case.change for case in cases})
    print(f"{len(cases)} histories, {kinds} kinds of change, {time.monotonic() - began:.1f} s")
    for what, count in counts.items():
        print(f"{count} {what}")
    for what, least in AT_LEAST.items():
        if counts[what] < least:
            sys.exit(f"at least {least} {what} wanted")


for turn in range(ROUNDS):
    run(SEED + turn)
