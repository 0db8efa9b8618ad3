#!/bin/sh
# scripts/python.sh - runs Python with the tests' pinned libraries: python.sh SCRIPT [ARGUMENT …].
#
# The environment is made on first use under ~/.cache/tapedeck, one per content of the
# requirements (tests/requirements.txt unless REQUIREMENTS names another file).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
wanted=${REQUIREMENTS:-$root/tests/requirements.txt}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tapedeck
venv=$cache/venv-$(sha256sum <"$wanted" | cut -c1-12)

mkdir -p "$cache"
(
    flock 9 # two tests may come here at once
    if [ ! -e "$venv/complete" ]; then
        echo "python: making $venv" >&2
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2
        touch "$venv/complete" # last, so that a torn environment is made again
    fi
) 9>"$venv.lock"
exec "$venv/bin/python" "$@"
