#!/bin/sh
# scripts/run_demo.sh - plays examples/demo.yaml from its beginning: run_demo.sh [once].
#
# The demo keeps its log and database in build/demo, which each start empties. `once` replays at full speed and ends.
set -eu
cd "$(dirname "$0")/.."
exec 9>build/demo.lock # held until the program ends
flock -n 9 || { echo "a demo is running already: stop it first" >&2 && exit 1; }
rm -rf build/demo
if [ "${1:-}" = once ]; then set -- --until-end; fi
exec build/tapedeck run "$@" examples/demo.yaml
