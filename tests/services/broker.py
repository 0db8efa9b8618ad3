"""tests/services/broker.py - real Kafka brokers, each in a folder of its own: one alone, of today, without ZooKeeper, or the
last one that has it; or a cluster of three, of which one at a time may die. They can be stopped and started again on what
they have."""
import concurrent.futures
import contextlib
import pathlib
import subprocess
import tempfile
import time

import confluent_kafka.admin
import fetch

CLUSTER = "dGFwZWRlY2sgYnJva2VyIA"  # any 16 bytes
REPLICATED = ["offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"]


class Broker:
    """Owns `folder`. `address` is for clients, `login_address` for those who log in as `USER` or `GUEST`, `log_dir` holds a folder for
    each partition. `settings` are further lines of server.properties."""

    VERSION = "4.3.1"
    PACKAGES = [("org.apache.kafka", "kafka_2.13", VERSION), ("org.apache.kafka", "kafka-tools", VERSION),
                ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.2"),
                ("org.apache.logging.log4j", "log4j-core", "2.25.2")]
    STARTED = "Kafka Server started"
    USER, PASSWORD = "tape", "deck"
    JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a test is over before a better compiler has paid for itself
    GUEST, GUEST_PASSWORD = "guest", "looks"  # who may do what admin.py lets him

    @classmethod
    def jars(cls):
        """The folder of Kafka's jars."""
        return fetch.jars(f"kafka-{cls.VERSION}", cls.PACKAGES)

    def __init__(self, folder, settings=(), number=1, controllers=()):
        self.folder, self.number = pathlib.Path(folder), number
        self.log_dir = self.folder / "logs"
        self.address, self.login_address = (f"127.0.0.1:{fetch.free_port()}" for _ in range(2))
        self.controllers = controllers or [f"127.0.0.1:{fetch.free_port()}"]  # of all brokers of the cluster
        self.controller = self.controllers[number - 1]
        self.starts = 0
        self.clients = f"PLAINTEXT://{self.address},SASL_PLAINTEXT://{self.login_address}"
        self.properties = self.folder / "server.properties"
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ["sasl.enabled.mechanisms=PLAIN", f"advertised.listeners={self.clients}",
                 "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain."
                 f'PlainLoginModule required user_{self.USER}="{self.PASSWORD}" user_{self.GUEST}="{self.GUEST_PASSWORD}";',
                 f"super.users=User:ANONYMOUS;User:{self.USER}",
                 f"log.dirs={self.log_dir}", *(f"{key}=1" for key in REPLICATED), "offsets.topic.num.partitions=1",
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
                "process.roles=broker,controller", f"node.id={self.number}",
                "controller.quorum.voters=" + ",".join(f"{n}@{c}" for n, c in enumerate(self.controllers, 1)),
                f"listeners={self.clients},CONTROLLER://{self.controller}", "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
                # one that a busy disk keeps from its heartbeats is not dead; nor is one that was killed, so long, to who starts again
                "broker.session.timeout.ms=20000", "initial.broker.registration.timeout.ms=120000"]

    def prepare(self):
        subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.properties), check=True,
                       stdout=subprocess.DEVNULL)

    def java(self, tool, *arguments):
        """The command that runs a class of Kafka's."""
        return ["java", "-Xms128m", "-Xmx256m", *self.JVM, f"-Dlog4j2.configurationFile={self.log4j}", "-cp",
                f"{self.jars()}/*", tool, *map(str, arguments)]

    @contextlib.contextmanager
    def running(self):
        """Yields the process, from when it serves; ended with the context."""
        command = self.java("kafka.Kafka", self.properties)
        self.starts += 1
        with fetch.running(command, self.folder / f"out.{self.starts}.log", self.STARTED, cwd=self.folder) as process:
            yield process

    def said(self):
        """What it wrote in all its lives."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("out.*.log"))


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


class Cluster:
    """Each partition is on all of its brokers, and two of them have what is acknowledged. `address` is for clients."""

    COUNT = 3
    SETTINGS = [*(f"{key}=3" for key in REPLICATED), "transaction.state.log.min.isr=2", "min.insync.replicas=2",
                "default.replication.factor=3", "offsets.topic.num.partitions=3", "transaction.state.log.num.partitions=3",
                "broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"]  # the last two: a death is known soon

    def __init__(self, folder):
        controllers = [f"127.0.0.1:{fetch.free_port()}" for _ in range(self.COUNT)]
        self.brokers = [Broker(f"{folder}/{n}", self.SETTINGS, n, controllers) for n in range(1, self.COUNT + 1)]
        self.address = ",".join(broker.address for broker in self.brokers)
        self.lives = {}  # of those that run: what ends it, and the process

    def start(self, broker):
        life = contextlib.ExitStack()
        self.lives[broker] = life, life.enter_context(broker.running())

    def kill(self, broker):
        life, process = self.lives.pop(broker)
        process.kill()
        process.wait()
        life.close()

    @contextlib.contextmanager
    def running(self):
        try:
            with concurrent.futures.ThreadPoolExecutor() as threads:  # none serves before it has a majority
                list(threads.map(self.start, self.brokers))
            yield self
        finally:
            for life, _ in self.lives.values():
                life.close()

    def await_in_sync(self, timeout_s=120):
        """Until every partition is on all brokers again: what another death would take is elsewhere, too."""
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.address})
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(confluent_kafka.KafkaException):  # whom it asks may be the one that died
                lacking = [f"{topic.topic}-{p.id}" for topic in admin.list_topics(timeout=10).topics.values()
                           for p in topic.partitions.values() if len(p.isrs) < self.COUNT]
                if not lacking:
                    return
            assert time.monotonic() < deadline, f"not in sync: {lacking[:5]}"
            time.sleep(0.2)


@contextlib.contextmanager
def one_broker():
    """In a folder of its own; it is there while the block lasts."""
    with tempfile.TemporaryDirectory() as home:
        broker = Broker(f"{home}/broker")
        with broker.running():
            yield broker
