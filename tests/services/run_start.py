#!/usr/bin/env python3
"""tests/services/run_start.py - start.py as people use it: what it prints is a configuration that runs, a server that dies is
told, and Ctrl-C leaves neither process, port nor folder."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tapedeck as td  # noqa: E402
from fetch import free_port  # noqa: E402

START = pathlib.Path(__file__).with_name("start.py")
cases = td.Cases()


class Servers:
    """In a session of its own, of which every process is theirs; their folders are in `home`."""

    def __init__(self, home, *words):
        self.home = pathlib.Path(home) / "tmp"
        self.home.mkdir()
        for folder in (self.home.parent, self.home):
            folder.chmod(0o711)  # PostgreSQL is another user
        self.process = subprocess.Popen(["env", "--default-signal", sys.executable, START, *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=os.environ | {"TMPDIR": str(self.home)}, start_new_session=True)
        self.lines = []
        self.reading = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reading.start()

    def __enter__(self):
        try:
            self.wait_for_line("Ctrl-C", 240)
        except BaseException:
            self.__exit__()
            raise
        self.text = "".join(self.lines)
        return self

    def __exit__(self, *_):
        while left := self.processes():  # one may have started another meanwhile
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)
        self.process.wait()

    def wait_for_line(self, part, seconds):
        def is_there():
            ended = self.process.poll() is not None
            self.reading.join(10 if ended else 0)
            there = any(part in line for line in self.lines)
            assert there or not ended, self.lines
            return there
        td.wait_for(is_there, lambda: self.lines, seconds)

    def expect_end(self, code):
        assert self.process.wait(60) == code, self.lines
        self.reading.join(10)
        assert not any("Traceback" in line for line in self.lines), self.lines
        self.expect_nothing_left()

    def processes(self):
        """Of their session, dead ones that nobody has asked after left out."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue  # it has ended meanwhile
            if session == str(self.process.pid) and state != "Z":
                found.append(int(stat.parent.name))
        return found

    def expect_nothing_left(self):
        assert not self.processes(), self.lines
        assert not list(self.home.iterdir()), list(self.home.iterdir())
        for port in map(int, re.findall(r"127\.0\.0\.1:(\d+)", self.text)):
            with socket.socket() as s:
                assert s.connect_ex(("127.0.0.1", port)) != 0, port


@cases.add
def what_it_prints_runs(home):
    with Servers(home, "apicurio", "kafka") as servers:
        log = re.search(r"log: (\{.*\})", servers.text).group(1).replace("dir: data", f"dir: {home}/data, partitions: 2")
        file = pathlib.Path(home) / "run.yaml"
        file.write_text(f"feeds:\n  - simulated: {{ seed: 1, ticks: 5000 }}\nbars: [1s]\nlog: {log}\n", encoding="utf-8")
        said = td.run(file, "--quiet")
        assert said["events"] == 5000, said
        assert "registry" in log and "kafka" in log, log
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGHUP):  # as a terminal does it, and an impatient user
            os.killpg(servers.process.pid, number)
            time.sleep(0.3)
        servers.expect_end(0)
        return log


@cases.add
def a_terminal_that_is_closed_ends_them(home):
    with Servers(home, "postgres") as servers:
        os.killpg(servers.process.pid, signal.SIGHUP)
        servers.expect_end(0)
        return "as Ctrl-C does"


@cases.add
def one_that_dies_is_told(home):
    port = free_port()
    with Servers(home, "postgres", "apicurio", "--port", str(port)) as servers:
        assert f"127.0.0.1:{port}/" in servers.text, servers.text
        database = max(servers.processes(), key=lambda pid: b"postgres\0-D" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(database, signal.SIGTERM)
        servers.wait_for_line("postgres does not answer any more", 60)
        os.kill(servers.process.pid, signal.SIGINT)  # while the other one ends
        servers.expect_end(1)
        return f"port {port}"


@cases.add
def words_that_are_none(_):
    for words, says in ((["kafak"], "kafka39"), (["kafka", "kafka3"], "one kind"), ([], "SERVER")):
        done = subprocess.run([sys.executable, START, *words], stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 2 and says in done.stderr, (words, done.stderr)
    return "exit code 2, with those that there are"


if __name__ == "__main__":
    sys.exit(cases.run())
