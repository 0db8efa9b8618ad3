#!/bin/sh
# scripts/soak.sh - the long counts, stage by stage. Each stage has a knob; 0 leaves it out:
#   SEEDS=1000 of the whole machine, LOG_SEEDS=20000 of the log alone, KAFKA_SEEDS=300 at a simulated Kafka, CUTS=1000
#   of one feed within an hour, MISTAKE_SEEDS=1000 of a feed that does all of them, CALL_ROWS=1 and MEMORY_ROWS=1 times
#   each call and each allocation of a run, KILLS=200 of the real process, DEATHS=100 of brokers and workers of a
#   cluster, STORE_KILLS=100 of the run, of a rebuild and of the store in PostgreSQL and Cassandra, RING_KILLS=20 of
#   nodes in a Cassandra of two, and PostgreSQL away for AWAY_S=3600, READERS=1 for programs of others on what is
#   published, EDITS=1000 of strategies that are in force, MUTANT_SEEDS=200 to find each planted bug, PLACES=200 of the
#   past, ROUNDS=40 of the oracles that draw their cases (they read TAPEDECK_SOAK), FUZZ_S=600 for each parser,
#   LANG_FUZZ_S=3600 for texts of strategies, run over bars and ticks, FLOOD_S=60 of 171,000 messages a second over 16
#   connections.
# SEED is where the seeds begin; without it they rotate with the commit.
# The outputs are in build/soak; what was done, and what came of it, is appended to docs/proofs.md.
set -u
cd "$(dirname "$0")/.." || exit 1
commit=$(git describe --always --dirty 2>/dev/null || echo "no commit")
seed=${SEED:-$(printf '%d' "0x$(git rev-parse --short=7 HEAD 2>/dev/null || echo 1)")}
sims=build/tests/sim out=build/soak proofs=docs/proofs.md failed=0
mkdir -p "$out"

# stage NAME COUNT COMMAND…: one row of the table, whatever comes of it.
stage() {
    name=$1 count=$2
    shift 2
    [ "$count" -gt 0 ] || return 0
    began=$(date +%s)
    if "$@" >"$out/$name.log" 2>&1; then result=held; else result="**FAILED**" failed=1; fi
    said=$(grep -aE '^Done | (records equal|records and all rows equal|handed over|seeds from|cuts|kills|mutants found|passed)|^Ok: ' \
        "$out/$name.log" | tail -n 2 | tr -s ' \n' ' ')
    [ "$result" = held ] || tail -n 20 "$out/$name.log"
    echo "| $name | $count | $(($(date +%s) - began)) | $result | $said |" | tee -a "$proofs"
}

# rows PROGRAM COUNT: a row of seeds is as long as the program says.
rows() {
    length=$("$1" --seed 1 --count 1 | sed -n 's/^\([0-9]*\) .* make .*/\1/p')
    "$1" --seed 1 --count $((length * $2))
}

# stores KILLS REQUIREMENTS NAME: a test of stores with so many kills; but for cassandra_ring those of `make test`, for longer.
stores() {
    env TAPEDECK_KILLS="$1" TAPEDECK_AWAY_S="${AWAY_S:-3600}" TAPEDECK_BUILD="$PWD/build" REQUIREMENTS="$PWD/$2" SEED="$seed" \
        scripts/python.sh "tests/services/run_$3.py"
}

printf '\n## %s, commit %s, seeds from %s\n\n| stage | count | s | result | said |\n|---|---|---|---|---|\n' \
    "$(date -u '+%F %H:%M')" "$commit" "$seed" | tee -a "$proofs"
stage machine "${SEEDS:-1000}" "$sims/sim" --seed "$seed" --count "${SEEDS:-1000}"
stage log "${LOG_SEEDS:-20000}" "$sims/log_sim" --seed "$seed" --count "${LOG_SEEDS:-20000}"
stage kafka "${KAFKA_SEEDS:-300}" "$sims/sim_kafka" --seed "$seed" --count "${KAFKA_SEEDS:-300}"
stage cuts "${CUTS:-1000}" "$sims/cuts" --cuts "${CUTS:-1000}" --seed "$seed"
stage edits "${EDIT_SEEDS:-100}" "$sims/edits" --seed "$seed" --count "${EDIT_SEEDS:-100}"
stage mistakes "${MISTAKE_SEEDS:-1000}" "$sims/mistakes" --seed "$seed" --count "${MISTAKE_SEEDS:-1000}"
stage calls "${CALL_ROWS:-1}" rows "$sims/every" "${CALL_ROWS:-1}"
stage memory "${MEMORY_ROWS:-1}" rows "$sims/alloc" "${MEMORY_ROWS:-1}"
stage kills "${KILLS:-200}" scripts/python.sh tests/e2e/equality.py --kills "${KILLS:-200}" "$seed"
stage deaths "${DEATHS:-100}" env TAPEDECK_SOAK="${DEATHS:-100}" TAPEDECK_BUILD="$PWD/build" scripts/python.sh \
    tests/services/run_roles.py
stage postgres "${STORE_KILLS:-100}" stores "${STORE_KILLS:-100}" tests/requirements.txt postgres
stage cassandra "${STORE_KILLS:-100}" stores "${STORE_KILLS:-100}" tests/services/cassandra_requirements.txt cassandra
stage cassandra_ring "${RING_KILLS:-20}" stores "${RING_KILLS:-20}" tests/services/cassandra_requirements.txt cassandra_ring
stage readers "${READERS:-1}" make --no-print-directory readers
stage edited "${EDITS:-1000}" scripts/python.sh tests/fault/edits.py --edits "${EDITS:-1000}" "$seed"
stage mutants "${MUTANT_SEEDS:-200}" tests/sim/run_mutants.py --seeds "${MUTANT_SEEDS:-200}"
stage travel "${PLACES:-200}" scripts/python.sh tests/e2e/travel.py --places "${PLACES:-200}" "$seed"
rounds=${ROUNDS:-40}
stage oracles "$rounds" env TAPEDECK_SOAK="$rounds" meson test -C build --no-rebuild --suite oracle --suite services \
    --timeout-multiplier "$rounds"
stage flood "${FLOOD_S:-60}" scripts/python.sh bench/flood.py "${FLOOD_S:-60}"
export FUZZ_S="${FUZZ_S:-600}"
stage fuzz "$FUZZ_S" make --no-print-directory fuzz
FUZZ_S="${LANG_FUZZ_S:-3600}"
build_language() { make --no-print-directory build-asan/build.ninja && ninja -C build-asan tests/fuzz/fuzz_lang; }
fuzz_language() { build_language && scripts/fuzz.sh build-asan/tests/fuzz/fuzz_lang; }
stage language "$FUZZ_S" fuzz_language
exit $failed
