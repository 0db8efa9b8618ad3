#!/bin/sh
# scripts/fuzz.sh - runs each fuzzer of a fuzz build for FUZZ_S seconds (default 30), keeping what it finds new:
# fuzz.sh FOLDER. Seeds are in tests/fuzz/corpus/<fuzzer>; findings land in FOLDER/corpus/<fuzzer>, crashes in FOLDER.
set -eu
bad=0
for fuzzer in "$1"/tests/fuzz/fuzz_*; do
    [ -f "$fuzzer" ] && [ -x "$fuzzer" ] || continue
    name=$(basename "$fuzzer")
    found=$1/corpus/$name seeds=tests/fuzz/corpus/$name
    mkdir -p "$found"
    echo "$name: ${FUZZ_S:-30} s"
    if "$fuzzer" -max_total_time="${FUZZ_S:-30}" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$1/" -print_final_stats=1 \
        "$found" $([ -d "$seeds" ] && echo "$seeds") >"$1/$name.log" 2>&1; then
        grep -E 'number_of_executed_units|^Done|^#[0-9]+.*cov:' "$1/$name.log" | tail -n 2
    else
        tail -n 40 "$1/$name.log"
        bad=1
    fi
done
exit $bad
