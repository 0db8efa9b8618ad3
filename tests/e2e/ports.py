"""tests/e2e/ports.py - ports for servers that tests start."""
import pathlib
import random
import socket

FIRST, LAST, TRIES = 10100, 65535, 100  # browsers shun some that are lower
GIVEN_OUT = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")  # to connections that go out
given = set()  # here


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    """One that no connection is given between here and the server that is to have it, as those of bind(0) are. Where there are
    none but of that kind: one of these."""
    first, last = map(int, GIVEN_OUT.read_text(encoding="utf-8").split())
    others = [port for port in range(FIRST, LAST + 1) if not first <= port <= last and port not in given]
    for port in random.sample(others, min(TRIES, len(others))) or random.sample(range(first, last + 1), TRIES):
        if is_free(port):
            given.add(port)
            return port
    raise RuntimeError(f"no port of {TRIES} is free")
