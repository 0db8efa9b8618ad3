#!/bin/sh
# scripts/fuzz.sh - runs one fuzzer for FUZZ_S seconds (default 10) from FUZZ_SEED (default 0: another each time):
# fuzz.sh FUZZER. Its inputs to begin with are in tests/fuzz/corpus/<fuzzer>; what it finds beyond them is kept in
# build-asan/corpus/<fuzzer>, a crash's input in build-asan.
set -eu
name=$(basename "$1")
mkdir -p "build-asan/corpus/$name"
exec "$1" -seed="${FUZZ_SEED:-0}" -max_total_time="${FUZZ_S:-10}" -timeout=10 -rss_limit_mb=1024 -error_exitcode=1 \
    -artifact_prefix=build-asan/ "build-asan/corpus/$name" "tests/fuzz/corpus/$name"
