#!/bin/sh
# scripts/run_demo.sh - plays examples/demo.yaml from its beginning: run_demo.sh [once].
#
# The demo keeps its log and database in build/demo, which each start empties. `once` replays at full speed and ends.
set -eu
cd "$(dirname "$0")/.."
exec 9>build/demo.lock # held until the program ends
flock -n 9 || { echo "a demo is running already: stop it first" >&2 && exit 1; }
rm -rf build/demo
if [ "${1:-}" = once ]; then
    build/tapedeck run --until-end examples/demo.yaml
    echo "The data is in build/demo; to look at it: build/tapedeck run examples/demo.yaml" >&2
else
    exec build/tapedeck run examples/demo.yaml
fi
