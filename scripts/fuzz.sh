#!/bin/sh
# scripts/fuzz.sh - runs one fuzzer for FUZZ_S seconds (default 10): fuzz.sh FUZZER. Its seeds are in
# tests/fuzz/corpus/<fuzzer>; what it finds beyond them is kept in build-fuzz/corpus/<fuzzer>, a crash's input in build-fuzz.
set -eu
name=$(basename "$1")
mkdir -p "build-fuzz/corpus/$name"
exec "$1" -max_total_time="${FUZZ_S:-10}" -timeout=10 -rss_limit_mb=1024 -artifact_prefix=build-fuzz/ \
    "build-fuzz/corpus/$name" "tests/fuzz/corpus/$name"
