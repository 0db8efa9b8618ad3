#!/bin/sh
# scripts/fetch_duckdb.sh - puts DuckDB's C library where the program looks for it: ~/.cache/tapedeck/duckdb-VERSION.
#
# libduckdb.so (MIT) comes from npm, in the package of DuckDB's own Node.js bindings, by pinned version, once. Its bytes
# must have the integrity below, as the registry states it, or nothing is kept. src/os/duck_library.c has the version, too.
set -eu
version=1.5.6
case $(uname -m) in
x86_64)
    name=@duckdb/node-bindings-linux-x64
    integrity=IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==
    ;;
*)
    echo "fetch_duckdb: for $(uname -m) name a libduckdb.so of version $version by TAPEDECK_DUCKDB" >&2
    exit 1
    ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tapedeck
folder=$cache/duckdb-$version
[ ! -s "$folder/libduckdb.so" ] || exit 0

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "$name@$version-r.1" >/dev/null) || {
    echo "fetch_duckdb: npm cannot bring $name@$version-r.1; is the npm registry reachable?" >&2
    exit 1
}
found=$(openssl dgst -sha512 -binary "$work"/*.tgz | base64 -w0)
[ "$found" = "$integrity" ] || {
    echo "fetch_duckdb: the package has sha512-$found, not sha512-$integrity" >&2
    exit 1
}
mkdir -p "$folder"
tar -xzf "$work"/*.tgz -C "$work" package/libduckdb.so package/LICENSE
mv "$work/package/LICENSE" "$folder/"
mv "$work/package/libduckdb.so" "$folder/" # last, and whole or not at all: two may come here at once
