#!/usr/bin/env python3
"""tests/e2e/prefixes.py - no look-ahead: what strategies tell of the first part of a tape is the first part of what they
tell of all of it, byte for byte. For every function of the language, on bars and on ticks, and for every strategy in
the tree; both are found, so that a new one is not forgotten. What a run tells belongs to the record that caused it, so
two runs are compared up to where their tapes part: where an input ends, its end is told.
"""
import csv
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tapedeck as td  # noqa: E402

DATA = td.ROOT / "examples" / "data"
BINANCE = f"format: binance-collector, path: {DATA}/binance/*.gz"
LEAN = f"format: lean, path: {DATA}/lean/*ibm*.zip, ratio: 10, from: \"09:30\""
# What a function takes from bars, as trades and as books have it.
TICKS = {"trades": {"open": "quote.ask", "high": "price + 1", "low": "price - 1", "close": "price", "volume": "size",
                    "trades": "size", "vwap": "price"},
         "book": {"open": "bid", "high": "ask", "low": "bid", "close": "mid", "volume": "bid_size",
                  "trades": "ask_size", "vwap": "microprice"}}
BARS_ONLY = ("vwma", "vwap", "adjusted")  # they take what ticks do not have, by its name
OUTPUTS = ("bars", "signals", "fills")
cases = td.Cases()


def tapedeck(*words, check=0):
    done = subprocess.run([td.PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120, check=False)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done.stdout


def topic(data, name):
    """Per partition what the records say, without their places in the log, each behind the offset that caused it."""
    found = {}
    for record in map(json.loads, tapedeck("log", "cat", name, "--data", data).splitlines()):
        cause = record.get("cause")
        at = int(cause.split("/")[3]) if cause and name != "tape" else record["offset"]
        found.setdefault(record["partition"], []).append((at, record["key"], record["value"]))
    return found


def run(home, name, feeds, strategies, bars="[1m]", extra=""):
    file = td.config(f"{home}/{name}.yaml", f"{home}/{name}", feeds, bars=bars, strategies=strategies, partitions=2,
                     sink=False, extra=extra)
    td.run(file)
    return {each: topic(f"{home}/{name}", each) for each in ("tape", *OUTPUTS)}


def common(one, other):
    """How many records both begin with."""
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


def compare(whole, part):
    """What the records that both tapes begin with have caused; returns how many outputs were compared, and of how many
    of the whole."""
    told, shared = 0, 0
    for p, tape in part["tape"].items():
        length = common(whole["tape"][p], tape)
        assert length > len(tape) // 2, f"partition {p}: the tapes part at {length} of {len(tape)}"
        shared += length
        for name in OUTPUTS:
            wanted, got = ([r for r in logs[name].get(p, []) if r[0] < length] for logs in (whole, part))
            at = common(wanted, got)
            assert at == len(wanted) == len(got), (name, p, wanted[at:at + 1], got[at:at + 1])
            told += len(got) if name == "signals" else 0
    assert shared < sum(len(tape) for tape in whole["tape"].values()), "that is no part"
    return told


# ---- every function ----


def functions():
    """(name, its arguments from the bar, the example's, fields) of each row of the table."""
    found = []
    for line in tapedeck("help", "--functions").splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if not line.startswith("| `"):
            continue
        usage, example = cells[0].split("`")[1], cells[-1].strip("| `")
        taken = re.search(r"\[([^]]*)\]", usage)
        fields = re.findall(r"`\.(\w+)`", cells[0])
        name, _, args = example.partition("(")
        bar_args = [word.strip() for word in taken[1].split(",") if word.strip()] if taken else []
        found.append((name, bar_args, args[:-1], fields))
    assert len(found) > 100, len(found)
    return found


def calls(source):
    """An expression of each value of each function; on ticks all that it takes is named."""
    for name, bar_args, args, fields in functions():
        if source != "bars":
            words = TICKS[source]
            if bar_args and not any(word in args for word in bar_args):
                args = ", ".join(bar_args + ([args] if args else []))
            args = re.sub(r"\b[a-z]+\b", lambda word: f"({words[word[0]]})" if word[0] in words else word[0], args)
        for field in fields or [""]:
            yield name, f"{name}({args}){'.' if field else ''}{field}"


def emitting(source, rhythm, values):
    lines = []
    for i in range(0, len(values), 16):
        fields = ", ".join(f"v{i + k} = {call}" for k, call in enumerate(values[i:i + 16]))
        lines.append(f"strategy {source}_{i // 16} on {rhythm} for BINANCE:*\n  emit v {{ {fields} }}\n")
    return "".join(lines)


def functions_on(home, source, rhythm, cuts):
    """All of them told each time; so many signals of the first minutes are equal."""
    every = list(calls(source))
    values = [call for name, call in every if source == "bars" or name not in BARS_ONLY]
    path = pathlib.Path(f"{home}/all.td")
    for name, call in every:
        if call not in values:
            path.write_text(emitting(source, rhythm, [call]), encoding="utf-8")
            file = td.config(f"{home}/refused.yaml", f"{home}/none", [f"file: {{ {BINANCE} }}"], strategies=[path])
            assert "is of bars" in tapedeck("check", file, check=3), name
    path.write_text(emitting(source, rhythm, values), encoding="utf-8")
    whole = run(home, "whole", [f"file: {{ {BINANCE} }}"], [path])
    told = {v: value for logs in whole["signals"].values() for _, _, signal in logs
            for v, value in json.loads(signal["data"]).items() if value is not None}
    silent = [values[i] for i in range(len(values)) if f"v{i}" not in told]
    assert not silent, f"without any value: {silent}"
    count = sum(compare(whole, run(home, f"to-{to[:2]}-{to[3:5]}", [f"file: {{ {BINANCE}, to: \"{to}\" }}"], [path]))
                for to in cuts)
    return f"{len(values)} values of {len({name for name, _ in every})} functions, {count} signals equal"


@cases.add
def functions_on_bars(home):
    return functions_on(home, "bars", "bars(500ms)", ("23:55:31", "23:58:03"))


@cases.add
def functions_on_filled_bars(home):
    return functions_on(home, "bars", "bars(250ms, filled, extended)", ("23:57:12",))


@cases.add
def functions_on_trades(home):
    return functions_on(home, "trades", "trades every 500ms", ("23:57:12",))


@cases.add
def functions_on_books(home):
    return functions_on(home, "book", "book every 500ms", ("23:56:40",))


# ---- every strategy ----


@cases.add
def examples_over_their_tables(home):
    """Cut at three times of their own rows; the expected signals are not among them."""
    count, examples = 0, sorted((td.ROOT / "examples" / "strategies").glob("*.td"))
    for example in examples:
        known = example.with_suffix("") / "instruments.csv"
        extra = f"instruments: {known}\n" if known.exists() else ""
        tables = [path for path in example.with_suffix("").glob("*.csv") if path.name not in ("signals.csv", known.name)]
        rows = {path.name: list(csv.reader(path.open(encoding="utf-8"))) for path in tables}
        times = sorted(row[table[0].index("time")] for table in rows.values() for row in table[1:])
        runs = []
        for name, before in [("whole", "~"), *((f"part{n}", times[len(times) * n // 4]) for n in (1, 2, 3))]:
            folder = pathlib.Path(f"{home}/{example.stem}/{name}")
            folder.mkdir(parents=True)
            for table, lines in rows.items():
                with (folder / table).open("w", encoding="utf-8") as out:
                    at = lines[0].index("time")
                    csv.writer(out).writerows(lines[:1] + [row for row in lines[1:] if row[at] < before])
            runs.append(run(folder, "data", [f"file: {{ format: csv, rules: off, trade_ids: off, path: {folder}/*.csv }}"],
                            [example], extra=extra))
        assert runs[0]["signals"], example
        count += sum(compare(runs[0], part) for part in runs[1:])
    assert count >= len(examples), count
    return f"{len(examples)} examples, {count} signals equal"


@cases.add
def strategies_with_ticks_and_rules(home):
    """Those that come with the program, and the tests' own, over both recordings."""
    files = sorted((td.ROOT / "strategies").glob("*.td")) + sorted((td.ROOT / "tests" / "data").glob("*.td"))
    def feeds(lean, binance):
        return [f"file: {{ {LEAN}, to: \"{lean}\" }}", f"file: {{ {BINANCE}, to: \"{binance}\" }}"]
    whole, cuts = run(home, "whole", feeds("10:30", "23:59:59"), files), (("09:45", "23:55:30"), ("10:05", "23:57:30"))
    count = sum(compare(whole, run(home, lean[:2] + lean[3:], feeds(lean, binance), files))
                for lean, binance in cuts)
    assert count > 500, count
    return f"{len(files)} files, {count} signals equal"


if __name__ == "__main__":
    sys.exit(cases.run())
