#!/usr/bin/env python3
"""tests/fault/edits.py - strategies of the real program are edited over its API while a market goes on: each edit changes
the graph, a third are wrong, a tenth go back to what was before, and the process is killed in between.

What must hold: no signal is missed or doubled. The log is what its tape makes, run once more from its first record by the
programs that it recorded; no id of a signal is given twice; and every text that was right came into force.
`edits.py [--edits N] [SEED]`, fifty to a run; prints what was compared.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402

FIRSTS = ["sma(close, 3)", "ema(close, 4)", "max(high, 6)", "sma(ema(close, 3), 4)", "(high + low) / 2", "wma(close, 5)"]
STAYS = "strategy stays on bars(5s)\n  buy when close > close[1] and volume > 0\n  sell when close < close[1]\n"
TOPICS = ["bars", "signals", "fills", "gaps", "quarantine", "actions"]
EDITS_PER_RUN = 50


def text(number, wrong=""):
    rule = "  stop 1%\n  cooldown 3s\n" if number % 5 == 4 else ""
    return (f"strategy edited on bars({('1s', '1s', '2s')[number % 3]})\n  f = {FIRSTS[number % len(FIRSTS)]}\n"
            f"  s = ema(close, {5 + number % 7})\n  buy when crossover(f, s)\n"
            f"  sell when crossunder(f, s) or f < 0.{number:05}{wrong}\n{rule}")


def sha256(content):
    return hashlib.sha256(content.encode()).hexdigest()


class Edited:
    """The program with a market of its own, on which edits fall."""

    def __init__(self, home, seed):
        self.home, self.data = home, f"{home}/data"
        self.path = pathlib.Path(f"{home}/edited.td")
        self.random = random.Random(seed)
        self.in_force = [text(0)]  # one after another
        pathlib.Path(f"{home}/stays.td").write_text(STAYS, encoding="utf-8")
        self.path.write_text(text(0), encoding="utf-8")
        self.file = td.config(f"{home}/c.yaml", self.data, [f"simulated: {{ ticks: 0, instruments: 20, seed: {seed % 1000} }}"],
                              bars="[1s]", strategies=[f"{home}/*.td"], partitions=4, sink=False,
                              extra="speed: 20x\nserve: { listen: 127.0.0.1:0 }\n")

    def start(self):
        beacon = pathlib.Path(f"{self.data}/SERVE")
        beacon.unlink(missing_ok=True)  # of one that was killed
        self.process = subprocess.Popen([td.PROGRAM, "run", "--quiet", "--set", "log.sync_interval=20ms",
                                         "--set", "drain=60s", self.file],
                                        cwd=td.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def listens():
            assert self.process.poll() is None, self.process.stderr.read()
            return beacon.exists() and beacon.read_text(encoding="utf-8").strip()
        td.wait_for(listens, "the server", 60)
        self.url = beacon.read_text(encoding="utf-8").strip() + "/api/v1/"

    def ask(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, headers=headers, data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def runs(self):
        """The hash of the text in force."""
        return next(e["hash"] for e in self.ask("strategies")["strategies"] if e["file"] == str(self.path))

    def save(self, content):
        self.ask(f"strategies/save?file={urllib.parse.quote(str(self.path))}", {"text": content})

    def until_begun(self, content):
        td.wait_for(lambda: self.runs() == sha256(content), lambda: f"{content}\n{self.ask('status')['strategies']}", 60)
        self.in_force.append(content)

    def new(self, number):
        self.save(text(number))
        self.until_begun(text(number))

    def wrong(self, number):
        name = f"wrong{number}"
        self.save(text(number, f" or {name} > 1"))
        td.wait_for(lambda: name in self.ask("status")["strategies"]["errors"], name, 60)
        assert self.runs() == sha256(self.in_force[-1]), "what was in force still is"

    def back(self, _):
        content = self.random.choice(sorted({content for content in self.in_force if content != self.in_force[-1]}))
        self.ask(f"strategies/rollback?strategy=edited&hash={sha256(content)}", {})
        self.until_begun(content)

    def kill(self, number):
        """Somewhere in an edit; whoever starts it again sees to it that the text is right."""
        content = text(number)
        self.save(content)
        time.sleep(self.random.uniform(0, 0.15))
        td.kill(self.process)
        self.start()
        self.until_begun(content)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=90)[1]
        assert self.process.returncode == 0, f"exit {self.process.returncode}: {said}"


def cat(data, topic):
    done = subprocess.run([td.PROGRAM, "log", "cat", topic, "--data", data], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line)["value"] for line in done.stdout.splitlines()]


def compare(at):
    """The log beside the one that its tape makes."""
    again = f"{at.home}/again"
    subprocess.run([td.PROGRAM, "replay", at.data, "--out", again], check=True, stdout=subprocess.DEVNULL, timeout=600)
    held, made = td.digests(at.data, TOPICS), td.digests(again, TOPICS)
    different = [name for name in held if held[name] != made.get(name)]
    assert not different and len(held) == len(made), [(name, held[name], made.get(name)) for name in different]
    signals = collections.Counter((s["id"], s["status"]) for s in cat(at.data, "signals"))
    doubled = [key for key, count in signals.items() if count > 1]
    assert not doubled, doubled[:5]
    by = collections.Counter(key[0].split("/")[0] for key in signals)
    assert by["edited"] > 0 and by["stays"] > by["edited"] / 100, by
    told = json.loads("[" + ",".join(subprocess.run(
        [td.PROGRAM, "strategies", "versions", "edited", "--json", "--data", at.data], stdout=subprocess.PIPE, text=True,
        check=True).stdout.splitlines()) + "]")
    begun = [version["hash"] for version in told]
    wanted = [sha256(content) for content in at.in_force]
    assert begun == wanted, (len(begun), len(wanted))
    return sum(count for count, _ in held.values()), by


def kinds_of(edits, order):
    """What each edit is, a new text the first: who goes back must have been somewhere else."""
    rest = ["wrong"] * (edits // 3) + ["back"] * (edits // 10) + ["kill"] * (edits // 10)
    rest += ["new"] * (edits - 1 - len(rest))
    order.shuffle(rest)
    return ["new", *rest]


def run(edits, seed):
    with td.folder() as home:
        at = Edited(home, seed)
        kinds = kinds_of(edits, at.random)
        at.start()
        try:
            for number, kind in enumerate(kinds, 1):
                getattr(at, kind)(number)
            at.stop()
        finally:
            if at.process.poll() is None:
                td.kill(at.process)
        records, by = compare(at)
    counts = collections.Counter(kinds)
    print(f"{edits} edits (seed {seed}): {counts['new']} new, {counts['wrong']} wrong, {counts['back']} back, {counts['kill']} "
          f"killed in; {len(at.in_force)} texts in force; {records} records equal, {by['edited']} signals of the edited, "
          f"{by['stays']} of who stays", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(1 << 30))
    options = parser.parse_args()
    seed = options.seed
    try:
        for done in range(0, options.edits, EDITS_PER_RUN):
            run(min(EDITS_PER_RUN, options.edits - done), seed)
            seed += 1
    except (AssertionError, OSError) as error:
        words = error.read().decode() if isinstance(error, urllib.error.HTTPError) else error
        print(f"FAILED with seed {seed}: {type(error).__name__}: {words}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
