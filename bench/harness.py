"""bench/harness.py - what every section needs: the recorded market, running programs on chosen processors, rows."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("TAPEDECK_BUILD", ROOT / "build"))
PROGRAM = BUILD / "tapedeck"
WORK = BUILD / "bench/tapes"
MARKET = ROOT / "bench/bench.yaml"
DAY_TICKS, DAY_MINUTES = 40_000_000, 390


def tool(name):
    return BUILD / "bench" / name


class Bench:
    """Settings, and what has been measured: rows (numbers with their spread) and bounds (what must hold)."""

    def __init__(self, ticks, runs):
        self.ticks, self.runs = ticks, runs
        self.rows, self.bounds = [], []
        self.cores = sorted(os.sched_getaffinity(0))
        WORK.mkdir(parents=True, exist_ok=True)

    def row(self, section, name, values, unit, note="", more_is_better=True):
        """Adds a row; returns its median. `values` holds one number per run."""
        row = {"section": section, "name": name, "unit": unit, "median": statistics.median(values), "low": min(values),
               "high": max(values), "values": values, "note": note, "more_is_better": more_is_better}
        self.rows.append(row)
        return row["median"]

    def bound(self, what, value, met, text):
        self.bounds.append({"what": what, "value": value, "met": bool(met), "bound": text})

    def missing(self, section, name, why):
        self.rows.append({"section": section, "name": name, "unit": "", "values": [], "note": f"not measured: {why}"})

    def one_core(self):
        """Processors for a program that may use one: the last, where fewer interrupts land."""
        return {self.cores[-1]}

    def alternate(self, sides, prepare=None):
        """Runs each command once per run, in turns: a noisy moment hits all. {side: [answer, …]}.

        A side is a command (pinned to one core), or (command, set of processors).
        """
        answers = {side: [] for side in sides}
        for _ in range(self.runs):
            for side, command in sides.items():
                if prepare:
                    prepare(side)
                command, cores = command if isinstance(command, tuple) else (command, self.one_core())
                answers[side].append(run(command, cores))
        return answers

    # ---- the recorded market ----

    def settings(self, data, *changes):
        """Options of `tapedeck run` that make it record this market into that folder."""
        seconds = max(60, round(DAY_MINUTES * 60 * self.ticks / DAY_TICKS))
        wanted = [f"feeds.0.simulated.ticks={self.ticks}", f"feeds.0.simulated.duration={seconds}s", f"log.dir={data}",
                  *changes]
        return [word for change in wanted for word in ("--set", change)]

    def recorded(self, codec):
        """The folder of the market recorded with that codec; made once per number of ticks."""
        data, made = WORK / f"data-{codec}", WORK / f"data-{codec}.{self.ticks}"
        if not made.exists():
            for old in WORK.glob(f"data-{codec}.*"):
                old.unlink()
            shutil.rmtree(data, ignore_errors=True)
            self.record(codec)
            made.touch()
        return data

    def record(self, codec):
        """Records the market, or resumes: then it only brings outputs and snapshots level."""
        settings = self.settings(WORK / f"data-{codec}", f"log.codec={codec}")
        subprocess.run([PROGRAM, "run", "--until-end", "--quiet", *settings, MARKET], cwd=ROOT, check=True,
                       stderr=subprocess.DEVNULL)


def run(command, cores):
    """Runs to the end on those processors (None: all); the last line's JSON, and the processor seconds of it all."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(c) for c in command], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
                          timeout=1800, preexec_fn=lambda: os.sched_setaffinity(0, cores or os.sched_getaffinity(0)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout.splitlines()[-1]) | {"cpu_s": used}


def start(command, **options):
    """Starts in the background; end it with `stop`."""
    return subprocess.Popen([str(c) for c in command], cwd=ROOT, text=True, **options)


def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    process.wait(timeout=60)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def new_folder():
    """A folder beside the recorded market, on the same disk, as a context; it vanishes with it."""
    return tempfile.TemporaryDirectory(prefix="run-", dir=WORK)
