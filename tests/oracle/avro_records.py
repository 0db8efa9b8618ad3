#!/usr/bin/env python3
"""Our records are what schemas/*.avsc say: two Avro libraries read what we write, and we read what they write.

tests/oracle/record_dump.c writes seeded records of every schema, extremes among them, beside its own JSON of each;
RECORD_DUMP names the program. fastavro and Apache's avro decode the bytes by the .avsc and every field must be equal.
Then both encode the decoded values, and what we make of their bytes must be our own bytes again.
"""
import datetime
import decimal
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import warnings

import avro.errors
import avro.io
import avro.schema
import fastavro

COUNT = 3000
RECORDS_AT_LEAST = 20_000  # per library and direction; fewer mean that the comparison itself is broken
FRAME_BYTES = 5
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

warnings.simplefilter("ignore", avro.errors.IgnoredLogicalType)  # timestamp-nanos: younger than Python's libraries
decimal.getcontext().prec = 60


class FastAvro:
    name = "fastavro"

    def __init__(self, text):
        self.schema = fastavro.parse_schema(json.loads(text))

    def decode(self, body):
        stream = io.BytesIO(body)
        value = fastavro.schemaless_reader(stream, self.schema)
        return value, stream.tell()

    def encode(self, value):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, self.schema, value, strict=True)
        return stream.getvalue()


class ApacheAvro:
    name = "avro"

    def __init__(self, text):
        self.schema = avro.schema.parse(text)

    def decode(self, body):
        stream = io.BytesIO(body)
        value = avro.io.DatumReader(self.schema).read(avro.io.BinaryDecoder(stream))
        return value, stream.tell()

    def encode(self, value):
        stream = io.BytesIO()
        avro.io.DatumWriter(self.schema).write(value, avro.io.BinaryEncoder(stream))
        return stream.getvalue()


def plain(value):
    """A decoded field as our JSON has it: decimals as plain text, instants as integers, hashes as hex."""
    if isinstance(value, decimal.Decimal):
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(value, list):
        return [{name: plain(field) for name, field in item.items()} if isinstance(item, dict) else item for item in value]
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    return value


def as_json(schema, value):
    fields = {name: plain(field) for name, field in value.items()}
    if schema == "Program":
        fields["sha256"] = fields["sha256"].hex()
    if schema in ("Rejected", "Raw"):
        fields["bytes"] = fields["bytes"].decode()
    return {"schema": schema, **fields}


def read_by(library, schema, rows):
    """Every record decoded by the library, each field compared with our JSON, in the schema's order."""
    decoded = []
    for value, ours in rows:
        theirs, size = library.decode(value[FRAME_BYTES:])
        if size != len(value) - FRAME_BYTES:
            sys.exit(f"{schema}: {library.name} read {size} of {len(value) - FRAME_BYTES} bytes: {value.hex()}")
        if list(as_json(schema, theirs).items()) != list(ours.items()):
            sys.exit(f"{schema}: {library.name} reads\n{as_json(schema, theirs)}\nwe wrote\n{ours}\n{value.hex()}")
        decoded.append(theirs)
    return decoded


def read_by_us(dump, library, schema, rows, decoded):
    """The library's bytes of every record, decoded and encoded again by us: our own bytes."""
    frames = [value[:FRAME_BYTES] + library.encode(theirs) for (value, _), theirs in zip(rows, decoded)]
    lines = "".join(frame.hex() + "\n" for frame in frames)
    answer = subprocess.run([dump, "read"], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")
    for (value, ours), frame, again in zip(rows, frames, answer, strict=False):
        if again != value.hex():
            sys.exit(f"{schema}: of {library.name}'s {frame.hex()}\nwe make {again}\nnot     {value.hex()}\n{ours}")
    if len(answer) != len(rows) + 1:
        sys.exit(f"{schema}: {len(rows)} records of {library.name}, {len(answer) - 1} answers")
    return len(frames)


def main():
    dump = os.environ["RECORD_DUMP"]
    written = subprocess.run([dump, "write", str(COUNT)], capture_output=True, text=True, check=True).stdout
    records = {}
    for line in written.rstrip("\n").split("\n"):
        schema, value, ours = line.split(" ", 2)
        value = bytes.fromhex(value)
        assert value[0] == 0 and struct.unpack(">I", value[1:FRAME_BYTES])[0] > 0
        records.setdefault(schema, []).append((value, json.loads(ours)))
    if sorted(records) != sorted(path.stem for path in SCHEMAS.glob("*.avsc")):
        sys.exit(f"records of {sorted(records)} do not cover {SCHEMAS}/*.avsc")

    totals = {}
    for schema, rows in records.items():
        text = (SCHEMAS / f"{schema}.avsc").read_text()
        for library in FastAvro(text), ApacheAvro(text):
            decoded = read_by(library, schema, rows)
            totals[library.name, "read"] = totals.get((library.name, "read"), 0) + len(decoded)
            written_back = read_by_us(dump, library, schema, rows, decoded)
            totals[library.name, "wrote"] = totals.get((library.name, "wrote"), 0) + written_back
        print(f"{schema.lower()}: {len(rows)} records equal in fastavro and avro, and theirs equal in ours")
    for (name, direction), count in totals.items():
        print(f"{name} {direction} {count} records, at least {RECORDS_AT_LEAST} wanted", flush=True)
        if count < RECORDS_AT_LEAST:
            sys.exit("too few")


main()
