"""bench/plans.py - what `tapedeck check --plan` says that an event costs, beside what it costs a replay: each example
over a market of its own, made from a seed, with and without it; the bench's strategies over the bench's market."""
import json
import pathlib
import random
import re
import subprocess

from harness import MARKET, PROGRAM, ROOT, new_folder, run

EXAMPLES = ROOT / "examples/strategies"
TRADES, INSTRUMENTS, TICK_NS = 120_000, 12, 50_000_000
BEGIN_NS = 1_767_571_200 * 10**9  # 2026-01-05, a Monday
UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
OPENS_NS, OPEN_NS = int(14.5 * UNITS["h"]), int(6.5 * UNITS["h"])  # New York's hours, in winter
FACTOR = 2


def plan_of(*arguments):
    done = subprocess.run([PROGRAM, "check", "--plan", "--json", *map(str, arguments)], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["plan"]


def duration_ns(text):
    """Of "5m"; None: it is no duration."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    return int(found[1]) * UNITS[found[2]] if found else None


# ---- a market of an example ----

def names_of(text):
    """(those that the strategy is for, those that it looks at besides)"""
    found = re.search(r"^strategy \w+ on .* for (\S+)$", text, re.M)
    wanted = found[1] if found else "SIM:*"
    names = [wanted]
    if wanted.startswith("@"):
        lines = (EXAMPLES / wanted[1:]).read_text(encoding="utf-8").split("\n")
        names = [line for line in lines if line and not line.startswith("#")]
    elif wanted.endswith("*"):
        names = [f"{wanted[:-1]}I{i:02}" for i in range(INSTRUMENTS)]
    return names, re.findall(r"use \w+\s*= (\w+:\S+)", text)


class Tape:
    """Tables of events, and how many of them run what."""

    def __init__(self, folder, names, others, step_ns):
        self.folder, self.names, self.others, self.step_ns = folder, names, others, step_ns
        self.steps = TRADES // (len(names) + len(others))
        self.hours = False
        self.volume = 0.0

    def time_of(self, step):
        if not self.hours:
            return BEGIN_NS + step * self.step_ns
        day, at = divmod(step, OPEN_NS // self.step_ns)
        return BEGIN_NS + OPENS_NS + (day // 5 * 7 + day % 5) * UNITS["d"] + at * self.step_ns

    def write(self, kinds):
        draw = random.Random(7)
        everyone = self.names + self.others
        price = dict.fromkeys(everyone, 10000)
        tables = {kind: (self.folder / f"{kind}.csv").open("w", encoding="utf-8") for kind in kinds}
        heads = {"trades": "price,size,side", "book": "bids,asks", "news": "headline,sentiment,id"}
        for kind, table in tables.items():
            table.write(f"time,instrument,{heads[kind]}\n")
        for i in range(self.steps):
            for k, name in enumerate(everyone):
                at = self.time_of(i) + k * 1_000_000 + 1_000_000
                price[name] = min(max(price[name] + draw.randint(-10, 10), 5000), 20000)
                cents, size = price[name], draw.randint(1, 9) / 4
                self.volume += size if name in self.names else 0
                if "book" in kinds:
                    sides = [" ".join(f"{(cents + sign * d) / 100:.2f} {draw.randint(1, 9) / 10}" for d in range(1, 6))
                             for sign in (-1, 1)]
                    tables["book"].write(f"{at - 500_000},{name},{sides[0]},{sides[1]}\n")
                if "news" in kinds and i % 16 == 0:
                    tables["news"].write(f"{at - 600_000},{name},Outlook raised,{draw.randint(-9, 9) / 10},{i}\n")
                tables["trades"].write(f"{at},{name},{cents / 100:.2f},{size},{draw.choice(['buy', 'sell'])}\n")
        for table in tables.values():
            table.close()

    def events(self, rhythm):
        """That run a graph of that rhythm."""
        width, count = duration_ns(rhythm.split()[0]), self.steps * len(self.names)
        if width:
            return count * self.step_ns / max(width, self.step_ns)
        if " every " in rhythm:
            every = duration_ns(rhythm.split()[-1])
            return count * self.step_ns / max(every, self.step_ns)
        if rhythm.endswith(" trades"):
            return count / float(rhythm.split()[0])
        if rhythm.endswith(" volume"):
            return self.volume / float(rhythm.split()[0])
        return count / 16 if rhythm == "news" else count


def config_of(home, side, tables, widths, strategy, table):
    file = home / f"{side}.yaml"
    lines = [f"feeds: [file: {{ name: bench, format: csv, rules: off, trade_ids: off, path: \"{tables}/*.csv\" }}]",
             f"bars: [{', '.join(json.dumps(w) for w in widths)}]",
             f"strategies: [{strategy or ''}]", f"log: {{ dir: {home}/data-{side}, partitions: 1 }}"]
    lines += [f"instruments: {table}"] if table.exists() else []
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def record(arguments):
    subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *map(str, arguments)], cwd=ROOT, check=True,
                   stderr=subprocess.DEVNULL)


def seconds_more(bench, folders):
    """Processor seconds that the first folder's replay takes beyond the second's: the least of all runs of each."""
    least = [float("inf")] * 2
    for _ in range(bench.runs):
        for side, folder in enumerate(folders):
            answer = run([PROGRAM, "bench", "replay", "--json", "--data", folder], bench.one_core())
            least[side] = min(least[side], answer["cpu_s"])
    return least[0] - least[1]


def example(bench, strategy):
    """(planned, measured) seconds."""
    with new_folder() as home:
        home = pathlib.Path(home)
        table = EXAMPLES / strategy.stem / "instruments.csv"
        rhythms = [g["rhythm"] for g in plan_of(strategy)["graphs"]]
        ticks = [r for r in rhythms if r.split()[0] in ("trades", "quotes", "book")]
        widths = [r.removesuffix(" across") for r in rhythms if r[0].isdigit()] or ["1m"]
        timed = [duration_ns(w.split()[0]) for w in widths if duration_ns(w.split()[0])]
        step = TICK_NS if ticks else min(timed) if timed else 10**9
        (home / "tables").mkdir()
        tape = Tape(home / "tables", *names_of(strategy.read_text(encoding="utf-8")), step)
        tape.hours = table.exists() and "calendar" in table.read_text(encoding="utf-8")
        tape.write(["trades"] + [k for k in ("book", "news") if any(r.startswith(k) for r in rhythms)])
        files = [config_of(home, side, home / "tables", widths, text, table)
                 for side, text in (("with", strategy), ("without", None))]
        plan = plan_of(files[0])
        for file in files:
            record([file])
        planned = sum(g["event_ns"] * tape.events(g["rhythm"]) for g in plan["graphs"]) / 1e9
        return planned, seconds_more(bench, [home / "data-with", home / "data-without"])


def many(bench, write):
    """The same of strategies that `write` puts into a folder, over the bench's market."""
    with new_folder() as home:
        home = pathlib.Path(home)
        write(home)
        files = ",".join(str(p) for p in sorted(home.glob("*.td")))
        folders = [home / "data-with", home / "data-without"]
        sides = [bench.settings(folder, "bars=1m", f"strategies={wanted}") for folder, wanted in zip(folders, (files, "[]"))]
        plan = plan_of(*sides[0], MARKET)
        for side in sides:
            record([*side, MARKET])
        bars = run([PROGRAM, "bench", "replay", "--json", "--data", folders[0]], bench.one_core())["bars"]
        return plan["graphs"][0]["event_ns"] * bars / 1e9, seconds_more(bench, folders)


def plans(bench, write):
    programs = {p.stem: lambda p=p: example(bench, p) for p in sorted(EXAMPLES.glob("*.td"))}
    programs["20 strategies of five indicators"] = lambda: many(bench, write)
    for name, measure in programs.items():
        planned, measured = measure()
        ratio = bench.row("plans", name, [measured / planned], "of the plan",
                          f"{measured:.3f} s more of a replay; planned {planned:.3f} s", more_is_better=False)
        bench.bound(f"time as planned: {name}", f"{ratio:.2f} of the plan", 1 / FACTOR <= ratio <= FACTOR,
                    f"within a factor of {FACTOR}")
