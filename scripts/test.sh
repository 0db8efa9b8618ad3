#!/bin/sh
# scripts/test.sh - everything that CI runs: each suite in turn with its time and result, then one line that counts all.
#
# A suite that fails does not stop the next; any failure makes the exit status 1. Skips are printed with their reason.
# What waits for clocks, venues, browsers and brokers may fail where the machine stands still for some seconds: of these
# suites what failed is run once more, alone, and what passes then is told and counted apart.
set -u
cd "$(dirname "$0")/.." || exit 1
results=build/test-results
first_tries=$results/first-tries.txt # what was said by those that passed when they were run again
passed=0 failed=0 skipped=0 again=0 failed_in=

say() { printf '%s\n' "$*"; }

# suite FOLDER NAME: runs one suite of one build, prints and adds up its counts.
suite() {
    began=$(date +%s)
    log=$results/$1-$2
    meson test -C "$1" --no-rebuild --suite "$2" --logbase "test-$2" >"$log.log" 2>&1
    status=$?
    second=
    case $status-$2 in
        0-*) ;;
        *-e2e | *-services) second=$(once_more "$1" "$2") ;;
    esac
    told=$(python3 scripts/count_tests.py "$1/meson-logs/test-$2.json" "$log.log" $status "$first_tries" $second)
    set -- "$1" "$2" $(say "$told" | tail -n 1)
    passed=$((passed + $3)) failed=$((failed + $4)) skipped=$((skipped + $5)) again=$((again + $6))
    [ "$4" -eq 0 ] || failed_in="$failed_in $1/$2"
    say "$1 $2: $3 passed, $4 failed, $5 skipped in $(($(date +%s) - began)) s"
    say "$told" | sed '$d'
}

# once_more FOLDER SUITE: what failed there, one after the other; prints the name of their log, if anything did.
once_more() {
    names=$(python3 -c '
import json, sys
tests = map(json.loads, open(sys.argv[1], encoding="utf-8"))
print(*[t["name"].split(" / ")[-1] for t in tests if t["result"] not in ("OK", "SKIP")])' "$1/meson-logs/test-$2.json")
    [ -n "$names" ] || return 0
    rm -f "$1/meson-logs/test-$2-again.json"
    meson test -C "$1" --no-rebuild --suite "$2" --num-processes 1 --logbase "test-$2-again" $names \
        >"$results/$1-$2-again.log" 2>&1
    say "$1/meson-logs/test-$2-again.json"
}

# build TARGET…: a build that fails counts as one failure and its suites are not run.
build() {
    began=$(date +%s)
    log=$results/$1.log
    if make --no-print-directory "$1/build.ninja" >"$log" 2>&1 && ninja -C "$1" >>"$log" 2>&1; then
        passed=$((passed + 1))
        say "$1 compiles in $(($(date +%s) - began)) s"
    else
        failed=$((failed + 1)) failed_in="$failed_in $1"
        say "$1 does not compile:"
        sed -n '/^FAILED/,/^\[[0-9]*\/[0-9]*\] /p' "$log" | grep . || tail -n 100 "$log"
        return 1
    fi
}

suites() {
    meson introspect "$1" --tests | python3 -c '
import json, sys
found = {s.split(":")[-1] for t in json.load(sys.stdin) for s in t["suite"]}
order = ["style", "unit", "contract", "golden", "sim", "fault", "oracle", "e2e", "services"]
print(*[s for s in order if s in found], *sorted(found - set(order)))'
}

mkdir -p "$results"
: >"$first_tries"
export FUZZ_SEED="${FUZZ_SEED:-1}" # a failure here can be had again; new ones are sought by make fuzz and make soak
began_all=$(date +%s)
if build build; then for name in $(suites build); do suite build "$name"; done; fi
for other in build-clang build-asan build-tsan; do
    if build $other; then for name in $(suites $other | tr ' ' '\n' | grep -x -e unit -e contract -e fuzz); do
        suite $other "$name"
    done; fi
done
say "all suites in $(($(date +%s) - began_all)) s"
if [ "$again" -gt 0 ]; then
    say "$again programs of tests passed only when they were run again:"
    cat "$first_tries"
fi
[ "$failed" -eq 0 ] || say "failed in:$failed_in"
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
