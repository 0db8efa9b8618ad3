#!/bin/sh
# scripts/check_headers.sh - every header compiles alone: it includes what it needs.
set -eu
bad=0
for header in $(find src include -name '*.h' 2>/dev/null | sort); do
    echo "#include \"${header#*/}\"" |
        ${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wconversion -Werror -Isrc -Iinclude \
            -fsyntax-only -x c - || { echo "$header: does not compile alone" && bad=1; }
done
exit $bad
