#!/bin/sh
# scripts/check_size.sh - what keeps the source readable: 120 columns, 800 lines a file, 70 lines a function
# (rows of a table aside), 6 parameters (self among them), and a first line that says what the file is.
set -eu
find src tests bench -name '*.[ch]' | sort | xargs awk '
    function complain(line, text) { print FILENAME ":" line ": " text; bad = 1 }
    function close_file() { if (lines > 800) { print file ": " lines " lines, at most 800"; bad = 1 } }
    FNR == 1 {
        close_file(); file = FILENAME; start = 0; head = ""
        if (index($0, "/* " FILENAME " - ") != 1) complain(1, "the first line must be /* " FILENAME " - what it is")
    }
    { lines = FNR; columns = $0; gsub(/[\200-\277]/, "", columns) } # continuation bytes of UTF-8 take no column
    length(columns) > 120 { complain(FNR, length(columns) " columns, at most 120") }
    /^[A-Za-z_]/ && !/;$/ && !/^(typedef|struct|enum|union|static const|extern)/ { start = FNR; rows = 0; head = "" }
    start && head !~ /\{/ { head = head $0; if ((head ~ /;/ && head !~ /\{/) || head ~ /= \{/) start = 0 } # a prototype, a table
    /^ +\{.*\},/ { rows++ }
    /^}/ && start {
        name = head; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
        length_of = FNR - start + 1 - rows
        if (length_of > 70) complain(start, name " has " length_of " lines, at most 70")
        signature = head; sub(/\{.*/, "", signature)
        if (gsub(/,/, "", signature) > 5) complain(start, name " has more than 6 parameters: use a struct")
        start = 0
    }
    END { close_file(); exit bad }'
find scripts web tests bench -type f \( -name '*.sh' -o -name '*.py' -o -name '*.js' -o -name '*.css' -o -name '*.html' \) \
    -not -path '*/vendor/*' -not -path '*/node_modules/*' -not -name '*.min.*' -not -name '*.production.*' |
    while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 800 ] || { echo "$file: $lines lines, at most 800" && exit 1; }
    done
