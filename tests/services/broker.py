"""tests/services/broker.py - a real Kafka broker, alone and without ZooKeeper, in a folder of its own. It can be stopped
and started again on what it has."""
import contextlib
import pathlib
import subprocess

import fetch

VERSION = "4.3.1"
ARTIFACTS = [("org.apache.kafka", "kafka_2.13", VERSION), ("org.apache.kafka", "kafka-tools", VERSION),
             ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.2"), ("org.apache.logging.log4j", "log4j-core", "2.25.2")]
CLUSTER = "dGFwZWRlY2sgYnJva2VyIA"  # any 16 bytes
ONE_REPLICA = ["offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
               "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr"]


def jars():
    """The folder of Kafka's jars, its tools among them."""
    with fetch.made_once(f"kafka-{VERSION}") as part:
        if part is not None:
            rows = "".join(f"<dependency><groupId>{g}</groupId><artifactId>{a}</artifactId><version>{v}</version></dependency>"
                           for g, a, v in ARTIFACTS)
            (part / "pom.xml").write_text(
                "<project><modelVersion>4.0.0</modelVersion><groupId>tapedeck</groupId><artifactId>kafka</artifactId>"
                f"<version>1</version><packaging>pom</packaging><dependencies>{rows}</dependencies></project>")
            subprocess.run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                            f"-DoutputDirectory={part}/lib"], check=True, cwd=part)
    return fetch.HOME / f"kafka-{VERSION}" / "lib"


class Broker:
    """Owns `folder`. `address` is for clients, `login_address` for those who log in as `USER`, `log_dir` holds a folder for
    each partition. `settings` are further lines of server.properties."""

    USER, PASSWORD = "tape", "deck"

    def __init__(self, folder, settings=()):
        self.folder = pathlib.Path(folder)
        self.log_dir = self.folder / "logs"
        port, login, controller = fetch.free_port(), fetch.free_port(), fetch.free_port()
        self.address, self.login_address = f"127.0.0.1:{port}", f"127.0.0.1:{login}"
        clients = f"PLAINTEXT://{self.address},SASL_PLAINTEXT://{self.login_address}"
        self.properties = self.folder / "server.properties"
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ["process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{controller}",
                 f"listeners={clients},CONTROLLER://127.0.0.1:{controller}", f"advertised.listeners={clients}",
                 "controller.listener.names=CONTROLLER",
                 "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                 "sasl.enabled.mechanisms=PLAIN",
                 "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain."
                 f'PlainLoginModule required user_{self.USER}="{self.PASSWORD}";',
                 f"log.dirs={self.log_dir}", *(f"{key}=1" for key in ONE_REPLICA), "offsets.topic.num.partitions=1",
                 "transaction.state.log.num.partitions=1", "group.initial.rebalance.delay.ms=0",
                 "auto.create.topics.enable=false", f"log.cleaner.dedupe.buffer.size={4 << 20}", *settings]
        self.properties.write_text("\n".join(lines) + "\n")
        self.log4j = self.folder / "log4j2.properties"
        self.log4j.write_text("rootLogger.level=info\nrootLogger.appenderRefs=out\nrootLogger.appenderRef.out.ref=out\n"
                              "appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n"
                              "appender.out.layout.pattern=%p %m%n\n")
        subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.properties), check=True,
                       stdout=subprocess.DEVNULL)

    def java(self, tool, *arguments):
        """The command that runs a class of Kafka's."""
        return ["java", "-Xms128m", "-Xmx256m", f"-Dlog4j2.configurationFile={self.log4j}", "-cp", f"{jars()}/*", tool,
                *map(str, arguments)]

    @contextlib.contextmanager
    def running(self):
        """Yields the process, from when it serves; ended with the context."""
        command = self.java("kafka.Kafka", self.properties)
        with fetch.running(command, self.folder / "out.log", "Kafka Server started", cwd=self.folder) as process:
            yield process
