"""tests/services/apicurio.py - a real schema registry with Confluent's REST API, started empty for one test, or kept
in a folder."""
import contextlib
import http.client
import json
import tempfile

import fetch

VERSION = "2.6.13.Final"
TYPE = "application/vnd.schemaregistry.v1+json"


class Failure(Exception):
    """The registry neither took nor refused it."""


class Registry:
    """Any registry of that API."""

    def __init__(self, port, base="/apis/ccompat/v7"):
        self.base = base
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, path, body=None):
        """Status and what was answered, as text where it is no JSON."""
        self.http.request(method, f"{self.base}{path}", body=None if body is None else json.dumps(body),
                          headers={"Content-Type": TYPE})
        answer = self.http.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text) if text else None
        except json.JSONDecodeError:
            return answer.status, text.decode()

    def level(self, subject, level):
        status, answer = self.ask("PUT", f"/config/{subject}", {"compatibility": level})
        if status != 200:
            raise Failure(f"{subject}: no level {level}: {status} {answer}")

    def register(self, subject, schema):
        """Whether the schema became a version of the subject; an error that is no refusal is raised."""
        status, answer = self.ask("POST", f"/subjects/{subject}/versions", {"schema": schema})
        if status not in (200, 409):
            raise Failure(f"{subject}: {status} {answer}: {schema}")
        return status == 200


class Server:
    """One that can be stopped and started again on what it has, which is in `folder`."""

    def __init__(self, folder):
        self.folder, self.port = folder, fetch.free_port()
        self.base = "/apis/ccompat/v7"
        self.url = f"http://127.0.0.1:{self.port}{self.base}"

    @contextlib.contextmanager
    def running(self):
        with _running(self.port, self.folder, REGISTRY_DATASOURCE_URL=f"jdbc:h2:file:{self.folder}/h2") as process:
            yield process

    def client(self):
        return Registry(self.port, self.base)


@contextlib.contextmanager
def _running(port, folder, **variables):
    home = fetch.unpacked(f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all", f"apicurio-{VERSION}")
    command = ["env", *(f"{name}={value}" for name, value in variables.items()), "java", "-Xmx256m",
               "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}", "-jar",
               f"{home}/apicurio-registry-app-{VERSION}-runner.jar"]
    with fetch.running(command, f"{folder}/log", f"Listening on: http://127.0.0.1:{port}", cwd=folder) as process:
        yield process


@contextlib.contextmanager
def registry():
    port = fetch.free_port()
    with tempfile.TemporaryDirectory() as folder, _running(port, folder):
        yield Registry(port)
