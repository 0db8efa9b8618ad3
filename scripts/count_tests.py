#!/usr/bin/env python3
"""Counts the tests of one suite: count_tests.py LOG.json RUN.log STATUS FIRST_TRIES [AGAIN.json] prints "passed failed
skipped again" as its last line. AGAIN is of those that failed and were run once more: what passes there is told, and counted
in `again`; what it said at first goes to the end of the file FIRST_TRIES, so that it does not hide what has failed.

A program that says how many tests it ran (cmocka's summary, or a line "N passed, N failed[, N skipped]") counts with
that number; any other counts as one. Before that stand the skips with their reason, the end of what failed, and all that
programs with a line of that second kind have to say: what an oracle compared is part of its result.
"""
import json
import pathlib
import re
import sys


def said(test):
    """Lines of its output."""
    return (test.get("stdout", "") + "\n" + test.get("stderr", "")).strip().splitlines()


OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def of_program(test):
    """(passed, failed, skipped) of one program."""
    out = "\n".join(said(test))
    if test["result"] == "SKIP":
        return 0, 0, 1
    own = OWN_LINE.findall(out)
    if own:
        passed, failed, skipped = (int(n or 0) for n in own[-1])
    else:
        passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", out, re.M)))
        failed = sum(map(int, re.findall(r"^\[  FAILED  \] (\d+) test", out, re.M)))
        skipped = sum(map(int, re.findall(r"^\[  SKIPPED \] (\d+) test", out, re.M)))
        passed = passed or (1 if test["result"] == "OK" else 0)
    if test["result"] != "OK":
        failed = max(failed, 1)  # whatever it printed: it ended badly
    return passed, failed, skipped


def read(path):
    """The tests of a log by name."""
    path = pathlib.Path(path)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {test["name"]: test for test in map(json.loads, lines)}


def tell(test, file=sys.stdout):
    """The end of what it said."""
    print(*(f"  | {line}" for line in said(test)[-60:]), sep="\n", file=file)


first, run, status = read(sys.argv[1]), sys.argv[2], int(sys.argv[3])
second = read(sys.argv[5]) if len(sys.argv) > 5 else {}
totals, failed_once = [0, 0, 0, 0], False
for name, test in first.items():
    counts = of_program(test)
    failed_once = failed_once or counts[1] > 0
    again = of_program(second[name]) if counts[1] and name in second else None
    if again and again[0] and not again[1]:
        with open(sys.argv[4], "a", encoding="utf-8") as first_tries:
            print(f"  {name} passed when it was run again, alone; at first it said:", file=first_tries)
            tell(test, first_tries)
        print(f"  {name} passes when run again, alone")
        test, counts = second[name], again
        totals[3] += 1
    if counts[1]:
        print(f"  FAILED {name}: {test['result']}")
    if counts[1] or OWN_LINE.search("\n".join(said(test))):
        tell(test)
    elif counts[2]:
        reasons = [line for line in said(test) if "skip" in line.lower()] or said(test) or ["no reason given"]
        print(f"  skipped in {name}: {reasons[0]}")
    if counts[1] and again:
        print(f"  and again: {second[name]['result']}")
        tell(second[name])
    totals[:3] = [a + b for a, b in zip(totals, counts)]
if status != 0 and not failed_once:
    print(f"  the suite ended with status {status}; see {run}")
    totals[1] = 1
print(*totals)
