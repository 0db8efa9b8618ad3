"""tests/services/postgres.py - a PostgreSQL of the test's own, from Debian's package."""
import contextlib
import csv
import io
import os
import pathlib
import shutil
import subprocess
import tempfile

import fetch

# It does not serve root.
SOMEBODY = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.geteuid() == 0 else []
SETTINGS = ("listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=32MB", "log_statement=none")


class Postgres:
    """`url` is for JDBC; anybody on this machine is `tape`."""

    def __init__(self, port, binaries):
        self.port, self.binaries = port, binaries
        self.url = f"jdbc:postgresql://127.0.0.1:{port}/postgres"

    def ask(self, statement):
        """What psql prints of it."""
        command = [self.binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                   "tape", "-d", "postgres", "-c", statement]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 0, (statement, done.stderr)
        return done.stdout

    def rows(self, query):
        """Of a query, rows of texts."""
        return list(csv.reader(io.StringIO(self.ask(f"copy ({query}) to stdout (format csv)"))))

    def has(self, table):
        return self.rows(f"select to_regclass('{table}') is not null") == [["t"]]


@contextlib.contextmanager
def postgres():
    binaries = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
    assert binaries, "there is no PostgreSQL; scripts/setup.sh test installs it"
    folder, port = tempfile.mkdtemp(prefix="tapedeck-postgres-"), fetch.free_port()
    try:
        if SOMEBODY:
            shutil.chown(folder, "postgres", "postgres")
        subprocess.run([*SOMEBODY, binaries / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "tape", "--no-sync", "--locale=C",
                        "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        settings = [word for text in (*SETTINGS, f"unix_socket_directories={folder}") for word in ("-c", text)]
        command = [*SOMEBODY, binaries / "postgres", "-D", f"{folder}/data", "-p", str(port), *settings]
        with fetch.running(command, f"{folder}/log", "ready to accept connections", cwd=folder):
            yield Postgres(port, binaries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
