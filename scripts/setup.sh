#!/bin/sh
# scripts/setup.sh - names and installs the Debian packages that are missing, and for tests DuckDB's library:
# setup.sh run|test|bench.
#
# Says nothing and takes milliseconds when all is there. A program that is already on the PATH (another python3, a
# Node.js of your own) is taken as it is. Without root and sudo, or on another system, it lists what to install.
set -eu

# What the program is built from, then what only its tests and its benchmarks need. PACKAGE, or PACKAGE:COMMAND that
# serves as well.
run="gcc:cc libc6-dev pkg-config:pkg-config meson:meson ninja-build:ninja python3:python3 npm:npm ca-certificates
     libcmocka-dev libcurl4-openssl-dev libjemalloc-dev liblz4-dev libsqlite3-dev libssl-dev libwebsockets-dev libyaml-dev libzip-dev
     libzstd-dev zlib1g-dev"
test="clang:clang clang-format:clang-format clang-tidy:clang-tidy libclang-rt-14-dev llvm-14:llvm-cov-14 chromium:chromium
      default-jdk-headless:javac kcat:kcat libpq-dev librdkafka-dev maven:mvn postgresql:pg_ctlcluster"
bench="g++:c++ libsimdjson-dev"

case ${1:-} in
run) wanted=$run ;;
test) wanted="$run $test" ;;
bench) wanted="$run $test $bench" ;;
*) echo "usage: scripts/setup.sh run|test|bench" >&2 && exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "setup: not a Debian system; what is needed, by Debian's names:" $(echo "$wanted" | sed 's/:[^ ]*//g') >&2
    exit 0 # the build itself names what it does not find
fi

installed=" $(dpkg-query -W -f='${db:Status-Status}=${Package} ' 2>/dev/null) "
missing=
for want in $wanted; do
    package=${want%%:*}
    case $want in *:*) command -v "${want#*:}" >/dev/null && continue ;; esac
    case $installed in *" installed=$package "*) continue ;; esac
    missing="$missing $package"
done
# A Python without ensurepip cannot make the tests' virtual environment.
if [ "$1" != run ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing="$missing python3-venv"; fi
# Unit tests open it, too; who does not get it has them skipped.
bring_duckdb() {
    [ "$1" = run ] || "$(dirname "$0")/fetch_duckdb.sh" || echo "setup: tests that need DuckDB's library are skipped" >&2
}
[ -n "$missing" ] || { bring_duckdb "$1" && exit 0; }

echo "setup: missing Debian packages:$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "setup: neither root nor sudo; ask an administrator for: apt-get install$missing" >&2
    exit 1
fi

update() { $as_root apt-get update -q; }
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}
apt-cache show $missing >/dev/null 2>&1 || update
install || { update && install; } # package lists may have grown old
bring_duckdb "$1"
