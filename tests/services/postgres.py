"""tests/services/postgres.py - a PostgreSQL of the test's own, from Debian's package."""
import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import fetch

# It does not serve root.
SOMEBODY = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.geteuid() == 0 else []
SETTINGS = ("listen_addresses=127.0.0.1", "shared_buffers=32MB", "log_statement=none")


# Anybody on this machine is `tape`; GUARDED has to give a password.
GUARDED = "guarded"
HBA = f"""\
host all {GUARDED} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


class Postgres:
    """A cluster in a folder of its own, on a port of its own; it can be stopped and started again on what it has. `url` is for
    JDBC, `uri` for libpq. What it commits is on the disk with `fsync`, and else there as long as the machine runs."""

    def __init__(self, folder, fsync=False):
        self.settings = (*SETTINGS, f"fsync={'on' if fsync else 'off'}")
        self.folder, self.port, self.starts = pathlib.Path(folder), fetch.free_port(), 0
        self.binaries = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
        assert self.binaries, "there is no PostgreSQL; scripts/setup.sh test installs it"
        self.url = f"jdbc:postgresql://127.0.0.1:{self.port}/postgres"
        self.uri = f"postgresql://tape@127.0.0.1:{self.port}/postgres"
        if SOMEBODY:
            shutil.chown(self.folder, "postgres", "postgres")
        subprocess.run([*SOMEBODY, self.binaries / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "tape", "--no-sync",
                        "--locale=C", "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        (self.folder / "data/pg_hba.conf").write_text(HBA)

    def start(self):
        """It serves from here on."""
        settings = [word for text in (*self.settings, f"unix_socket_directories={self.folder}") for word in ("-c", text)]
        command = [*SOMEBODY, self.binaries / "postgres", "-D", f"{self.folder}/data", "-p", str(self.port), *settings]
        self.starts += 1
        self.life = contextlib.ExitStack()
        self.process = self.life.enter_context(
            fetch.running(command, f"{self.folder}/log.{self.starts}", "ready to accept connections", cwd=self.folder))

    def stop(self, how=signal.SIGINT):
        """SIGINT: in order, but it waits for no client; SIGQUIT: as in a crash."""
        self.process.send_signal(how)
        self.process.wait(30)
        self.life.close()

    def encrypt(self, certificate, key):
        """With these files, from now on, or not any more; sessions that there are stay as they are."""
        if certificate is not None:
            for source, name in ((certificate, "server.crt"), (key, "server.key")):
                shutil.copyfile(source, self.folder / "data" / name)
                (self.folder / "data" / name).chmod(0o600)
                if SOMEBODY:
                    shutil.chown(self.folder / "data" / name, "postgres", "postgres")
        self.ask(f"alter system set ssl = {'on' if certificate is not None else 'off'}")
        self.ask("select pg_reload_conf()")

    @contextlib.contextmanager
    def running(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def ask(self, statement, *options):
        """What psql prints of it."""
        command = [self.binaries / "psql", "-X", "-q", *options, "-v", "ON_ERROR_STOP=1", self.uri, "-c", statement]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 0, (statement, done.stderr)
        return done.stdout

    def explain(self, query):
        """How it was executed, as the server tells in JSON."""
        return json.loads(self.ask(f"explain (analyze, format json) {query}", "-A", "-t"))

    def rows(self, query):
        """Of a query, rows of texts."""
        return list(csv.reader(io.StringIO(self.ask(f"copy ({query}) to stdout (format csv)"))))

    def has(self, table):
        return self.rows(f"select to_regclass('{table}') is not null") == [["t"]]


@contextlib.contextmanager
def cluster(**settings):
    """One that does not run yet."""
    folder = tempfile.mkdtemp(prefix="tapedeck-postgres-")
    try:
        yield Postgres(folder, **settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres(**settings):
    with cluster(**settings) as server, server.running():
        yield server
