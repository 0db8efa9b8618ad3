#!/bin/sh
# scripts/run_live.sh - runs examples/live.yaml: run_live.sh [local [OPTION …]].
#
# Without a word against Coinbase itself: its log in build/live goes on with each start, and what was missed in between is
# asked for. `local`: against tests/venues/coinbase.py, which cuts it off every 20 seconds and lets nobody in for 2; the
# market begins anew each time, and so does the log in build/live-local. OPTIONs are those of `tapedeck run`. CUT_EVERY
# and AWAY are seconds, TAPEDECK_BUILD another folder than build.
set -eu
cd "$(dirname "$0")/.."
build=${TAPEDECK_BUILD:-build}
exec 9>"$build/demo.lock" # held until the program ends
flock -n 9 || { echo "a demo is running already: stop it first" >&2 && exit 1; }
[ "${1:-}" = local ] || exec "$build/tapedeck" run examples/live.yaml
shift

rm -rf "$build/live-local"
mkdir -p "$build/live-local"
mkfifo "$build/live-local/urls"
scripts/python.sh tests/venues/coinbase.py --products BTC-USD,ETH-USD,SOL-USD \
    --cut-every "${CUT_EVERY:-20}" --away "${AWAY:-2}" >"$build/live-local/urls" 9>&- &
venue=$!
trap 'kill $venue 2>/dev/null || true; wait $venue 2>/dev/null || true' EXIT
trap 'exit 143' INT TERM
read -r url history <"$build/live-local/urls"
"$build/tapedeck" run examples/live.yaml --set log.dir="$build/live-local/data" \
    --set sinks.0.sqlite.file="$build/live-local/market.db" --set feeds.0.coinbase.url="$url" \
    --set feeds.0.coinbase.history="$history" "$@" &
program=$!
trap 'kill $program 2>/dev/null || true' INT TERM
wait $program && code=0 || code=$?
while kill -0 $program 2>/dev/null; do wait $program && code=0 || code=$?; done # a signal ends the first wait early
exit $code
