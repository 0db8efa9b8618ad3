#!/usr/bin/env python3
"""bench/cassandra_rows.py - what one would write with the Python driver: the rows of one table into another by a prepared statement,
so many at a time. They are read before the time begins.

usage: cassandra_rows.py HOST PORT FROM TO IN_FLIGHT     tables with their keyspaces; the second is made; one line of JSON
"""
import json
import sys
import time

import cassandra
import cassandra.cluster
import cassandra.concurrent


def make(cluster, session, table, wanted):
    keyspace, name = table.split(".")
    cluster.refresh_schema_metadata()
    text = cluster.metadata.keyspaces[keyspace].tables[name].as_cql_query()
    session.execute(f"CREATE KEYSPACE {wanted.split('.')[0]} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    session.execute(text.replace(f"{keyspace}.{name}", wanted, 1))


def main(host, port, table, wanted, in_flight):
    with cassandra.cluster.Cluster([host], port=int(port), protocol_version=4) as cluster:
        session = cluster.connect()
        session.default_timeout = 60
        make(cluster, session, table, wanted)
        if in_flight == "0":
            return
        rows = list(session.execute(f"SELECT * FROM {table}"))
        columns = rows[0]._fields
        put = session.prepare(f"INSERT INTO {wanted} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})")
        began = time.monotonic()
        cassandra.concurrent.execute_concurrent_with_args(session, put, rows, concurrency=int(in_flight))
        print(json.dumps({"rows": len(rows), "seconds": time.monotonic() - began, "version": cassandra.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
