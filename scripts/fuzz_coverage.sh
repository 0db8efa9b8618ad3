#!/bin/sh
# scripts/fuzz_coverage.sh - says how many of the lines of a parser its fuzzer's corpus reaches: fuzz_coverage.sh FUZZER
# SOURCE …, for a build with clang's coverage. What `make fuzz` found here counts, too.
set -eu
fuzzer=$1 name=$(basename "$1") found=build-asan/corpus/$(basename "$1")
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
LLVM_PROFILE_FILE=$scratch/raw "$fuzzer" -runs=0 "tests/fuzz/corpus/$name" $([ -d "$found" ] && echo "$found")
llvm-profdata-14 merge -o "$scratch/data" "$scratch/raw"
llvm-cov-14 report "$fuzzer" -instr-profile="$scratch/data" >"$scratch/report"
awk -v name="$name" -v sources="$*" 'BEGIN { wanted = split(sources, source, " ") }
    { for (i = 1; i <= wanted; i++) if (index($1, source[i]) == 1) { lines += $8; missed += $9 } }
    END { if (lines == 0) exit 1
          printf "%s: %.1f %% of %d lines of %s\n", name, 100 * (lines - missed) / lines, lines, sources }' "$scratch/report"
