"""tests/services/broker.py - a real Kafka broker, alone, in a folder of its own: of today, without ZooKeeper, or the last
one that has it. It can be stopped and started again on what it has."""
import contextlib
import pathlib
import subprocess

import fetch

CLUSTER = "dGFwZWRlY2sgYnJva2VyIA"  # any 16 bytes
ONE_REPLICA = ["offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"]


class Broker:
    """Owns `folder`. `address` is for clients, `login_address` for those who log in as `USER` or `GUEST`, `log_dir` holds a folder for
    each partition. `settings` are further lines of server.properties."""

    VERSION = "4.3.1"
    PACKAGES = [("org.apache.kafka", "kafka_2.13", VERSION), ("org.apache.kafka", "kafka-tools", VERSION),
                ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.2"),
                ("org.apache.logging.log4j", "log4j-core", "2.25.2")]
    STARTED = "Kafka Server started"
    USER, PASSWORD = "tape", "deck"
    GUEST, GUEST_PASSWORD = "guest", "looks"  # who may do what admin.py lets him

    @classmethod
    def jars(cls):
        """The folder of Kafka's jars."""
        return fetch.jars(f"kafka-{cls.VERSION}", cls.PACKAGES)

    def __init__(self, folder, settings=()):
        self.folder = pathlib.Path(folder)
        self.log_dir = self.folder / "logs"
        self.address, self.login_address, self.controller = (f"127.0.0.1:{fetch.free_port()}" for _ in range(3))
        self.clients = f"PLAINTEXT://{self.address},SASL_PLAINTEXT://{self.login_address}"
        self.properties = self.folder / "server.properties"
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ["sasl.enabled.mechanisms=PLAIN", f"advertised.listeners={self.clients}",
                 "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain."
                 f'PlainLoginModule required user_{self.USER}="{self.PASSWORD}" user_{self.GUEST}="{self.GUEST_PASSWORD}";',
                 f"super.users=User:ANONYMOUS;User:{self.USER}",
                 f"log.dirs={self.log_dir}", *(f"{key}=1" for key in ONE_REPLICA), "offsets.topic.num.partitions=1",
                 "transaction.state.log.num.partitions=1", "group.initial.rebalance.delay.ms=0",
                 "auto.create.topics.enable=false", f"log.cleaner.dedupe.buffer.size={4 << 20}", *self.kind(), *settings]
        self.properties.write_text("\n".join(lines) + "\n")
        self.log4j = self.folder / "log4j2.properties"
        self.log4j.write_text("rootLogger.level=info\nrootLogger.appenderRefs=out\nrootLogger.appenderRef.out.ref=out\n"
                              "appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n"
                              "appender.out.layout.pattern=%p %m%n\n")
        self.prepare()

    def kind(self):
        """Lines of server.properties that are not as in other kinds of brokers."""
        return ["authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@{self.controller}",
                f"listeners={self.clients},CONTROLLER://{self.controller}", "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1"]

    def prepare(self):
        subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.properties), check=True,
                       stdout=subprocess.DEVNULL)

    def java(self, tool, *arguments):
        """The command that runs a class of Kafka's."""
        return ["java", "-Xms128m", "-Xmx256m", f"-Dlog4j2.configurationFile={self.log4j}", "-cp", f"{self.jars()}/*", tool,
                *map(str, arguments)]

    @contextlib.contextmanager
    def running(self):
        """Yields the process, from when it serves; ended with the context."""
        command = self.java("kafka.Kafka", self.properties)
        with fetch.running(command, self.folder / "out.log", self.STARTED, cwd=self.folder) as process:
            yield process


class BrokerOfZooKeeper(Broker):
    """With a ZooKeeper of its own."""

    VERSION = "3.9.2"
    PACKAGES = [("org.apache.kafka", "kafka_2.13", VERSION), ("org.slf4j", "slf4j-simple", "1.7.36")]
    STARTED = "[KafkaServer id=0] started"

    def kind(self):
        return ["broker.id=0", f"zookeeper.connect={self.controller}", f"listeners={self.clients}"]

    def prepare(self):
        host, port = self.controller.split(":")
        (self.folder / "zoo.cfg").write_text(
            f"tickTime=2000\ndataDir={self.folder}/zookeeper\nclientPort={port}\nclientPortAddress={host}\n"
            "admin.enableServer=false\n")

    @contextlib.contextmanager
    def running(self):
        zookeeper = self.java("org.apache.zookeeper.server.quorum.QuorumPeerMain", self.folder / "zoo.cfg")
        with fetch.running(zookeeper, self.folder / "zookeeper.log", "PrepRequestProcessor (sid:0) started", cwd=self.folder):
            with super().running() as process:
                yield process
