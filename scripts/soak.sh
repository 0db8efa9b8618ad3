#!/bin/sh
# scripts/soak.sh - the long counts: simulation and end-to-end tests multiply what they do by TAPEDECK_SOAK (40), every
# fuzzer runs for FUZZ_S (600) seconds. The log, with commit and times, is build/soak.log.
set -eu
export TAPEDECK_SOAK="${TAPEDECK_SOAK:-40}" FUZZ_S="${FUZZ_S:-600}"
{
    echo "soak of $(git describe --always --dirty 2>/dev/null || echo 'no commit') at $(date -u +%FT%TZ), times $TAPEDECK_SOAK"
    meson test -C build --no-rebuild --verbose --timeout-multiplier "$TAPEDECK_SOAK" --suite sim --suite e2e && status=ok || status=FAILED
    make --no-print-directory fuzz || status=FAILED
    echo "soak $status at $(date -u +%FT%TZ)"
} 2>&1 | tee build/soak.log
tail -n 1 build/soak.log | grep -q '^soak ok'
