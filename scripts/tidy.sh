#!/bin/sh
# scripts/tidy.sh - clang-tidy over all our sources, by the compile commands of a clang build: tidy.sh FOLDER.
set -eu
find src bench -name '*.c' -print0 | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$1" 2>/dev/null
