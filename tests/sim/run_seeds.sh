#!/bin/sh
# tests/sim/run_seeds.sh - runs a simulation for COUNT seeds that rotate with the commit:
# run_seeds.sh PROGRAM COUNT. A failure prints its seed.
set -eu
commit=$(git rev-parse --short=7 HEAD 2>/dev/null || echo 1)
exec "$1" --seed "$((0x$commit))" --count "$2"
