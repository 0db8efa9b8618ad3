#!/usr/bin/env python3
"""Generated schemas of all types, and changes of them of every kind: canonical forms, fingerprints and what a reader
gets of a writer's values, by us, by fastavro and by Apache's avro.

AVRO_TOOL names the program (tests/oracle/avro_tool.c). Both directions of each change are read, and each schema reads
what it wrote. What the libraries encode is read by us as well. Where a library differs from the specification, or we
do, DEVIATIONS says so, and how often is printed. TAPEDECK_SOAK is how many rounds, each of its own seed.
"""
import collections
import io
import json
import math
import os
import random
import re
import subprocess
import sys
import warnings

import avro.errors
import avro.io
import avro.schema
import avro_schemas
import fastavro
import fastavro.schema

SEED = int(os.environ.get("SEED", "20261121"))
ROUNDS = int(os.environ.get("TAPEDECK_SOAK", "1"))
PAIRS = 1200  # per round
VALUES = 4  # per reading
AT_LEAST = {"fastavro": 5 * PAIRS, "avro": 4 * PAIRS}  # values equal; fewer mean that the comparison itself is broken

warnings.simplefilter("ignore", avro.errors.IgnoredLogicalType)


def plain(schema):
    """Without logical types: the libraries make Python's own objects of them, which hide what was read."""
    if isinstance(schema, dict):
        return {key: plain(value) for key, value in schema.items() if key not in ("logicalType", "precision", "scale")}
    return [plain(branch) for branch in schema] if isinstance(schema, list) else schema


class FastAvro:
    name = "fastavro"

    def __init__(self, text):
        self.schema = plain(json.loads(text))

    def read(self, value, reader=None):
        stream = io.BytesIO(value)
        out = fastavro.schemaless_reader(stream, self.schema, reader.schema if reader else None)
        if stream.tell() != len(value):
            raise ValueError("bytes are left")
        return out

    def write(self, value):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, self.schema, value)
        return stream.getvalue()

    def form(self):
        form = fastavro.schema.to_parsing_canonical_form(self.schema)
        return form, fastavro.schema.fingerprint(form, "CRC-64-AVRO")


class ApacheAvro:
    name = "avro"

    def __init__(self, text):
        self.schema = avro.schema.parse(json.dumps(plain(json.loads(text))))

    def read(self, value, reader=None):
        stream = io.BytesIO(value)
        out = avro.io.DatumReader(self.schema, reader.schema if reader else None).read(avro.io.BinaryDecoder(stream))
        if stream.tell() != len(value):
            raise ValueError("bytes are left")
        return out

    def write(self, value):
        stream = io.BytesIO()
        avro.io.DatumWriter(self.schema).write(value, avro.io.BinaryEncoder(stream))
        return stream.getvalue()


def same(ours, theirs, loose=False):
    """Python promotes to double where a float is meant, and fastavro leaves defaults of bytes as JSON's text. Loose:
    equal but for the type that it was promoted to."""
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (ours, theirs))
    if numbers and (loose or isinstance(ours, float)):
        return ours == theirs or math.isclose(ours, theirs, rel_tol=1.2e-7)
    if {type(ours), type(theirs)} == {bytes, str}:
        texts = [v if isinstance(v, str) else v.decode("latin-1") for v in (ours, theirs)]
        coded = [v if isinstance(v, bytes) else v.encode() for v in (ours, theirs)]
        return texts[0] == texts[1] or (loose and coded[0] == coded[1])
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key], loose) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(same(a, b, loose) for a, b in zip(ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def holds_empty(value):
    """An array or map without elements is somewhere in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (not inner or any(map(holds_empty, inner)))


REFUSED = object()  # in place of a value
Case = collections.namedtuple("Case", "ours theirs why error reader")

DEVIATIONS = [  # (library, who differs and how, whether that explains it)
    ("both", "decimals of another precision or scale are read; the specification refuses them",
     lambda case: "decimal(" in case.why),
    ("both", "types with names inside an array or map are not compared before their values are read",
     lambda case: re.search(r"takes (array|map)|\[\].*: |\{\}.*: ", case.why) and holds_empty(case.theirs)),
    ("both", "the first branch of a union is taken that matches, by the letter; we look for the writer's type first",
     lambda case: case.ours is not REFUSED and (case.error.startswith("UnicodeDecodeError") if case.theirs is REFUSED
                                                else same(case.ours, case.theirs, loose=True))),
    ("fastavro", "falls over its own reading of a union that names a type given before",
     lambda case: case.theirs is REFUSED and case.error == "TypeError: string indices must be integers, not 'str'"),
    ("avro", "knows no aliases, and takes a field's default although it was written by an older name",
     lambda case: '"aliases"' in case.reader),
    ("avro", "a default of bytes becomes the UTF-8 of JSON's text, where the specification wants a byte per character",
     lambda case: "\\u00ff" in case.reader or "\\u0080" in case.reader),
]


def attempt(decode, *args):
    """The value, or REFUSED and why; each library has errors of its own, and Python's beside them."""
    try:
        return decode(*args), ""
    except Exception as error:
        return REFUSED, f"{type(error).__name__}: {error}"


def ask(lines):
    answer = subprocess.run([os.environ["AVRO_TOOL"]], input="".join(line + "\n" for line in lines), text=True,
                            capture_output=True, check=True).stdout.split("\n")
    if len(answer) != len(lines) + 1:
        sys.exit(f"{len(lines)} requests, {len(answer) - 1} answers")
    return answer[:-1]


def ask_values(readings):
    """For each (writer, reader, values) our answer to each value."""
    lines = ["\t".join(["resolve", writer, reader, *(value.hex() for value in values)])
             for writer, reader, values in readings]
    for (_, _, values), answer in zip(readings, ask(lines), strict=True):
        ours = answer.split("\t")[:len(values)]
        yield [(REFUSED, one) if one.startswith("!") else (bytes.fromhex(one), "") for one in ours]


def check_forms(texts):
    for text, answer in zip(texts, ask([f"canonical\t{text}" for text in texts]), strict=True):
        form, _, mark = answer.partition("\t")
        theirs, their_mark = FastAvro(text).form()
        if (form, int(mark, 16).to_bytes(8, "little").hex()) != (theirs, their_mark):
            sys.exit(f"{text}\nours     {form} {mark}\nfastavro {theirs} {their_mark} (bytes in order)")
    print(f"{len(texts)} canonical forms and fingerprints equal fastavro's")


class Comparison:
    def __init__(self):
        self.counts = collections.Counter()

    def check(self, change, reading, value, answer):
        """One value against both libraries."""
        writer, reader, _ = reading
        body, why = answer
        for library in FastAvro, ApacheAvro:
            at_reader = library(reader)
            theirs, error = attempt(library(writer).read, value, at_reader)
            if theirs is REFUSED and library is ApacheAvro:
                self.counts["avro", "refused"] += 1  # it knows no aliases and no promotion of strings
                continue
            ours = REFUSED if body is REFUSED else at_reader.read(body)
            if (ours is REFUSED) == (theirs is REFUSED) and (ours is REFUSED or same(ours, theirs)):
                self.counts[library.name, "refused as well" if ours is REFUSED else "equal"] += 1
                continue
            case = Case(ours, theirs, why, error, reader)
            known = [what for who, what, explains in DEVIATIONS if who in ("both", library.name) and explains(case)]
            if not known:
                sys.exit(f"{change}: {value.hex()}\nwritten by {writer}\nread by    {reader}\n"
                         f"ours {why or ours}\n{library.name} {error or theirs}")
            self.counts[library.name, known[0]] += 1

    def report(self):
        for (name, what), count in sorted(self.counts.items()):
            print(f"{name}: {count} values {what}")
        for name, least in AT_LEAST.items():
            if self.counts[name, "equal"] < least:
                sys.exit(f"{name}: at least {least} equal values wanted")


def check_theirs(texts, rng):
    """What the libraries encode of a value is read by us, and they read it out of what we make of it."""
    readings, expected = [], []
    for text, schema in texts.items():
        for library in FastAvro(text), ApacheAvro(text):
            value = library.read(schema.value(rng))
            body, why = attempt(library.write, value)  # a union's branch may not be told from Python's value
            if body is not REFUSED:
                readings.append((text, text, [body]))
                expected.append((library, body))
    for (library, body), [(ours, why)] in zip(expected, ask_values(readings), strict=True):
        if ours is REFUSED or not same(library.read(ours), library.read(body)):
            sys.exit(f"{library.name} wrote {body.hex()}\nby {library.schema}\nours {why or ours.hex()}")
    print(f"{len(expected)} values that fastavro and avro encoded are equal in ours, at least {PAIRS} wanted")
    if len(expected) < PAIRS:
        sys.exit("too few")


def run(seed):
    rng = random.Random(seed)
    pairs = list(avro_schemas.pairs(seed, PAIRS))
    texts = {schema.text(): schema for _, *both in pairs for schema in both}
    check_forms(list(texts))
    check_theirs(texts, rng)
    work = [(change, (writer.text(), reader.text(), [writer.value(rng) for _ in range(VALUES)]))
            for change, before, after in pairs for writer, reader in ((before, after), (after, before))]
    comparison = Comparison()
    for (change, reading), answers in zip(work, ask_values([reading for _, reading in work]), strict=True):
        for value, answer in zip(reading[2], answers, strict=True):
            comparison.check(change, reading, value, answer)
    comparison.report()


for turn in range(ROUNDS):
    print(f"seed {SEED + turn}", flush=True)
    run(SEED + turn)
