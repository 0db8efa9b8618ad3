#!/usr/bin/env python3
"""tests/e2e/registry.py - the schema registry of a run, asked by Confluent's own client for Python: it registers, finds,
refuses and deletes as that client expects, behind the token as without, and what was answered outlives kill -9.
"""
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request
import warnings

warnings.simplefilter("ignore")  # of what the client's own libraries say of each other

import tapedeck as td  # noqa: E402
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402

CASES = td.Cases()
TOKEN = "0123456789abcdef0123"
TICK = {"type": "record", "name": "Tick", "namespace": "shop", "fields": [{"name": "price", "type": "double"}]}
SIZED = {**TICK, "fields": [*TICK["fields"], {"name": "size", "type": "long", "default": 0}]}
OTHER = {**TICK, "fields": [{"name": "bid", "type": "double"}]}
KILLS = 3


class Run:
    """A run with a dashboard, as a context."""

    def __init__(self, home, token=""):
        self.data, self.token = f"{home}/data", token
        login = ", token: '${T}'" if token else ""
        extra = f"serve: {{ listen: 127.0.0.1:0{login} }}\n"
        self.file = td.config(f"{home}/run.yaml", self.data, ["simulated: { instruments: 4, ticks: 0 }"],
                              sink=False, partitions=1, extra=extra)

    def __enter__(self):
        pathlib.Path(self.data, "SERVE").unlink(missing_ok=True)
        self.process = subprocess.Popen([td.PROGRAM, "run", "--quiet", self.file], cwd=td.ROOT, stderr=subprocess.PIPE,
                                        text=True, env={**td.os.environ, "T": self.token})
        td.wait_for(lambda: self.url() is not None, "the server listens")
        return self

    def url(self):
        try:
            url = pathlib.Path(self.data, "SERVE").read_text(encoding="utf-8").strip()
            urllib.request.urlopen(f"{url}/livez", timeout=5).close()
            return f"{url}/registry"
        except OSError:
            assert self.process.poll() is None, self.process.stderr.read()
            return None

    def client(self, user=None):
        conf = {"url": self.url(), "max.retries": 0}
        return SchemaRegistryClient(conf | ({"basic.auth.user.info": user} if user else {}))

    def __exit__(self, kind, *_):
        self.process.terminate()
        _, told = self.process.communicate(timeout=60)
        assert kind or self.process.returncode == 0, told


def schema(of):
    return Schema(json.dumps(of), "AVRO")


def refused(status, code, ask):
    try:
        ask()
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (status, code), error
        return
    raise AssertionError(f"{code} wanted")


@CASES.add
def answers_confluents_client(home):
    with Run(home) as run:
        client = run.client()
        first = client.register_schema("ticks-value", schema(TICK))
        assert client.register_schema("ticks-value", schema(TICK)) == first
        assert client.register_schema("other-value", Schema(json.dumps(TICK, indent=4, sort_keys=True), "AVRO")) == first
        second = client.register_schema("ticks-value", schema(SIZED))
        assert second == first + 1
        found = client.lookup_schema("ticks-value", schema(SIZED))
        assert (found.schema_id, found.version, found.subject) == (second, 2, "ticks-value")
        assert json.loads(run.client().get_schema(first).schema_str) == TICK
        latest = client.get_latest_version("ticks-value")
        assert (latest.version, json.loads(latest.schema.schema_str)) == (2, SIZED)
        assert client.get_version("ticks-value", 1).schema_id == first
        assert client.get_versions("ticks-value") == [1, 2]
        assert {"ticks-value", "other-value", "bars-value", "tape-tapedeck.Trade"} <= set(client.get_subjects())
        assert client.test_compatibility("ticks-value", schema(TICK)) is True
        assert client.test_compatibility("ticks-value", schema(OTHER)) is False
        refused(409, 409, lambda: client.register_schema("ticks-value", schema(OTHER)))
        refused(422, 42201, lambda: client.register_schema("ticks-value", Schema("{}", "AVRO")))
        refused(404, 40401, lambda: client.get_latest_version("none"))
        refused(404, 40403, lambda: run.client().get_schema(4711))
        refused(422, 42205, lambda: client.delete_subject("bars-value"))
        assert client.get_compatibility() == "BACKWARD"
        client.set_compatibility("ticks-value", "NONE")
        assert client.get_compatibility("ticks-value") == "NONE"
        assert client.register_schema("ticks-value", schema(OTHER)) == second + 1
        client.delete_version("ticks-value", 3)
        refused(404, 40405, lambda: client.delete_subject("other-value", permanent=True))
        assert client.delete_subject("other-value") == [1]
        assert client.delete_subject("other-value", permanent=True) == [1]
        refused(404, 40401, lambda: client.get_versions("other-value"))
        return f"ids {first} to {second + 1}"


@CASES.add
def serializers_write_and_read_by_it(home):
    with Run(home) as run:
        where = SerializationContext("ticks", MessageField.VALUE)
        writer = AvroSerializer(run.client(), json.dumps(TICK))
        reader = AvroDeserializer(run.client(), json.dumps(SIZED))
        values = [writer({"price": 0.25 * i}, where) for i in range(100)]
        ids = {value[:5] for value in values}
        assert len(ids) == 1 and min(ids)[0] == 0, ids
        assert [reader(value, where) for value in values] == [{"price": 0.25 * i, "size": 0} for i in range(100)]
        return f"{len(values)} values of id {int.from_bytes(min(ids)[1:], 'big')}"


@CASES.add
def the_token_is_the_password(home):
    with Run(home, TOKEN) as run:
        assert run.client(f"any:{TOKEN}").register_schema("s", schema(TICK)) > 0
        refused(401, 401, lambda: run.client().get_subjects())
        refused(401, 401, lambda: run.client(f"any:{TOKEN}0").register_schema("s", schema(SIZED)))
        request = urllib.request.Request(f"{run.url()}/subjects", headers={"Host": "evil.example"})
        try:
            urllib.request.urlopen(request, timeout=5)
            raise AssertionError("another host's name was taken")
        except urllib.error.HTTPError as error:
            assert (error.code, json.load(error)["error_code"]) == (403, 403)
        return "401 without it, 403 to others"


@CASES.add
def what_was_answered_outlives_a_kill(home):
    told = []
    for turn in range(KILLS):
        with Run(home) as run:
            client = run.client()
            assert [client.get_latest_version(subject).schema_id for subject, _ in told] == [i for _, i in told]
            for i in range(5):
                subject = f"s{turn}-{i}"
                told.append((subject, client.register_schema(subject, schema({**TICK, "name": f"T{turn}_{i}"}))))
            if turn < KILLS - 1:
                run.process.kill()
                run.process.wait()
                run.process.returncode = 0
    assert len({i for _, i in told}) == len(told), told
    return f"{len(told)} schemas over {KILLS - 1} kills"


sys.exit(CASES.run())
