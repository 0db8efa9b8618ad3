#!/usr/bin/env python3
"""bench/flood.py - many connections at once: 800 instruments over 16 of them, 171,000 messages a second from
bench/flood, into `coinbase` feeds. Is all of it on the tape, how long did it take there, does memory stay.

usage: flood.py [SECONDS [RATE]]    fails where something is lost or memory grows; `make bench` has it as `feeds`
"""
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

from harness import PROGRAM, WORK, free_port, new_folder, run, start, stop, tool

CONNECTIONS, PRODUCTS, RATE, SECONDS = 16, 800, 171_000, 10
GROWTH_MAX_MB, PATIENCE_S = 4, 120
CONFIG = """feeds:
  - coinbase: {{ products: [{products}], per_connection: {each}, url: "ws://127.0.0.1:{port}", history: "",
                heartbeat: 5m }}
bars: [1m]
log: {{ dir: {data}, partitions: 8 }}
serve: {{ listen: "127.0.0.1:{api}" }}
"""


def status_of(process, name):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"{name}:\s+(\d+)", text).group(1)) / 1024


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def metrics(api):
    with urllib.request.urlopen(f"http://127.0.0.1:{api}/metrics", timeout=30) as answer:
        return answer.read().decode()


def total(text, name):
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))


def quantile(text, name, share):
    """The bound below which that share lies; None: above all bounds."""
    counts = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\d+)$', text, re.M)
    for bound, count in counts:
        if int(count) >= share * int(counts[-1][1]):
            return None if bound == "+Inf" else float(bound) * 1e3
    return None


def watch(process, api, messages):
    """Anonymous memory each quarter of a second, until all has come or nothing comes any more."""
    memory, came, since = [], 0, time.monotonic()
    while came < messages and time.monotonic() - since < PATIENCE_S:
        time.sleep(0.25)
        now = total(metrics(api), "tapedeck_events_total")
        if now != came:
            came, since = now, time.monotonic()
            memory.append(status_of(process, "RssAnon"))
    return memory


def once(seconds, rate):
    with new_folder() as home:
        home, api, messages = pathlib.Path(home), free_port(), rate * seconds // 2 * 2
        venue = start([tool("flood"), "send", CONNECTIONS, PRODUCTS, rate, seconds], stdout=subprocess.PIPE)
        products = ", ".join(f"P{p:04}-USD" for p in range(PRODUCTS))
        (home / "flood.yaml").write_text(CONFIG.format(products=products, each=PRODUCTS // CONNECTIONS, api=api,
                                                       port=venue.stdout.readline().strip(), data=home / "data"),
                                         encoding="utf-8")
        live = start([PROGRAM, "run", "--quiet", home / "flood.yaml"], stderr=subprocess.DEVNULL)
        try:
            while venue.poll() is None and live.poll() is None and not answers(api):
                time.sleep(0.1)
            memory = watch(live, api, messages)
            said, cpu_s = metrics(api), cpu_seconds(live)
        finally:
            stop(live)
            sent, _ = venue.communicate(timeout=60)
        seen = run([tool("flood"), "check", home / "data", PRODUCTS, messages], None)
    quarter = max(1, len(memory) // 4)
    waits = {share: quantile(said, "tapedeck_append_wait_seconds", share) for share in (0.5, 0.99, 0.999)}
    return json.loads(sent.splitlines()[-1]) | {
        "on_tape": seen, "wait_ms": waits, "sessions": total(said, "tapedeck_sessions_total"), "memory_mb": max(memory),
        "growth_mb": max(memory[-quarter:]) - max(memory[:quarter]), "cpu_us": cpu_s / messages * 1e6}


def answers(api):
    try:
        return bool(metrics(api))
    except OSError:
        return False


def lost(answer):
    """What is wrong with it, in words; '': nothing."""
    tape = answer["on_tape"]
    rows = [(tape["messages"], answer["sent"], "messages on the tape"), (tape["numbers"], 2 * PRODUCTS, "rows of numbers"),
            (tape["out_of_line"], 0, "numbers that do not follow the one before"),
            (answer["sessions"], CONNECTIONS, "sessions")]
    return "; ".join(f"{there:.0f} {what}, not {wanted}" for there, wanted, what in rows if there != wanted)


def words_of(answer):
    tape = answer["on_tape"]
    waits = ", ".join(f"p{100 * share:g} {'over 10 s' if ms is None else f'{ms:g} ms'}"
                      for share, ms in answer["wait_ms"].items())
    return (f"{answer['sent']} messages of {answer['frame_bytes']} B sent in {answer['seconds']:.1f} s, the latest "
            f"{answer['late_max_ms']:.0f} ms late; from due to received p50 {tape['p50_us'] / 1e3:.1f} ms, "
            f"p99 {tape['p99_us'] / 1e3:.1f} ms; from received to appended, the first of each round, within: "
            f"{waits}; {answer['cpu_us']:.2f} µs of processor time a message; "
            f"anonymous memory {answer['memory_mb']:.1f} MB, {answer['growth_mb']:+.1f} MB from the first quarter to the last")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    numbers = [int(word) for word in sys.argv[1:]] + [SECONDS, RATE][len(sys.argv) - 1:]
    answer = once(*numbers)
    print(words_of(answer))
    wrong = lost(answer)
    if not wrong and answer["growth_mb"] > GROWTH_MAX_MB:
        wrong = f"memory grew by {answer['growth_mb']:.1f} MB"
    print(f"FAILED: {wrong}" if wrong else "1 passed: nothing lost, memory flat")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
