#!/usr/bin/env python3
"""tests/services/run_log_kafka.py - the log's contract on a real Kafka broker: with the librdkafka that the program was
linked with, and, on another broker at the same time, with a newer one, which tells leader epochs (Python's
confluent_kafka brings it); and what is said where the cluster, its login or its topics are not as they should be.
With the word `zookeeper` the contract on a broker of Kafka 3.9 instead, which has one; skipped where its packages cannot
be had. TAPEDECK_SOAK is how many rounds, each of its own seed.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import confluent_kafka
from broker import Broker, BrokerOfZooKeeper

SEED = int(os.environ.get("SEED", "1"))
ROUNDS = int(os.environ.get("TAPEDECK_SOAK", "1"))
NEWER = next((pathlib.Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka-*"))


def run(program, broker, seed, **more):
    began = time.monotonic()
    env = os.environ | {"TAPEDECK_BROKER": broker.address, "TAPEDECK_BROKER_LOGIN": broker.login_address,
                        "TAPEDECK_BROKER_PID": str(broker.folder / "pid"), "SEED": str(seed)} | more
    done = subprocess.run([os.environ[program]], env=env, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=400)
    said = done.stdout if done.returncode else ""
    print(f"{said}{program}{' '.join(['', *more])}: status {done.returncode}, {time.monotonic() - began:.1f} s", flush=True)
    return done.returncode == 0


@contextlib.contextmanager
def running(broker):
    with broker.running() as process:
        (broker.folder / "pid").write_text(str(process.pid))
        yield


def with_restarts(broker, seed):
    """The broker is started anew while the program waits for the file `wish` to go."""
    wish = broker.folder / "restart"
    with concurrent.futures.ThreadPoolExecutor() as threads:
        program = None
        while program is None or not program.done():
            with running(broker):
                wish.unlink(missing_ok=True)
                program = program or threads.submit(run, "LOG_CONTRACT_KAFKA", broker, seed, LD_PRELOAD=str(NEWER),
                                                    TAPEDECK_BROKER_RESTART=str(wish))
                while not program.done() and not wish.exists():
                    time.sleep(0.02)
        return [program.result()]


def as_linked(broker, seed):
    with running(broker):
        return [run(program, broker, seed) for program in ("LOG_KAFKA_ERRORS", "LOG_CONTRACT_KAFKA")]


def with_zookeeper(broker, seed):
    with running(broker):
        return [run("LOG_CONTRACT_KAFKA", broker, seed)]


def main():
    ways = [(with_zookeeper, BrokerOfZooKeeper)] if sys.argv[1:] == ["zookeeper"] else [(as_linked, Broker), (with_restarts, Broker)]
    try:
        for _, kind in ways:
            kind.jars()
    except (OSError, subprocess.CalledProcessError) as error:
        if sys.argv[1:] != ["zookeeper"]:
            raise
        print(f"skipped: {error}")
        return 77
    results = []
    with tempfile.TemporaryDirectory() as home, concurrent.futures.ThreadPoolExecutor() as threads:
        brokers = [(way, kind(f"{home}/{n}")) for n, (way, kind) in enumerate(ways)]
        for seed in range(SEED, SEED + ROUNDS):
            begun = [threads.submit(way, broker, seed) for way, broker in brokers]
            results += [good for one in begun for good in one.result()]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
