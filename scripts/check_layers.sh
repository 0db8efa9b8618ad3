#!/bin/sh
# scripts/check_layers.sh - folders include only what layers.txt allows, and what is right of the log (stream/, lang/)
# calls no clock, file, random number, lock or libm function without a pinned result.
set -eu
sources=$(find src -name '*.[ch]' | sort)
bad=0
awk 'FNR == NR { sub(/:/, ""); ok[$1, $1] = 1; for (i = 2; i <= NF; i++) ok[$1, $i] = 1; next }
     /^#include "/ {
         split(FILENAME, from, "/"); split($2, to, /["\/]/)
         if (!((from[2], to[2]) in ok)) { print FILENAME ":" FNR ": " from[2] "/ may not use " to[2] "/"; bad = 1 }
     }
     END { exit bad }' layers.txt $sources || bad=1

impure='clock_gettime|gettimeofday|time|localtime|rand|random|getrandom|getenv|fopen|open|read|write|printf|socket'
impure="$impure|pthread_[a-z_]*|exp|log|pow|sin|cos|tan|tanh|fma"
if grep -nE "(^|[^A-Za-z0-9_.>\"])($impure)\(" $(echo "$sources" | grep -E '^src/(stream|lang)/'); then
    echo "the lines above: nothing right of the log may call these (ARCHITECTURE.md, walls)"
    bad=1
fi
exit $bad
