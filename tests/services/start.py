#!/usr/bin/env python3
"""tests/services/start.py - servers of others on this machine, by hand: started from their packages in a folder that goes
when they do, with their addresses and what a configuration says of them. Ctrl-C ends them."""
import argparse
import contextlib
import functools
import pathlib
import signal
import sys
import tempfile
import time
import urllib.request

import apicurio
import confluent_kafka.admin
import connect
import fetch
import postgres
from broker import Broker, BrokerOfZooKeeper, Cluster

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S = 5  # between two looks whether they still answer


class Started:
    """What is told of a server; `log` is of the section of that name, `ask` raises where it does not answer."""

    def __init__(self, told, ask, log=(), broker=None):
        self.told, self.ask, self.log, self.broker = told, ask, list(log), broker


def ask_brokers(address):
    confluent_kafka.admin.AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=10)


def ask_url(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read()


def of_brokers(server, *told, broker=None):
    log = [f'kafka: "{server.address}"', "prefix: md.", *(["replicas: 3"] if isinstance(server, Cluster) else [])]
    return Started([f"brokers {server.address}", *told], lambda: ask_brokers(server.address), log, broker or server)


@contextlib.contextmanager
def one(folder, _, kind=Broker):
    broker = kind(folder)
    with broker.running():
        yield of_brokers(broker, f"with a login {broker.login_address}: SASL PLAIN, {broker.USER}, password {broker.PASSWORD}")


@contextlib.contextmanager
def three(folder, _):
    cluster = Cluster(folder)
    with cluster.running():
        yield of_brokers(cluster, "replicas 3, of which 2 in sync", broker=cluster.brokers[0])


@contextlib.contextmanager
def registry(folder, _):
    server = apicurio.Server(folder)
    with server.running():
        yield Started([f"registry {server.url}"], lambda: ask_url(f"{server.url}/subjects"), [f'registry: "{server.url}"'])


@contextlib.contextmanager
def connect_worker(folder, broker):
    worker = connect.Worker(f"{folder}/worker", broker)
    url = f"http://127.0.0.1:{worker.port}"
    with worker.running():
        yield Started([f"connectors {url}/connectors, reading {broker.address}"], lambda: ask_url(f"{url}/connectors"))


@contextlib.contextmanager
def database(_, __):
    with postgres.postgres() as server:
        yield Started([f"{server.url}, user tape"], lambda: server.ask("select 1"))


KINDS = {  # in the order of starting: Connect reads the broker before it
    "kafka": (f"Kafka {Broker.VERSION}, one broker", one),
    "kafka3": (f"Kafka {Broker.VERSION}, three brokers", three),
    "kafka39": (f"Kafka {BrokerOfZooKeeper.VERSION} with ZooKeeper", functools.partial(one, kind=BrokerOfZooKeeper)),
    "apicurio": (f"Apicurio {apicurio.VERSION}, a schema registry", registry),
    "connect": (f"Kafka Connect {Broker.VERSION}, with Debezium's JDBC sink; starts kafka where no broker is named", connect_worker),
    "postgres": ("PostgreSQL", database),
}


def wanted(names):
    """The names in the order in which they start, each once."""
    if "connect" in names and not any(name.startswith("kafka") for name in names):
        names = ["kafka", *names]
    return [name for name in KINDS if name in names]


def show(names, started):
    for name, server in zip(names, started):
        print(f"{name}: {KINDS[name][0].split(';')[0]}")
        for line in server.told:
            print(f"  {line}")
    log = [part for server in started for part in server.log]
    if log:
        print(f"In a configuration:\n  log: {{ {', '.join(log)}, dir: data }}")
    print("Ctrl-C ends them.", flush=True)


def ignore_stops():
    """Ending is not interrupted."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def stop(*_):
    ignore_stops()
    raise KeyboardInterrupt


def watch(names, started):
    """Until one of them does not answer any more, which is told at once: the others take their time to end."""
    while True:
        for name, server in zip(names, started):
            try:
                server.ask()
            except Exception as error:  # whatever a client makes of it
                ignore_stops()
                print(f"{name} does not answer any more: {error}", file=sys.stderr, flush=True)
                return 1
        time.sleep(LOOK_S)


def main():
    kinds = "\n".join(f"  {name:9} {text}" for name, (text, _) in KINDS.items())
    parser = argparse.ArgumentParser(description=__doc__.split(" - ")[1], epilog=kinds, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("servers", nargs="+", choices=KINDS, metavar="SERVER", help="one or more of those below, but one kind of kafka")
    parser.add_argument("--port", type=int, help="ports from this one on, instead of free ones")
    options = parser.parse_args()
    names = wanted(options.servers)
    if sum(name.startswith("kafka") for name in names) > 1:
        parser.error("one kind of kafka at a time")
    if options.port:
        fetch.number_ports(options.port)
    for number in STOPS:
        signal.signal(number, stop)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="tapedeck-servers-") as home, \
            contextlib.ExitStack() as running:
        started, broker = [], None
        for name in names:
            print(f"{name}: starting; the first time its packages are fetched", file=sys.stderr, flush=True)
            folder = pathlib.Path(home) / name
            folder.mkdir()
            started.append(running.enter_context(KINDS[name][1](folder, broker)))
            started[-1].ask()
            broker = broker or started[-1].broker
        show(names, started)
        return watch(names, started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
