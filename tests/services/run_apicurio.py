#!/usr/bin/env python3
"""tests/services/run_apicurio.py - our compatibility rules beside a real registry's, on generated schemas of all types
and changes of every kind: for each the registry is asked to register it after the others, at each of the six levels in
turn.

AVRO_TOOL names our program (tests/oracle/avro_tool.c). Where the two differ, a row of DEVIATIONS says why we are right
by the specification, or it is a failure. TAPEDECK_SOAK is how many rounds, each of its own seed and registry.
"""
import collections
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import apicurio  # noqa: E402
import avro_schemas  # noqa: E402

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


def compare(registry, cases):
    counts = collections.Counter()
    for number, (case, ours) in enumerate(zip(cases, by_us(cases), strict=True)):
        theirs = by_registry(registry, f"s{number}", case)
        if theirs == (ours if ours == "compatible" else "refused" if ours.startswith("no ") else None):
            counts[theirs] += 1
            continue
        known = [what for what, explains in DEVIATIONS if explains(case, ours, theirs)]
        if not known:
            sys.exit("\n".join([f"{case.change}, {case.level}:", *case.texts, f"ours: {ours}", f"theirs: {theirs}"]))
        counts[known[0]] += 1
    return counts


def run(seed):
    began = time.monotonic()
    with apicurio.registry() as registry:
        registry.ask("PUT", "/config", {"compatibility": "NONE"})  # for the older versions
        print(f"seed {seed}: registry started in {time.monotonic() - began:.1f} s", flush=True)
        cases = list(histories(seed))
        counts = compare(registry, cases)
    kinds = len({case.change for case in cases})
    print(f"{len(cases)} histories, {kinds} kinds of change, {time.monotonic() - began:.1f} s")
    for what, count in counts.items():
        print(f"{count} {what}")
    for what, least in AT_LEAST.items():
        if counts[what] < least:
            sys.exit(f"at least {least} {what} wanted")


for turn in range(ROUNDS):
    run(SEED + turn)
