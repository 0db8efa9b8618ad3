#!/bin/sh
# scripts/check.sh - runs the named suites of a build folder in one go: check.sh FOLDER SUITE …
set -eu
folder=$1
shift
there=$(meson introspect "$folder" --tests | python3 -c '
import json, sys
print(" ".join(sorted({s.split(":")[-1] for t in json.load(sys.stdin) for s in t["suite"]})))')
suites=
for suite in "$@"; do
    case " $there " in *" $suite "*) suites="$suites --suite $suite" ;; *) echo "check: no suite '$suite' in $folder" ;; esac
done
meson test -C "$folder" --no-rebuild --print-errorlogs $suites
