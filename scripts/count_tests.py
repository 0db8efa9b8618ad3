#!/usr/bin/env python3
"""Counts the tests of one suite: count_tests.py LOG.json RUN.log STATUS prints "passed failed skipped".

A program that says how many tests it ran (cmocka's summary, or a line "N passed, N failed[, N skipped]") counts with
that number; any other counts as one. Skips and failures are told on stderr.
"""
import json
import pathlib
import re
import sys


def of_program(test):
    """(passed, failed, skipped) of one program."""
    out = test.get("stdout", "") + test.get("stderr", "")
    if test["result"] == "SKIP":
        return 0, 0, 1
    own = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", out, re.M)
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


log, run, status = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
totals = [0, 0, 0]
for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
    test = json.loads(line)
    counts = of_program(test)
    totals = [a + b for a, b in zip(totals, counts)]
    if counts[1]:
        print(f"  FAILED {test['name']}: {test['result']}", file=sys.stderr)
    if counts[2]:
        said = [s for s in test.get("stdout", "").splitlines() if "skip" in s.lower()]
        reason = said[0] if said else (test.get("stdout", "").strip().splitlines() or ["no reason given"])[-1]
        print(f"  skipped in {test['name']}: {reason.strip()}", file=sys.stderr)
if status != 0 and totals[1] == 0:
    print(f"  the suite ended with status {status}; see {run}", file=sys.stderr)
    totals[1] = 1
print(*totals)
