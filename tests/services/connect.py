"""tests/services/connect.py - a worker of Kafka Connect with the plugins that read us: Kafka's file sink, Debezium's JDBC sink,
and Apicurio's converter of Avro. Connectors are made, and asked about, over its REST API."""
import contextlib
import json
import pathlib
import time
import urllib.error
import urllib.request
import zipfile

import apicurio
import confluent_kafka
import fetch
from broker import Broker

DEBEZIUM = "3.6.0.Final"
AVRO_CONVERTER = "io.apicurio.registry.utils.converter.AvroConverter"
WORKER = ["key.converter=org.apache.kafka.connect.storage.StringConverter",
          "value.converter=org.apache.kafka.connect.storage.StringConverter", "offset.flush.interval.ms=500",
          "plugin.discovery=SERVICE_LOAD", "consumer.isolation.level=read_committed"]


def converter(folder):
    """A plugin of Apicurio's converter: its jars but those that Connect has in a newer version, and the manifest that it lacks."""
    jars = fetch.jars(f"apicurio-converter-{apicurio.VERSION}", [("io.apicurio", "apicurio-registry-utils-converter", apicurio.VERSION)])
    plugin = folder / "plugins/avro"
    plugin.mkdir(parents=True)
    for jar in jars.glob("*.jar"):
        if not jar.name.startswith(("connect-", "kafka-clients-", "slf4j-")):
            (plugin / jar.name).symlink_to(jar)
    with zipfile.ZipFile(plugin / "manifest.jar", "w") as manifest:
        manifest.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", f"{AVRO_CONVERTER}\n")
    return plugin.parent


def plugins(folder):
    """Folders of plugins, each of which is a folder or a jar; what is not fetched is made in `folder`."""
    return [fetch.unpacked(f"org.apache.kafka:connect-file:{Broker.VERSION}", f"connect-file-{Broker.VERSION}"),
            fetch.unpacked(f"io.debezium:debezium-connector-jdbc:{DEBEZIUM}:tar.gz:plugin", f"debezium-jdbc-{DEBEZIUM}"),
            converter(folder)]


class Worker:
    """Alone: no topics of its own."""

    def __init__(self, folder, broker):
        self.folder, self.broker, self.port = pathlib.Path(folder), broker, fetch.free_port()
        self.folder.mkdir()
        self.properties = self.folder / "worker.properties"
        lines = [f"bootstrap.servers={broker.address}", f"offset.storage.file.filename={folder}/offsets",
                 f"listeners=HTTP://127.0.0.1:{self.port}", f"plugin.path={','.join(map(str, plugins(self.folder)))}", *WORKER]
        self.properties.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @contextlib.contextmanager
    def running(self):
        command = self.broker.java("org.apache.kafka.connect.cli.ConnectStandalone", self.properties)
        with fetch.running(command, self.folder / "log", "Kafka Connect started"):
            yield self

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def make(self, name, settings):
        self.ask("PUT", f"/connectors/{name}/config", {"tasks.max": "1", "consumer.override.auto.offset.reset": "earliest"} | settings)

    def await_read(self, name, ends, timeout_s=240):
        """Until it has committed that it has all that stands before `ends`, {(topic, partition): offset}."""
        client = confluent_kafka.Consumer({"bootstrap.servers": self.broker.address, "group.id": f"connect-{name}"})
        deadline = time.monotonic() + timeout_s
        places = [confluent_kafka.TopicPartition(*place) for place in ends]
        while True:
            at = {(p.topic, p.partition): p.offset for p in client.committed(places, timeout=10)}
            if all(at[place] >= end for place, end in ends.items()):
                break
            state = self.ask("GET", f"/connectors/{name}/status")
            failed = [task["trace"] for task in state["tasks"] if task["state"] == "FAILED"]
            assert not failed, failed[0][:3000]
            assert time.monotonic() < deadline, (name, at, ends, state)
            time.sleep(0.2)
        client.close()
