#!/bin/sh
# tests/fault/unit_file.sh - systemd understands deploy/tapedeck.service, every line of it, and calls it well confined:
# unit_file.sh PROGRAM. Skipped where systemd-analyze is not.
set -eu
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze" && exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed "s|^ExecStart=[^ ]*|ExecStart=$1|" "$(dirname "$0")/../../deploy/tapedeck.service" >"$folder/tapedeck.service"
systemd-analyze verify --man=no "$folder/tapedeck.service" >"$folder/said" 2>&1 || { cat "$folder/said" && exit 1; }
if grep -F tapedeck.service "$folder/said"; then exit 1; fi # a key that it does not know is only a warning
systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/tapedeck.service" | tail -n 1
