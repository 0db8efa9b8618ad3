#!/bin/sh
# scripts/check_format.sh - every C file is as clang-format 14 leaves it; skipped (77) where that is not installed.
set -eu
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "clang-format 14 is not here"
    exit 77
fi
find src tests bench -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
