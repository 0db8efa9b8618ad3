#!/usr/bin/env python3
"""Writes one C file that holds the given files as byte arrays: embed.py OUT.c SYMBOL NAME=PATH …

The table is `const td_embedded SYMBOL[]`, ended by a row without a name; see src/base/embedded.h.
A schema (*.avsc) must be JSON and goes in without white space, the form that a registry is given.
"""
import json
import sys

out, symbol, pairs = sys.argv[1], sys.argv[2], [a.split("=", 1) for a in sys.argv[3:]]
rows = []
with open(out, "w", encoding="ascii") as c:
    c.write('#include "base/embedded.h"\n')
    for i, (name, path) in enumerate(pairs):
        with open(path, "rb") as f:
            data = f.read()
        if path.endswith(".avsc"):
            data = json.dumps(json.loads(data), separators=(",", ":"), ensure_ascii=False).encode()
        c.write(f"static const uint8_t bytes_{i}[] = {{{','.join(map(str, data)) or '0'}}};\n")
        rows.append(f'    {{"{name}", {{bytes_{i}, {len(data)}}}}},\n')
    c.write(f"const td_embedded {symbol}[] = {{\n{''.join(rows)}    {{0}},\n}};\n")
