"""tests/services/fetch.py - programs of others from Maven Central, fetched once and kept in TAPEDECK_SERVICES
(default ~/.cache/tapedeck-services); and what every server started for a test needs: a port, a process, an end."""
import contextlib
import fcntl
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import ports  # noqa: E402

HOME = pathlib.Path(os.environ.get("TAPEDECK_SERVICES") or pathlib.Path.home() / ".cache/tapedeck-services")


@contextlib.contextmanager
def made_once(name):
    """Yields a folder to fill, or None when it is there already; what was begun and not finished is begun anew."""
    HOME.mkdir(parents=True, exist_ok=True)
    done, part = HOME / name, HOME / f"{name}.part"
    with open(HOME / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.is_dir():
            yield None
            return
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        part.rename(done)


def unpacked(artifact, name):
    """The folder with what is in a package: group:artifact:version:tar.gz:classifier."""
    with made_once(name) as part:
        if part is not None:
            subprocess.run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                            f"-Dartifact={artifact}", f"-DoutputDirectory={part}"], check=True, cwd=part)
            for archive in part.glob("*.tar.gz"):
                subprocess.run(["tar", "-xzf", archive, "-C", part], check=True)
                archive.unlink()
    return HOME / name


def jars(name, packages):
    """The folder with the jars of (group, artifact, version) and of all that they need."""
    with made_once(name) as part:
        if part is not None:
            rows = "".join(f"<dependency><groupId>{g}</groupId><artifactId>{a}</artifactId><version>{v}</version></dependency>"
                           for g, a, v in packages)
            (part / "pom.xml").write_text(
                "<project><modelVersion>4.0.0</modelVersion><groupId>tapedeck</groupId><artifactId>jars</artifactId>"
                f"<version>1</version><packaging>pom</packaging><dependencies>{rows}</dependencies></project>")
            subprocess.run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                            f"-DoutputDirectory={part}/lib"], check=True, cwd=part)
    return HOME / name / "lib"


_numbered = None  # ports that are given in turn


def number_ports(first):
    """From here on ports are these, in the order in which they are asked for."""
    global _numbered
    _numbered = itertools.count(first)


def free_port():
    if _numbered is not None:
        return next(_numbered)
    return ports.free_port()


@contextlib.contextmanager
def running(command, log, ready, cwd=None, wait_s=120):
    """A server, from the moment its own log says `ready` (its own: on a shared machine a port may be a stranger's)."""
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd)
    try:
        deadline = time.monotonic() + wait_s
        while ready not in pathlib.Path(log).read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                said = pathlib.Path(log).read_text(errors="replace")
                raise RuntimeError(f"{command[0]} did not start:\n{said[-3000:]}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
