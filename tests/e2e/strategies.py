#!/usr/bin/env python3
"""tests/e2e/strategies.py - tests of users' own strategies: the examples give what they are said to give, what differs
is told line by line, and a plan says what strategies compile to.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tapedeck as td  # noqa: E402

EXAMPLES = sorted((td.ROOT / "examples" / "strategies").glob("*.td"))
cases = td.Cases()


def tapedeck(*words, check=0):
    done = subprocess.run([td.PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False, cwd=td.ROOT)
    assert done.returncode == check, f"{words}: exit {done.returncode}, wanted {check}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@cases.add
def examples_give_what_they_are_said_to_give(home):
    told = [json.loads(line) for line in tapedeck("test", *EXAMPLES, "--json").splitlines()]
    assert len(told) == len(EXAMPLES) >= 3, told
    assert all(t["ok"] and t["signals"] > 0 and t["different"] == 0 for t in told), told
    return f"{len(told)} examples, {sum(t['signals'] for t in told)} signals"


def copy_example(home, name="golden_cross"):
    shutil.copy(td.ROOT / "examples" / "strategies" / f"{name}.td", home)
    shutil.copytree(td.ROOT / "examples" / "strategies" / name, f"{home}/{name}")
    return pathlib.Path(f"{home}/{name}.td"), pathlib.Path(f"{home}/{name}/signals.csv")


@cases.add
def differences_are_told_line_by_line(home):
    strategy, expected = copy_example(home)
    lines = expected.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [lines[0], lines[1].replace("buy", "short"), *lines[3:]]  # one is another one, one is missing
    expected.write_text("".join(changed), encoding="utf-8")
    told = tapedeck("test", strategy, check=8).splitlines()
    assert told[0].startswith("FAILED") and "3 lines differ" in told[0], told
    marked = [line.strip() for line in told[1:]]
    assert marked == ["- " + changed[1].strip(), "+ " + lines[1].strip(), "+ " + lines[2].strip()], told
    tapedeck("test", strategy, "--update")
    assert expected.read_text(encoding="utf-8") == "".join(lines)
    assert tapedeck("test", strategy).startswith("ok")
    return "3 lines"


@cases.add
def many_lines_are_compared(home):
    """A table of signals as long as the bars, of which none is expected."""
    strategy = pathlib.Path(f"{home}/each.td")
    strategy.write_text("strategy each on bars(1s)\n  emit it { c = close }\n", encoding="utf-8")
    pathlib.Path(f"{home}/each").mkdir()
    rows, lines = ["time,instrument,price,size"], ["id,action,target,price,status,note,reason,data"]
    for n in range(20000):
        rows.append(f"2026-03-02T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z,V:X,{100 + n % 7},1")
        lines.append(f"none/V:X/{n}#1,emit,0,1,fresh,it,,")
    pathlib.Path(f"{home}/each/trades.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    pathlib.Path(f"{home}/each/signals.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    began = time.monotonic()
    told = json.loads(tapedeck("test", strategy, "--json", check=8))
    assert told["signals"] == 20000 and told["different"] == 40000, told
    return f"{told['different']} differences in {time.monotonic() - began:.1f} s"


@cases.add
def what_is_wrong_names_its_place(home):
    strategy, expected = copy_example(home)
    with open(f"{home}/golden_cross/bars.csv", "a", encoding="utf-8") as table:
        table.write("2026-03-05T10:00:00Z,NASDAQ:AAPL,ten,11,9,10,100\n")
    told = tapedeck("test", strategy, check=8)
    assert "bars.csv:202:" in told and "1 lines of the tables are no events" in told, told
    pathlib.Path(f"{home}/golden_cross/bars.csv").write_text("tme,instrument,open\n1,2,3\n", encoding="utf-8")
    assert "bars.csv:1: its first line names neither" in tapedeck("test", strategy, check=8)
    shutil.copy(td.ROOT / "examples/strategies/golden_cross/bars.csv", f"{home}/golden_cross/bars.csv")
    expected.unlink()
    assert "--update" in tapedeck("test", strategy, check=3)
    strategy.write_text(strategy.read_text(encoding="utf-8").replace("sma(close, fast)", "smaa(close, fast)"),
                        encoding="utf-8")
    told = tapedeck("test", strategy, check=3)
    assert "golden_cross.td:7:7: unknown function 'smaa'; did you mean 'sma'?" in told, told
    shutil.rmtree(f"{home}/golden_cross")
    assert "has no table" in tapedeck("test", strategy, check=3)
    assert "--data" in tapedeck("test", strategy, strategy, "--data", home, check=2)
    assert "none.td: there is no such file" in tapedeck("test", f"{home}/none.td", check=3)
    return "7 mistakes"


@cases.add
def a_plan_says_what_strategies_compile_to(home):
    pathlib.Path(f"{home}/two.td").write_text("""strategy one on bars(1m)
  buy when crossover(sma(close, 20), sma(close, 50))
strategy other on bars(1m)
  sell when close < sma(close, 50)[2]
strategy slow on bars(1h)
  buy when close > ema(close, 10)
""", encoding="utf-8")
    feed = f"file: {{ format: csv, path: {td.ROOT}/examples/strategies/golden_cross/bars.csv }}"
    file = td.config(f"{home}/c.yaml", f"{home}/data", [feed], bars="[1m]", strategies=[f"{home}/two.td"], sink=False)
    plan = json.loads(tapedeck("check", "--plan", "--json", file))["plan"]
    minute, hour = plan["graphs"]
    assert [s["name"] for s in minute["strategies"]] == ["one", "other"] and minute["rhythm"] == "1m", minute
    assert [s["warmup"] for s in minute["strategies"]] == [50, 51], minute
    assert hour["strategies"] == [{"name": "slow", "warmup": 9}] and hour["shared"] == 0, hour
    assert minute["shared"] == 2, minute  # close and its average of 50
    assert minute["state_bytes"] > 50 * 8 and 1 < minute["event_ns"] < 1e6, minute
    assert plan["state_bytes"] == minute["state_bytes"] + hour["state_bytes"], plan
    assert plan["instruments"] == 1 and plan["state_bytes_all"] == plan["state_bytes"], plan
    text = tapedeck("check", "--plan", file)
    assert "on 1m: 2 strategies" in text and "one: warm-up 50" in text and "ns per event" in text, text
    return f"{minute['nodes']} and {hour['nodes']} nodes, {minute['event_ns']} ns"


INSTRUMENTS = "instrument,sector,lot\nNYSE:*,drinks,100\nNYSE:IBM,tech,100\nNYSE:T,tech,10\n"
BY_TABLE = """strategy big on bars(1m) for NYSE:* where ref.sector == "tech" and ref.lot >= 100
  buy when close >= ref.lot / 10
strategy drinks on bars(1m)
  emit said { lot = ref.lot } when ref.sector in "food, drinks" and ref.lot > 1
"""


@cases.add
def what_the_instrument_table_says_goes_with_the_program(home):
    here = pathlib.Path(home)
    strategy, table = here / "by_table.td", here / "by_table" / "instruments.csv"
    table.parent.mkdir()
    strategy.write_text(BY_TABLE, encoding="utf-8")
    table.write_text(INSTRUMENTS, encoding="utf-8")
    rows = [f"2026-03-02T15:0{i}:00Z,NYSE:{name},20,21,19,20,100\n" for i in range(3) for name in ("IBM", "T", "KO")]
    (table.parent / "bars.csv").write_text("time,instrument,open,high,low,close,volume\n" + "".join(rows), encoding="utf-8")
    tapedeck("test", strategy, "--update")
    told = (table.parent / "signals.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split("/")[1] for line in told if line.startswith("big/")] == ["NYSE:IBM"], told
    said = [line for line in told if line.startswith("drinks/")]
    assert len(said) == 3 and all("NYSE:KO" in line and "100" in line for line in said), told
    table.write_text(INSTRUMENTS.replace("IBM,tech", "IBM,toys"), encoding="utf-8")
    assert "- big/NYSE:IBM" in tapedeck("test", strategy, check=8)

    table.write_text(INSTRUMENTS, encoding="utf-8")
    file = td.config(here / "c.yaml", here / "data", [f"file: {{ format: csv, path: {table.parent}/bars.csv }}"], sink=False,
                     strategies=[strategy], extra=f"instruments: {table}\n")
    td.run(file)
    table.write_text(INSTRUMENTS.replace("tech", "toys").replace(",100", ",7"), encoding="utf-8")
    held = json.loads(tapedeck("explain", "--all", "--json", "--data", here / "data"))
    assert held["differences"] == 0 and held["signals"] == len(told), held
    strategy.write_text(BY_TABLE.replace("ref.sector ==", "ref.sectr =="), encoding="utf-8")
    wrong = tapedeck("check", file, check=3)
    assert "by_table.td:1:43: the instrument table has no column 'sectr'; did you mean 'sector'?" in wrong, wrong
    table.write_text("instrument,sector\nNYSE:A,b,c\n", encoding="utf-8")
    assert "instruments.csv: line 2: more fields" in tapedeck("check", file, check=3)
    return f"{len(told)} signals, {held['bars']} bars made again by the table of their time"


if __name__ == "__main__":
    sys.exit(cases.run())
