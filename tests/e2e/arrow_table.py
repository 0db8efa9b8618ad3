"""tests/e2e/arrow_table.py - an answer in Arrow beside the same one in JSON: what pyarrow and polars read of the bytes has the columns,
types and values that the rows have.
"""
import calendar
import io
import time
from decimal import Decimal

import polars
import pyarrow
import pyarrow.ipc

TYPE = "application/vnd.apache.arrow.stream"
SIZES = ("volume", "size", "bid_size", "ask_size", "target", "quantity", "position")
SCALES = {"change_percent": 2, "notional": 17} | dict.fromkeys(SIZES, 8)
PLAIN = {"integer": pyarrow.int64(), "number": pyarrow.float64(), "boolean": pyarrow.bool_(), "string": pyarrow.string()}


def wanted_type(name, schema):
    """Of a member of the document's."""
    one = next(s for s in schema.get("anyOf", [schema]) if s.get("type") != "null")
    word = one.get("$ref", "").split("/")[-1]
    if word in ("Decimal", "Time"):
        return pyarrow.decimal128(38, SCALES.get(name, 9)) if word == "Decimal" else pyarrow.timestamp("ns", "UTC")
    kinds = one.get("type", "string")
    return PLAIN[kinds if isinstance(kinds, str) else kinds[0]]


def wanted_value(value, kind):
    if value is None or not (pyarrow.types.is_decimal(kind) or pyarrow.types.is_timestamp(kind)):
        return value
    if pyarrow.types.is_decimal(kind):
        return Decimal(value)
    seconds, _, fraction = value.removesuffix("Z").partition(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction.ljust(9, "0"))


def members(schema, rows):
    """{name: type} of a row's columns, in their order; of those that the document has by a pattern where there are rows."""
    named = dict(schema["properties"])
    order = [name for name in (rows[0] if rows else named) if name != "spark"]
    patterns = list(schema.get("patternProperties", {}).values())
    return {name: wanted_type(name, named.get(name) or patterns[0]) for name in order}


def check(data, schema, rows, where):
    """Returns the number of values."""
    assert len(data) % 8 == 0, (where, len(data))
    with pyarrow.ipc.open_stream(data) as reader:
        batches = list(reader)
        table = pyarrow.Table.from_batches(batches, reader.schema)
    table.validate(full=True)
    assert len(batches) == (1 if rows else 0), (where, len(batches))
    types = members(schema, rows)
    assert list(zip(table.column_names, table.schema.types)) == list(types.items()), (where, table.schema, types)
    frame = polars.read_ipc_stream(io.BytesIO(data))
    assert frame.columns == list(types) and frame.height == len(rows), (where, frame.columns, frame.height)
    assert frame.schema == polars.from_arrow(table).schema, (where, frame.schema)
    for name, kind in types.items():
        wanted = [wanted_value(row[name], kind) for row in rows]
        column, series = table[name], frame[name]
        if pyarrow.types.is_timestamp(kind):
            assert series.dtype == polars.Datetime("ns", "UTC"), (where, name, series.dtype)
            column, series = column.cast(pyarrow.int64()), series.cast(polars.Int64)
        if pyarrow.types.is_decimal(kind):
            assert series.dtype == polars.Decimal(38, kind.scale), (where, name, series.dtype)
        assert column.to_pylist() == wanted, f"{where}: {name} is another in Arrow"
        assert series.to_list() == wanted, f"{where}: {name} is another for polars"
    return len(types) * len(rows)
