#!/usr/bin/env python3
"""Measures replay beside a hand-written loop, DuckDB and polars over the same ticks, in alternating runs on one core.

BENCH_TICKS (default 4000000) sizes the seeded market; BENCH_RUNS (default 5) is the number of runs of each. Prints a
table and writes it to build/bench/result.json. All inputs are in page cache. Ours does more than the others: all of
bars 1m, 5m and 1h, late events, quarantine, three strategies, snapshots, and everything appended to the log.
"""
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORK = ROOT / "build/bench"
DATA, PARQUET = WORK / "data", WORK / "ticks.parquet"
TICKS, RUNS = int(os.environ.get("BENCH_TICKS", 4_000_000)), int(os.environ.get("BENCH_RUNS", 5))
PYTHON = str(ROOT / "scripts/python.sh")
CPU = max(os.sched_getaffinity(0))

SIDES = {
    "ours": [ROOT / "build/tapedeck", "bench", "replay", "--json", "--data", DATA],
    "hand_loop": [ROOT / "build/bench/hand_loop", DATA],
    "duckdb": [PYTHON, ROOT / "bench/duckdb_bars.py", PARQUET],
    "polars": [PYTHON, ROOT / "bench/polars_bars.py", PARQUET],
}


def prepare():
    """Records the market once per number of ticks, and exports the same tape for the others."""
    made = WORK / f"made-{TICKS}"
    if made.exists():
        return
    for old in [DATA, PARQUET, *WORK.glob("made-*")]:
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    print(f"recording {TICKS} ticks ...", flush=True)
    config = WORK / "bench.yaml"
    text = (ROOT / "bench/bench.yaml").read_text(encoding="utf-8")
    config.write_text(text.replace("ticks: 4000000", f"ticks: {TICKS}"), encoding="utf-8")
    subprocess.run([ROOT / "build/tapedeck", "run", "--until-end", "--quiet", config], cwd=ROOT, check=True)
    with subprocess.Popen([ROOT / "build/bench/hand_loop", "--csv", DATA], stdout=subprocess.PIPE) as rows:
        subprocess.run([*SIDES["duckdb"], "--make"], stdin=rows.stdout, check=True)
    made.touch()


def measure(command):
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {CPU}))
    return json.loads(done.stdout.splitlines()[-1])


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["REQUIREMENTS"] = str(ROOT / "bench/requirements.txt")
    prepare()
    runs = {side: [] for side in SIDES}
    for _ in range(RUNS):  # alternating: a noisy minute of the machine hits all sides
        for side, command in SIDES.items():
            runs[side].append(measure(command))

    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line),
               platform.machine())
    print(f"{TICKS} ticks, {RUNS} alternating runs on processor {CPU} of {os.cpu_count()}, {cpu}, {platform.release()},"
          f" load {os.getloadavg()[0]:.1f}")
    print(f"{'':10}{'ticks/s':>12}{'lowest':>12}{'highest':>12}{'ns/tick':>9}{'ours / it':>10}")
    rates = {side: [run["ticks"] / run["seconds"] for run in of] for side, of in runs.items()}
    median = {side: statistics.median(of) for side, of in rates.items()}
    for side, of in rates.items():
        print(f"{side:10}{median[side]:12.0f}{min(of):12.0f}{max(of):12.0f}{1e9 / median[side]:9.1f}"
              f"{median['ours'] / median[side]:10.2f}  {runs[side][0].get('version', '')}")
    for side in SIDES:
        if runs[side][0]["ticks"] != TICKS:
            raise SystemExit(f"{side} saw {runs[side][0]['ticks']} ticks: not the same day")
    by_hand = runs["hand_loop"][0]
    for side in ("duckdb", "polars"):
        theirs = runs[side][0]
        # A trade out of order over a minute's end is put into the open bar by hand, and into its own by the others.
        if theirs["trades"] != by_hand["trades"] or abs(theirs["bars"] - by_hand["bars"]) > by_hand["bars"] / 1000:
            raise SystemExit(f"{side} and hand_loop do not make the same bars")
    (WORK / "result.json").write_text(json.dumps({"ticks": TICKS, "cpu": cpu, "median": median, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
