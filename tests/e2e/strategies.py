#!/usr/bin/env python3
"""tests/e2e/strategies.py - tests of users' own strategies: the examples give what they are said to give, what differs
is told line by line, and a plan says what strategies compile to.
"""
import csv
import datetime
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


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def trades_of(bar):
    """As format csv makes them: (time, price)."""
    open_, high, low, close = (float(bar[name]) for name in ("open", "high", "low", "close"))
    prices = (open_, low, high, close) if close >= open_ else (open_, high, low, close)
    return [(seconds(bar["time"]) + at / 1000, price) for at, price in enumerate(prices)]


def momentum_by_a_plain_loop(bars, news):
    """[(time, action, price)] of examples/strategies/news_momentum.td, from its tables alone. A bar is final 1 s behind
    its end."""
    steps = [(at, price, None) for bar in bars for at, price in trades_of(bar)]
    steps += [(seconds(bar["time"]) + 61, float(bar["close"]), index) for index, bar in enumerate(bars)]
    told, closes, target, filled, best = [], [], 0, None, 0
    for at, price, index in sorted(steps, key=lambda step: step[0]):
        if index is None:
            if target == 1 and filled is None:
                filled, best = (at, price), price
            elif target == 1:
                best = max(best, price)
                if price <= best - 0.03 * filled[1]:
                    told.append((at, "exit", price))
                    target, filled = 0, None
            continue
        end = at - 1
        closes.append(price)
        recent = [row for row in news if end - 7200 < seconds(row["time"]) <= end]
        moods = [float(row["sentiment"]) for row in recent if row["sentiment"]]
        mood = sum(moods) / len(moods) if moods else 0
        offering = any("offering" in row["headline"].lower() for row in recent)
        rises = index >= 30 and price / closes[index - 30] - 1 > 0.01
        held = end - filled[0] if filled is not None else 0
        if target == 1 and (mood < 0 or held > 86400):
            told.append((end, "exit", price))
            target, filled = 0, None
        elif target == 0 and len(recent) >= 2 and mood > 0.4 and rises and not offering:
            told.append((end, "buy", price))
            target = 1
    return told


@cases.add
def news_gives_what_a_plain_loop_says(home):
    folder = td.ROOT / "examples" / "strategies" / "news_momentum"
    tables = {name: list(csv.DictReader(open(folder / f"{name}.csv", encoding="utf-8", newline="")))
              for name in ("bars", "news", "signals")}
    of_it = [row for row in tables["news"] if "NASDAQ:ACME" in row["instrument"].split()]
    said = [(seconds(row["id"].split("/")[2].split("#")[0] + "Z"), row["action"], float(row["price"]))
            for row in tables["signals"]]
    by_loop = momentum_by_a_plain_loop(tables["bars"], of_it)
    assert said == by_loop and len(said) >= 6, (said, by_loop)
    without = [dict(row, headline="") for row in of_it]
    assert momentum_by_a_plain_loop(tables["bars"], without) != said, "no offering kept anybody from buying"
    return f"{len(said)} signals"


NEWS_CSV = """time,instrument,headline,sentiment,source
2026-03-02T14:30:30Z,N:A N:B,"Sales up, up",0.5,wire
2026-03-02T14:30:30Z,N:A,Second at once,-0.25,wire
2026-03-02T14:31:40Z,,All quiet,,
2026-03-02T14:33:00Z,N:A,Acme OFFERING of shares,,desk
2026-03-02T14:33:30Z,N:A,"no quote at its end,,
"""
NEWS_TD = """strategy mood on bars(1m) for N:A
  use world = * news
  tone = avg(news.sentiment, 10m)
  emit e { n = count(news, 10m), tone = tone, last = news.sentiment, off = any(news.headline has "offering", 10m), w = count(world, 5m) }
strategy direct on news for N:A
  buy  when sentiment > 0.3 and "UP" in headline
  exit when headline has "offering"
"""
NEWS_VALUES = {"14:31": [2, 0.125, -0.25, False, 0], "14:32": [2, 0.125, -0.25, False, 1],
               "14:36": [3, 0.125, None, True, 1], "14:41": [1, None, None, True, 0],
               "14:56": [0, None, None, False, 0]}


@cases.add
def news_is_seen_wherever_it_lies(home):
    """N:A, N:B and what is general have partitions of their own here or not; 1 and 8 of them tell the same."""
    pathlib.Path(home, "bars.csv").write_text("time,instrument,open,high,low,close,volume\n" + "".join(
        f"2026-03-02T14:{minute}:00Z,N:A,10,10,10,10,4\n" for minute in (30, 31, 35, 40, 55)), encoding="utf-8")
    pathlib.Path(home, "news.csv").write_text(NEWS_CSV, encoding="utf-8")
    pathlib.Path(home, "mood.td").write_text(NEWS_TD, encoding="utf-8")
    for partitions in (1, 8):
        data = f"{home}/data{partitions}"
        pathlib.Path(home, "run.yaml").write_text(
            f"feeds:\n  - file: {{ format: csv, path: \"{home}/*.csv\" }}\nbars: [1m]\nstrategies: [{home}/mood.td]\n"
            f"log: {{ dir: {data}, partitions: {partitions} }}\n", encoding="utf-8")
        told = tapedeck("run", f"{home}/run.yaml", "--until-end")
        assert "1 rejected" in told, told
        lines = [json.loads(line) for line in tapedeck("log", "cat", "signals", "--data", data).splitlines()]
        values = [line["value"] for line in lines]
        emitted = {v["id"].split("T")[1].split("#")[0]: list(json.loads(v["data"]).values())
                   for v in values if v["strategy"] == "mood"}
        assert emitted == NEWS_VALUES, emitted
        direct = [(v["id"].split("T")[1], v["action"], v["price"]) for v in values if v["strategy"] == "direct"]
        assert direct == [("14:30:30#1", "buy", "10"), ("14:33#1", "exit", "10")], direct
    return f"{len(NEWS_VALUES)} bars, 2 signals, 1 and 8 partitions"


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
    assert "bars.csv:1: its first line lacks what" in tapedeck("test", strategy, check=8)
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
def what_did_not_count_names_its_place(home):
    """Two tables, so that the file of each line is told apart; one line has a year of its own and makes all behind it late."""
    strategy = pathlib.Path(f"{home}/up.td")
    strategy.write_text("strategy up on bars(1m)\n  buy when close > 10\n", encoding="utf-8")
    pathlib.Path(f"{home}/up").mkdir()
    pathlib.Path(f"{home}/up/quotes.csv").write_text("time,instrument,bid,ask\n2026-03-02T15:00:01Z,V:X,9,10\n"
                                                     "2026-03-02T15:00:02Z,V:X,-9,10\n", encoding="utf-8")
    rows = ["15:00:03Z,V:X,9,1", "15:00:04Z,V:X,9,0", "15:01:00Z,V:X,9,1", "15:01:01Z,V:X,11,1", "15:02:00Z,V:X,11,1"]
    rows = [f"2026-03-02T{row}" for row in rows]
    rows[2] = rows[2].replace("2026", "2036")
    table = pathlib.Path(f"{home}/up/trades.csv")
    table.write_text("time,instrument,price,size\n" + "\n".join(rows) + "\n", encoding="utf-8")
    expected = ["id,action,target,price,status,note,reason,data", "up/V:X/2026-03-02T15:02#1,buy,1,11,fresh,,,"]
    pathlib.Path(f"{home}/up/signals.csv").write_text("\n".join(expected) + "\n", encoding="utf-8")
    told = json.loads(subprocess.run([td.PROGRAM, "test", strategy, "--json"], capture_output=True, check=False).stdout)
    assert (told["quarantined"], told["rejected"], told["different"]) == (4, 0, 1), told
    where = [(r["file"], r["line"], r["reason"]) for r in told["refused"]]
    assert where == [("quotes.csv", 3, "non-positive"), ("trades.csv", 3, "non-positive"), ("trades.csv", 5, "late"),
                     ("trades.csv", 6, "late")], where
    assert all("trades.csv:4 had brought 2036-03-02T15:01:00Z" in r["why"] for r in told["refused"][2:]), told
    lines = tapedeck("test", strategy, check=8)
    assert f"{home}/up/trades.csv:5: in quarantine as late: it was accepted, but bars were final for good, those of 1m" in lines, lines
    assert "4 events are in quarantine, 1 lines differ" in lines and "- up/V:X" in lines, lines

    table.write_text(table.read_text(encoding="utf-8").replace("2036", "2026"), encoding="utf-8")
    assert tapedeck("test", strategy).count("non-positive") == 2  # they fail no test by themselves
    with open(table, "a", encoding="utf-8") as more:
        more.write("".join(f"2026-03-02T16:{n:02}:00Z,V:X,1,0\n" for n in range(30)))
    told = tapedeck("test", strategy)
    assert told.count("non-positive") == 20 and ": 1 signals, 32 events are in quarantine" in told, told
    table.write_text("time,instrument,price,size\n2026-03-02T09:45:00Z,LEAN:X,11,1\n", encoding="utf-8")
    assert "0 signals, 1 events are in quarantine, 1 trades are outside of hours" in tapedeck("test", strategy, check=8)
    return "4 events of two tables, and the line that made two of them late; 20 of 32 told; out of hours"


@cases.add
def a_plan_says_what_strategies_compile_to(home):
    pathlib.Path(f"{home}/two.td").write_text("""strategy one on bars(1m)
  buy when crossover(sma(close, 20), sma(close, 50))
strategy other on bars(1m)
  sell when close < sma(close, 50)[2]
strategy timed on bars(1m)
  buy when close > avg(close, 90m) and avg(close, 10, where = close > open) > 0
strategy slow on bars(1h)
  buy when close > ema(close, 10)
""", encoding="utf-8")
    feed = f"file: {{ format: csv, path: {td.ROOT}/examples/strategies/golden_cross/bars.csv }}"
    file = td.config(f"{home}/c.yaml", f"{home}/data", [feed], bars="[1m]", strategies=[f"{home}/two.td"], sink=False)
    plan = json.loads(tapedeck("check", "--plan", "--json", file))["plan"]
    minute, hour = plan["graphs"]
    assert [s["name"] for s in minute["strategies"]] == ["one", "other", "timed"] and minute["rhythm"] == "1m", minute
    assert [s["warmup"] for s in minute["strategies"]] == [50, 51, 89], minute
    assert [(s["name"], s["warmup"], s["needs"]) for s in hour["strategies"]] == [("slow", 9, [
        {"rhythm": "1h", "instrument": None, "events": 10, "span_ns": 0}])] and hour["shared"] == 0, hour
    assert [s["no_value"] for s in minute["strategies"]] == [[], [], ["where"]], minute
    assert minute["shared"] == 3, minute  # close, also as a double, and its average of 50
    assert minute["state_bytes"] > 50 * 8 and 1 < minute["event_ns"] < 1e6, minute
    assert plan["state_bytes"] == minute["state_bytes"] + hour["state_bytes"], plan
    assert plan["instrument_bytes"] == plan["state_bytes"] + plan["bar_bytes"] and plan["bar_bytes"] > 1000, plan
    assert plan["instruments"] == 1 and plan["state_bytes_all"] == plan["instrument_bytes"], plan
    text = tapedeck("check", "--plan", file)
    for said in ("on 1m: 3 strategies, about ", "one needs 51 bars of 1m\n", "slow needs 10 bars of 1h\n",
                 "no value: windows with `where` until as many values fit it\n", "for the 1 that the feeds begin with"):
        assert said in text, (said, text)
    alone = json.loads(tapedeck("check", "--plan", "--json", f"{home}/two.td"))["plan"]
    kept = alone["state_bytes"] / plan["state_bytes"]  # by the default grace; hours of a calendar make it one bar more
    assert 0.9 < kept < 1, (alone, plan)
    alone = tapedeck("check", "--plan", f"{td.ROOT}/examples/strategies/mtf_rsi.td")
    assert "mtf_rsi needs 16 bars of 5m, 15 bars of 1h and 50 bars of 1d\n" in alone, alone
    alone = tapedeck("check", "--plan", f"{td.ROOT}/examples/strategies/ko_pep.td")
    assert "ko_pep needs 1 bar of 5m of NASDAQ:PEP, and from then on 779 bars of 5m\n" in alone, alone
    alone = tapedeck("check", "--plan", f"{td.ROOT}/examples/strategies/book_imbalance.td")  # by the table beside it
    assert "book_imbalance needs 5s of trades and 1s of book updates\n" in alone, alone
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
