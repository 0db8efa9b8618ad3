#!/usr/bin/env python3
"""tests/services/run_cql.py - our client of Cassandra against a real one with a password and TLS: all kinds of results, errors
and what they ask for, pages, many requests at once, tokens, statements that the node has forgotten, and the node's death."""
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402
from cassandra_node import PASSWORD, USER, Cassandra  # noqa: E402

ASK = td.BUILD / "tests" / "tools" / "cql_ask"
ENDS = ("ok", "again", "retry", "config", "reject", "full", "void", "rows", "keyspace", "prepared", "schema")
MANY, IN_FLIGHT = 5000, 64
KEYS = 200  # of each number of columns
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
cases = td.Cases()
node = Cassandra(password=True, tls=True)


class Client:
    """The client in a process of its own, driven line by line."""

    def __init__(self, *login, ca=None, **env):
        env = os.environ | {"CQL_CA_FILE": str(ca or node.ca_file)} | env
        self.process = subprocess.Popen([ASK, node.address, *(login or (USER, PASSWORD))], env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(10) == 0

    def begin(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def end(self):
        """The lines before the last one, and that."""
        lines = []
        while True:
            line = self.process.stdout.readline().rstrip("\n")
            assert line or self.process.poll() is None, "the client died"
            if line.split(" ")[0] in ENDS:
                return lines, line.strip()
            lines.append(line)

    def ask(self, command):
        self.begin(command)
        return self.end()

    def must(self, command, expected):
        lines, last = self.ask(command)
        assert last.startswith(expected), (command, last)
        return lines


@cases.add
def each_kind_of_result(_home):
    with Client() as client:
        client.must("query CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", "schema CREATED")
        client.must("query CREATE TABLE k.t (a text, b int, c bigint, d list<frozen<tuple<int, text>>>, PRIMARY KEY (a, b))", "schema")
        client.must("agree", "void")
        client.must("query USE k", "keyspace k")
        assert client.must("prepare INSERT INTO k.t (a, b) VALUES (?, ?)", "prepared") == ["values 2 keys 1"]
        client.must("execute 0 x 7", "void")
        client.must("query UPDATE k.t SET c = -9, d = [(1, 'one')] WHERE a = 'x' AND b = 8", "void")
        assert client.must("query SELECT a, b, c FROM k.t WHERE a = 'x'", "rows") == ["row x|7|null", "row x|8|-9"]
        client.must("query SELECT * FROM k.t", "rows")
        client.must("query CREATE FUNCTION k.f (a int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;'", "config")
        client.must("query ALTER TABLE k.t ADD e decimal", "schema UPDATED")


@cases.add
def errors(_home):
    rows = (("SELEC", "config", "no viable alternative"), ("SELECT * FROM k.nothing", "config", "does not exist"),
            ("CREATE TABLE k.t (a text PRIMARY KEY)", "config", "exist"),
            ("INSERT INTO far.t (a) VALUES (1)", "retry", "Cannot achieve consistency level"))
    with Client() as client:
        client.must("query CREATE KEYSPACE far WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}", "schema")
        client.must("query CREATE TABLE far.t (a int PRIMARY KEY)", "schema")
        for text, status, words in rows:
            _, last = client.ask(f"query {text}")
            assert last.startswith(status) and words in last, (text, last)
        client.must("query SELECT key FROM system.local", "rows")  # the connection goes on
    return f"{len(rows)} errors"


@cases.add
def logins(_home):
    with Client() as client:
        client.must("query CREATE ROLE guest WITH PASSWORD = 'looks' AND LOGIN = true", "")
        client.must("query GRANT SELECT ON KEYSPACE k TO guest", "")
    with Client("guest", "looks") as guest:
        guest.must("query SELECT a FROM k.t LIMIT 1", "rows")
        _, last = guest.ask("query INSERT INTO k.t (a, b) VALUES ('q', 1)")
        assert last.startswith("config") and "MODIFY" in last, last
    told = []
    for login, env in ((("guest", "wrong"), {}), ((USER, PASSWORD), {"ca": "/etc/ssl/certs/ca-certificates.crt"})):
        with Client(*login, **env) as client:
            _, last = client.ask("connect")
            assert last.startswith("config"), last
            told.append(last)
    assert "password" in told[0] and "certificate" in told[1], told
    return told


@cases.add
def many_at_once(_home):
    """As many as may be; compressed and plain; and a batch of one partition."""
    for name, env in (("packed", {}), ("plain", {"CQL_PLAIN": "1"})):
        with Client(**env) as client:
            client.must("prepare INSERT INTO k.t (a, b) VALUES (?, ?)", "prepared")
            assert client.must(f"many 0 {name} {MANY}", "void") == [f"good {MANY} bad 0 most {IN_FLIGHT}"]
            client.must(f"batch 0 {name}-batch 300", "void")
            for partition, count in ((name, MANY), (f"{name}-batch", 300)):
                assert client.must(f"query SELECT count(*) FROM k.t WHERE a = '{partition}'", "rows") == [f"row {count}"]
            lines = client.must(f"pages 999 SELECT b FROM k.t WHERE a = '{name}'", "rows")
            assert lines[:-1] == [f"row {n}" for n in range(MANY)] and lines[-1] == f"pages {MANY // 999 + 1}", lines[-1]


@cases.add
def tokens(_home):
    """Of keys of any bytes and of one to three columns: what we compute is what the node says."""
    rng, high = random.Random(SEED), 0
    with Client() as client:
        for columns in ("a", "a, b", "a, b, c"):
            table = f"k.keys{columns.count(',') + 1}"
            client.must(f"query CREATE TABLE {table} (a blob, b blob, c blob, n int, PRIMARY KEY (({columns}), n))", "schema")
            client.must("agree", "void")
            keys = {}
            for n in range(KEYS):
                key = [rng.randbytes(rng.choice((rng.randrange(1, 20), rng.randrange(1, 200)))) for _ in columns.split(", ")]
                keys[n] = key
                high += max(map(max, key)) >= 0x80
                values = ", ".join("0x" + part.hex() for part in key)
                client.must(f"query INSERT INTO {table} ({columns}, n) VALUES ({values}, {n})", "void")
            theirs = dict(line.removeprefix("row ").split("|")
                          for line in client.must(f"query SELECT n, token({columns}) FROM {table}", "rows"))
            assert len(theirs) == KEYS, (SEED, len(theirs))
            for n, key in keys.items():
                client.begin("token " + " ".join(part.hex() for part in key))
                said = client.process.stdout.readline()
                assert said == f"token {theirs[str(n)]}\n", (SEED, key, said, theirs[str(n)])
    assert high > KEYS, (SEED, high)
    return f"{3 * KEYS} keys, {high} with bytes above 0x7F (seed {SEED})"


@cases.add
def forgotten_statements(_home):
    """A table that was made anew takes its statements along."""
    with Client() as client, Client() as other:
        client.must("prepare INSERT INTO k.u (a, b) VALUES (?, ?)", "config")
        other.must("query CREATE TABLE k.u (a text, b int, PRIMARY KEY (a, b))", "schema")
        client.must("prepare INSERT INTO k.u (a, b) VALUES (?, ?)", "prepared")
        client.must("many 0 x 100", "void")
        other.must("query DROP TABLE k.u", "schema")
        client.must("execute 0 x 1", "config")
        other.must("query CREATE TABLE k.u (a text, b int, PRIMARY KEY (a, b))", "schema")
        assert client.must("many 0 x 1000", "void")[0].startswith("good 1000 bad 0")
        assert client.must("query SELECT count(*) FROM k.u", "rows") == ["row 1000"]
        client.begin("again")
        assert client.process.stdout.readline() == "again 1\n"


@cases.add
def killed_and_started_again(_home):
    """Whoever waits is told; the same client goes on with a node that was started again, and what was written is there."""
    with Client() as client:
        client.must("query CREATE TABLE k.v (a text, b int, PRIMARY KEY (a, b))", "schema")
        client.must("prepare INSERT INTO k.v (a, b) VALUES (?, ?)", "prepared")
        client.must("many 0 first 100", "void")
        client.begin("many 0 x 10000000")
        time.sleep(1)
        node.kill()
        lines, last = client.end()
        counts = lines[0].split()
        good, bad = int(counts[1]), int(counts[3])
        assert last.startswith("retry") and good > 100 and 0 < bad <= IN_FLIGHT, (lines, last)
        client.must("query SELECT b FROM k.v LIMIT 1", "retry")
        node.start()
        client.must("many 0 again 100", "void")
        assert client.must("query SELECT count(*) FROM k.v WHERE a = 'again'", "rows") == ["row 100"]
    return f"{good} rows before the death, {bad} answers owed"


def main():
    with node.alive():
        return cases.run()


if __name__ == "__main__":
    sys.exit(main())
