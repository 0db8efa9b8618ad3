#!/bin/sh
# scripts/check_docs.sh - documents speak of what exists: files and functions that they name are there, and nothing
# tracked knows a path of somebody's machine.
set -eu
bad=0
if find . \( -name .git -o -name 'build*' -o -name data -o -name node_modules \) -prune -o -type f -print0 |
    xargs -0 grep -InE '(^|[^A-Za-z0-9_.$}])/(work|root|home|Users)/[A-Za-z0-9_.]'; then
    echo "the lines above name a path of one machine"
    bad=1
fi

for doc in README.md ARCHITECTURE.md CONTRIBUTING.md $(find docs -name '*.md' 2>/dev/null); do
    for path in $(grep -oE '`(src|tests|scripts|bench|examples|strategies|schemas|docs|web)/[A-Za-z0-9_./-]+`' "$doc" | tr -d '`'); do
        [ -e "$path" ] || { echo "$doc: no such file: $path" && bad=1; }
    done
    for function in $(grep -oE '\btd_[a-z0-9_]+' "$doc" | sort -u); do
        grep -rqwE "$function" src || { echo "$doc: no such name in src/: $function" && bad=1; }
    done
    sed -nE 's/.*`(src[^`]*)` `([a-z0-9_]+)`.*/\1 \2/p' "$doc" | while read -r file function; do # "where" in tables
        grep -qE "\b$function\(" "$file" || { echo "$doc: $file has no $function" && exit 1; }
    done || bad=1
    for link in $(grep -oE '\]\([^):# ]+' "$doc" | sed 's/^](//'); do
        [ -e "$(dirname "$doc")/$link" ] || { echo "$doc: broken link: $link" && bad=1; }
    done
done
for target in $(grep -ohE '`make [a-z]+' README.md ARCHITECTURE.md CONTRIBUTING.md | sed 's/.* //' | sort -u); do
    grep -q "^$target:" Makefile || { echo "a document names \`make $target\`, which does not exist" && bad=1; }
done
exit $bad
