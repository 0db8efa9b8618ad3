"""tests/services/day.py - a quarter of an hour of recorded market on a broker, for programs of others to read, and what
tapedeck itself says of it, which they are held against. Each published topic ends with a transaction that was aborted: who
reads more than what is committed is seen.
"""
import contextlib
import decimal
import json
import os
import pathlib
import subprocess

import confluent_kafka
import feeds
import tapedeck as td

FEEDS = [f"file: {{ {feeds.LEAN}, ratio: 60, to: \"09:45\" }}", f"file: {{ {feeds.BINANCE} }}"]
STRATEGIES = [td.ROOT / "strategies/momentum.td", td.ROOT / "tests/data/rules.td"]
PARTITIONS = 3
PUBLISHED = ("trades", "trades_json", "bars", "bars_json", "signals", "signals_json")
NOBODY = b"NOBODY"
MINUTE_NS = 60 * 10**9
decimal.getcontext().prec = 60  # sums are exact


class Day:
    """Written once, into topics of `prefix`; `settings` are further ones of the run."""

    def __init__(self, home, address, *settings, prefix="day."):
        self.home, self.address, self.prefix = pathlib.Path(home), address, prefix
        self.home.mkdir(exist_ok=True)
        late = feeds.late(self.home / "late.csv", "2026-03-02T14:33:00Z,DESK:A,11,1,5,")
        self.file = td.config(self.home / "day.yaml", self.home / "data", [*FEEDS, late], bars="[1s, 1m]", strategies=STRATEGIES,
                              partitions=PARTITIONS, sink=False)
        sets = (f"log.kafka={address}", f"log.prefix={prefix}", "log.publish=[trades, trades_json, bars_json, signals_json]")
        self.options = [word for text in (*sets, *settings) for word in ("--set", text)]
        summary = td.run(self.file, *self.options)
        assert summary["diverged"] == 0 and summary["bars"] > 3000 and summary["signals"] > 100, summary
        self._leave_aborted()

    def topic(self, name):
        return self.prefix + name

    def records(self, name):
        """What tapedeck says of a published topic: the lines of `log cat`, in the order of partitions and offsets."""
        done = subprocess.run([td.PROGRAM, "log", "cat", name, "--config", self._log()], stdout=subprocess.PIPE, text=True,
                              check=True, timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) > 100 and all(line["key"] != NOBODY.decode() for line in lines), (name, len(lines))
        return sorted(lines, key=lambda line: (line["partition"], line["offset"]))

    def newest_bars(self, width, name="bars"):
        """{(instrument, start_ns): the last that was said of it}"""
        return {(bar["instrument"], bar["start_ns"]): bar for bar in (line["value"] for line in self.records(name))
                if bar["width"] == width}

    @contextlib.contextmanager
    def registry(self):
        """Yields the address of the run's own registry, which speaks Confluent's API."""
        beacon = self.home / "data/SERVE"
        process = subprocess.Popen([td.PROGRAM, "run", "--quiet", *self.options, "--set", "serve.listen=127.0.0.1:0", self.file],
                                   cwd=td.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            td.wait_for(lambda: beacon.exists() or process.poll() is not None, "the registry", 120)
            assert process.poll() is None, process.stderr.read()
            yield beacon.read_text(encoding="utf-8").strip() + "/registry"
        finally:
            process.terminate()
            process.communicate(timeout=120)

    def _log(self):
        """A configuration of where it is."""
        registry = [text for text in self.options if text.startswith("log.registry=")]
        named = "".join(f", registry: \"{text.partition('=')[2]}\"" for text in registry)
        path = self.home / "log.yaml"
        path.write_text(f"log: {{ dir: {self.home}/reader, kafka: \"{self.address}\", prefix: {self.prefix}{named} }}\n",
                        encoding="utf-8")
        return path

    def _leave_aborted(self):
        """As a writer does that died."""
        writer = confluent_kafka.Producer({"bootstrap.servers": self.address, "transactional.id": f"{self.prefix}dead"})
        writer.init_transactions(60)
        writer.begin_transaction()
        for name in PUBLISHED:
            for partition in range(PARTITIONS):
                writer.produce(self.topic(name), b'{"instrument":"NOBODY"}', key=NOBODY, partition=partition)
        assert writer.flush(30) == 0
        writer.abort_transaction(60)


def minutes_of(trades):
    """{instrument and minute: [count, low, high, volume, paid]} of trades, exact."""
    minutes = {}
    for trade in trades:
        price, size = decimal.Decimal(trade["price"]), decimal.Decimal(trade["size"])
        at = minutes.setdefault((trade["instrument"], trade["event_ns"] // MINUTE_NS * MINUTE_NS), [0, price, price, 0, 0])
        at[:] = at[0] + 1, min(at[1], price), max(at[2], price), at[3] + size, at[4] + price * size
    return minutes


def compare(got, wanted, what):
    """Sequences or tables; says what differs, and not all of it. Returns how many there are."""
    if isinstance(wanted, dict):
        different = sorted(key for key in got.keys() | wanted.keys() if got.get(key) != wanted.get(key))
        assert not different, f"{what}: {len(different)} differ: {[(k, got.get(k), wanted.get(k)) for k in different[:3]]}"
    else:
        assert len(got) == len(wanted), f"{what}: {len(got)}, wanted {len(wanted)}; the last are {got[-2:]} and {wanted[-2:]}"
        different = [(one, other) for one, other in zip(got, wanted) if one != other]
        assert not different, f"{what}: {len(different)} differ: {different[:3]}"
    return len(wanted)


def read_by(command, **more):
    """What a reader prints. Some say on the other stream what went well, so that is shown where it failed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                          check=False, env=os.environ | more)
    assert done.returncode == 0, (command[-8:], done.returncode, done.stdout[-500:], done.stderr[-3000:])
    return done.stdout
