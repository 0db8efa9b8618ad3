"""tests/e2e/ports.py - ports for servers that tests start."""
import pathlib
import random
import socket

FIRST, TRIES = 10000, 100
GIVEN_OUT = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")  # to connections that go out


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    """One that no connection is given between here and the server that is to have it, as those of bind(0) are."""
    end = int(GIVEN_OUT.read_text(encoding="utf-8").split()[0])
    for _ in range(TRIES):
        port = random.randrange(FIRST, max(end, 2 * FIRST))
        if is_free(port):
            return port
    raise RuntimeError(f"no port of {TRIES} is free")
