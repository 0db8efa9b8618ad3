#!/bin/sh
# tests/services/kafka_dump.sh - Kafka's own dump tool reads every segment and index of data folders: kafka_dump.sh DIR…
# Each line that it prints must be one that it prints for a sound file, and its records must be as many as
# `tapedeck log verify` counts. TAPEDECK names the program (default build/tapedeck); Kafka's jars are fetched into
# TAPEDECK_SERVICES (default ~/.cache/tapedeck-services) when they are not there.
set -eu
version=4.3.1
program=${TAPEDECK:-build/tapedeck}
home=${TAPEDECK_SERVICES:-$HOME/.cache/tapedeck-services}/kafka-$version
[ $# -gt 0 ] || { echo "usage: kafka_dump.sh DIR…" >&2 && exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dependency() { echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"; }

fetch() {
    mkdir -p "$home"
    {
        echo '<project><modelVersion>4.0.0</modelVersion><groupId>tapedeck</groupId><artifactId>kafka</artifactId>'
        echo '<version>1</version><packaging>pom</packaging><dependencies>'
        dependency org.apache.kafka kafka_2.13 $version
        dependency org.apache.kafka kafka-tools $version
        dependency org.apache.logging.log4j log4j-slf4j-impl 2.25.2
        dependency org.apache.logging.log4j log4j-core 2.25.2
        echo '</dependencies></project>'
    } >"$home/pom.xml"
    (cd "$home" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory=lib.part && mv lib.part lib)
}
[ -d "$home/lib" ] || fetch

# dump FILES OPTION…: the tool over files named one a line, 300 to a call (a call is a JVM).
dump() {
    files=$1
    shift
    xargs -n 300 <"$files" | tr ' ' , | while read -r list; do
        java -Xmx512m -XX:TieredStopAtLevel=1 -cp "$home/lib/*" org.apache.kafka.tools.DumpLogSegments \
            --files "$list" "$@" || echo "the dump tool failed with exit code $?"
    done
}

# sound OUTPUT: no line but those of sound files. The tool (4.3.1) begins each file at offset -1, and so calls every
# segment but a topic's first one non-consecutive: that one jump, to the offset in the file's name, is its own.
sound() {
    awk '/^Non-consecutive offsets in .*[0-9]+\.log$/ { base = $NF; gsub(/^.*\/0*|\.log$/, "", base); next }
         / is followed by / && $1 == "-1" && $NF == base { next }
         /^Dumping / || /^Log starting offset: [0-9]+$/ || /^baseOffset: .* isvalid: true$/ || /^\| offset: / { next }
         /^offset: [0-9]+ position: [0-9]+ *$/ || /^timestamp: -?[0-9]+ offset: [0-9]+$/ { next }
         / passed sanity check\.$/ || /is empty\.$/ { next }
         { print "kafka_dump: " $0; bad++ } bad > 20 { exit } END { exit bad > 0 }' "$1" >&2
}

fail() {
    echo "kafka_dump: $*" >&2
    exit 1
}

check() {
    dir=$1
    "$program" log verify --json --data "$dir" >"$work/verify" || fail "$dir: tapedeck log verify found damage"
    expected=$(sed -n 's/.*"total":true.*"records":\([0-9]*\).*/\1/p' "$work/verify")
    find "$dir" -path '*-[0-9]*/*' -name '*.log' | sort >"$work/logs"
    find "$dir" -path '*-[0-9]*/*' -name '*index' | sort >"$work/indexes"
    [ -s "$work/logs" ] || fail "$dir: no segments"
    cat "$work/logs" "$work/indexes" >"$work/all"

    dump "$work/all" --deep-iteration >"$work/deep" 2>&1
    sound "$work/deep" || fail "$dir: the dump tool complains"
    count=$(grep -c '^| offset: ' "$work/deep" || true)
    [ "$count" = "$expected" ] || fail "$dir: the dump tool sees $count records, we $expected"

    # The data may hold any line, so that only the number of records can be compared.
    count=$(dump "$work/logs" --print-data-log 2>&1 | grep -ac '^| offset: [0-9]* [A-Za-z]*Time: ' || true)
    [ "$count" = "$expected" ] || fail "$dir: --print-data-log shows $count records, we count $expected"

    dump "$work/indexes" --index-sanity-check >"$work/sanity" 2>&1
    sound "$work/sanity" || fail "$dir: an index is not sane"
    [ "$(grep -cE ' passed sanity check\.$| is empty\.$' "$work/sanity")" = "$(wc -l <"$work/indexes")" ] ||
        fail "$dir: the sanity check skipped an index"
    dump "$work/indexes" --verify-index-only >"$work/index" 2>&1
    sound "$work/index" || fail "$dir: an index does not fit its segment"

    echo "$dir: $(wc -l <"$work/logs") segments, $expected records verified"
}

for dir in "$@"; do check "$dir"; done
