#!/usr/bin/env python3
"""tests/services/run_cassandra_ring.py - results in tables of a real Cassandra of two nodes, each of which owns half of the rows: a row
goes to its owner, as the nodes count it; and each row is there once, when a node dies in mid-write, TAPEDECK_KILLS times."""
import contextlib
import os
import random
import sys
import time

import cassandra
import cassandra.cluster
import cassandra.policies
import cassandra.query
import run_cassandra as alone  # also finds what tests share
import tapedeck as td
from cassandra_node import Cassandra
from kills import KILLS

PLACES = 16  # on the ring, every second one of a node
TOKENS = [-(1 << 63) + (2 * n + 1) * (1 << 64) // (2 * PLACES) for n in range(PLACES)]
FAILURES = (cassandra.cluster.NoHostAvailable, cassandra.DriverException)  # while a node is away
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
first = Cassandra(tokens=TOKENS[::2])
second = Cassandra(tokens=TOKENS[1::2], host="127.0.0.2", beside=first)
cases = td.Cases()


@contextlib.contextmanager
def asking(node):
    """That node, and no other."""
    profile = cassandra.cluster.ExecutionProfile(load_balancing_policy=cassandra.policies.WhiteListRoundRobinPolicy([node.host]),
                                                 row_factory=cassandra.query.dict_factory, request_timeout=60)
    with cassandra.cluster.Cluster([node.host], port=node.port, protocol_version=4, connect_timeout=30,
                                   execution_profiles={cassandra.cluster.EXEC_PROFILE_DEFAULT: profile}) as cluster:
        yield cluster.connect()


def config(home, sink, feeds=(alone.FEEDS[0],)):
    """The first node alone is named."""
    return alone.config(home, f"{alone.ALL}, {sink}", feeds, nodes=[first.address])


def counted(node, keyspace):
    """{table: (writes that it was asked for by clients, writes of rows of its own)}"""
    with asking(node) as asked:
        said = [{row["table_name"]: row["count"] for row in
                 asked.execute(f"SELECT keyspace_name, table_name, count FROM system_views.{kind}_write_latency")
                 if row["keyspace_name"] == keyspace} for kind in ("coordinator", "local")]
    return {table: (said[0].get(table, 0), said[1].get(table, 0)) for table in said[0].keys() | said[1].keys()}


@cases.add
def coordinators_are_owners(home):
    """But for what went home before the other node was connected."""
    file = config(home, "keyspace: owned", alone.FEEDS)
    td.run(file)
    with asking(second) as asked:
        rows = alone.expect_tables(asked, "owned", f"{home}/data")
    at_home, beyond = counted(first, "owned"), counted(second, "owned")
    asked_of, owned = (sum(pair[n] for pair in beyond.values()) for n in (0, 1))
    total = sum(pair[1] for pair in at_home.values()) + owned
    assert sum(pair[0] for pair in at_home.values()) + asked_of == total, (at_home, beyond)
    strays = [table for table, (coordinated, local) in beyond.items() if coordinated > local]
    assert not strays and total > 1000 and owned > total / 10, (strays, at_home, beyond)
    assert asked_of > 0.8 * owned, (asked_of, owned, at_home, beyond)
    return f"{rows}; of {total} writes the second node owns {owned} and was asked for {asked_of}"


def paced(file, seconds):
    """A run that goes on for so long; its market has 240 seconds."""
    return td.start(file, "--set", f"speed={240 / alone.RATIO / seconds:g}x")


def writes(run, keyspace):
    """It is in the middle of it."""
    with asking(first) as asked:
        alone.writes(asked, keyspace, run)


def expect_end(run, home, keyspace, words):
    out, err = run.communicate(timeout=300 + 60 * KILLS)
    assert run.returncode == 0 and words in err, (SEED, run.returncode, out, err)
    with asking(second) as asked:
        return alone.expect_tables(asked, keyspace, f"{home}/data")


@cases.add
def a_node_dies(home):
    """In mid-write, the other one or home; what it owns waits until it is back, and with it the end of the run."""
    run, rng, alive = paced(config(home, "keyspace: dies, in_flight: 2"), 60 * KILLS), random.Random(SEED), 0
    for n in range(KILLS):
        writes(run, "dies")
        time.sleep(rng.uniform(0, 0.3))
        victim = first if n % 2 else second
        victim.kill()
        alive += run.poll() is None
        victim.start()
        wait_until_joined()
    said = expect_end(run, home, "dies", "tried again until it works")
    assert alive > KILLS / 2, (SEED, alive)  # nodes may need longer to start than the market lasts
    return f"{said} (killed {alive} times, seed {SEED})"


def joined(node):
    """It can write to both."""
    put = cassandra.query.SimpleStatement("INSERT INTO both.t (a) VALUES (1)", consistency_level=cassandra.ConsistencyLevel.ALL)
    with contextlib.suppress(*FAILURES), asking(node) as asked:
        asked.execute("CREATE KEYSPACE IF NOT EXISTS both WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}")
        asked.execute("CREATE TABLE IF NOT EXISTS both.t (a int PRIMARY KEY)")
        asked.execute(put)
        return True
    return False


def wait_until_joined():
    for node in (first, second):
        td.wait_for(lambda one=node: joined(one), "both nodes", 120)


def main():
    with first.alive(), second.alive():
        wait_until_joined()
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
