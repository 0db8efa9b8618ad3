"""tests/services/cassandra_node.py - a Cassandra of the test's own: a node in a folder of its own, which can be killed and started
again on what it has; with a password or without, with TLS or without; alone or beside others."""
import contextlib
import pathlib
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import fetch

VERSION = "5.0.4"
PACKAGES = [("org.apache.cassandra", "cassandra-all", VERSION)]
STARTED = "Startup complete"
USER, PASSWORD = "cassandra", "cassandra"  # of a node that nobody has used before
KEYS_PASSWORD = "changeit"
OPENED = ["java.base/java.io", "java.base/java.lang", "java.base/java.lang.module", "java.base/java.lang.reflect",
          "java.base/java.math", "java.base/java.net", "java.base/java.nio", "java.base/java.util",
          "java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic", "java.base/jdk.internal.loader",
          "java.base/jdk.internal.ref", "java.base/jdk.internal.reflect", "java.base/jdk.internal.math",
          "java.base/jdk.internal.module", "java.base/jdk.internal.util.jar", "java.base/sun.nio.ch", "java.rmi/sun.rmi.registry",
          "java.rmi/sun.rmi.server", "java.rmi/sun.rmi.transport", "java.rmi/sun.rmi.transport.tcp", "java.sql/java.sql",
          "java.management/com.sun.jmx.remote.security", "jdk.management/com.sun.management.internal",
          "jdk.management.jfr/jdk.management.jfr", "java.desktop/com.sun.beans.introspect",
          "jdk.naming.rmi/com.sun.jndi.rmi.registry", "jdk.compiler/com.sun.tools.javac.file", "jdk.jdeps/com.sun.tools.javap",
          "java.logging/java.util.logging"]


class Cassandra:
    """`address` is for clients; with `tls`, `ca_file` is what they believe, and "optional"
    serves those that are not encrypted, too. There is a folder from the first life on. One that joins `beside` another has a `host` and
    ports of its own; `tokens` are its places on the ring: then it answers what is in its commit log on disk. Alone it may answer a moment
    before, for who kills it takes a position with the rows before it; beside others these lie in different logs."""

    def __init__(self, password=False, tls=False, host="127.0.0.1", beside=None, tokens=()):
        self.password, self.tls, self.host, self.tokens = password, tls, host, tokens
        self.port, self.storage, self.ssl_storage, self.jmx = (fetch.free_port() for _ in range(4))
        self.seed = f"{beside.host}:{beside.storage}" if beside else f"{host}:{self.storage}"
        self.ring_delay_ms = 20000 if beside else 100  # so long others have to answer
        self.address = f"{host}:{self.port}"
        self.folder, self.process, self.lives, self.starts = None, None, contextlib.ExitStack(), 0

    @property
    def ca_file(self):
        return self.folder / "ca.pem"

    def settle(self, home):
        """Puts down all that it is told at a start."""
        self.folder = pathlib.Path(home) / f"cassandra-{self.host}"
        self.jars = fetch.jars(f"cassandra-{VERSION}", PACKAGES)
        conf = self.folder / "conf"
        conf.mkdir(parents=True)
        lines = ["cluster_name: tape", f"num_tokens: {len(self.tokens) or 1}", "partitioner: org.apache.cassandra.dht.Murmur3Partitioner",
                 *(["commitlog_sync: batch"] if self.tokens else ["commitlog_sync: periodic", "commitlog_sync_period: 1000ms"]),
                 "seed_provider:",
                 "  - class_name: org.apache.cassandra.locator.SimpleSeedProvider",
                 f'    parameters: [ {{ seeds: "{self.seed}" }} ]', f"listen_address: {self.host}", f"rpc_address: {self.host}",
                 "start_native_transport: true", f"native_transport_port: {self.port}", f"storage_port: {self.storage}",
                 f"ssl_storage_port: {self.ssl_storage}", "endpoint_snitch: SimpleSnitch", "auto_bootstrap: false",
                 "read_request_timeout: 60s", "range_request_timeout: 60s", "truncate_request_timeout: 60s",  # on a busy machine, too
                 f"data_file_directories: [ {self.folder}/data/data ]",
                 *(f"{name}_directory: {self.folder}/data/{name}" for name in ("commitlog", "saved_caches", "hints", "cdc_raw"))]
        if self.tokens:
            lines += [f"initial_token: {', '.join(map(str, self.tokens))}"]
        if self.password:
            lines += ["authenticator: PasswordAuthenticator", "authorizer: CassandraAuthorizer"]
        if self.tls:
            self.make_keys()
            lines += ["client_encryption_options:", "  enabled: true", f"  optional: {str(self.tls == 'optional').lower()}",
                      f"  keystore: {self.folder}/keys.p12", "  store_type: PKCS12", f"  keystore_password: {KEYS_PASSWORD}"]
        (conf / "cassandra.yaml").write_text("\n".join(lines) + "\n")
        (conf / "logback.xml").write_text(
            '<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%level %msg%n</pattern>'
            '</encoder></appender><root level="INFO"><appender-ref ref="out"/></root></configuration>')

    def make_keys(self):
        """A certificate that vouches for itself."""
        key = self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={self.host}", "-addext",
                        f"subjectAltName=IP:{self.host}", "-keyout", key, "-out", self.ca_file], check=True, capture_output=True)
        subprocess.run(["openssl", "pkcs12", "-export", "-inkey", key, "-in", self.ca_file, "-out", self.folder / "keys.p12", "-passout",
                        f"pass:{KEYS_PASSWORD}"], check=True, capture_output=True)

    def command(self):
        opened = [word for name in OPENED for word in ("--add-opens", f"{name}=ALL-UNNAMED", "--add-exports", f"{name}=ALL-UNNAMED")]
        jamm = next(self.jars.glob("jamm-*.jar"))
        return ["java", "-Xms512m", "-Xmx512m", "-XX:MaxDirectMemorySize=256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened,
                f"-javaagent:{jamm}", "-Djdk.attach.allowAttachSelf=true", "-Dio.netty.tryReflectionSetAccessible=true",
                f"-Dcassandra.config=file://{self.folder}/conf/cassandra.yaml", f"-Dcassandra.storagedir={self.folder}/data",
                f"-Dlogback.configurationFile={self.folder}/conf/logback.xml", "-Dcassandra-foreground=yes",
                f"-Dcassandra.jmx.local.port={self.jmx}", "-Dcassandra.skip_wait_for_gossip_to_settle=0",
                f"-Dcassandra.ring_delay_ms={self.ring_delay_ms}", "-Dcassandra.superuser_setup_delay_ms=0",
                "-cp", f"{self.folder}/conf:{self.jars}/*",
                "org.apache.cassandra.service.CassandraDaemon"]

    def lets_in(self):
        """Whether it logs the user in, whom a new node makes some time after it serves."""
        def say(opcode, body):
            link.sendall(struct.pack(">BBhBI", 4, 0, 0, opcode, len(body)) + body)
            answer = b""
            while len(answer) < 9 or len(answer) < 9 + struct.unpack(">I", answer[5:9])[0]:
                part = link.recv(4096)
                if not part:
                    return None
                answer += part
            return answer[4]

        startup, authenticate, success = 1, 3, 16
        login = b"\0" + USER.encode() + b"\0" + PASSWORD.encode()
        with contextlib.suppress(OSError), contextlib.ExitStack() as ends:
            link = ends.enter_context(socket.create_connection((self.host, self.port), 10))
            if self.tls:
                link = ends.enter_context(ssl.create_default_context(cafile=self.ca_file).wrap_socket(link, server_hostname=self.host))
            asked = say(startup, b"\0\1\0\x0bCQL_VERSION\0\x053.0.0")
            return asked == authenticate and say(15, struct.pack(">I", len(login)) + login) == success
        return False

    @contextlib.contextmanager
    def alive(self):
        """In a folder of its own; it is there while the block lasts."""
        with tempfile.TemporaryDirectory() as home:
            self.settle(home)
            try:
                self.start()
                yield self
            finally:
                self.lives.close()

    def start(self):
        """Returns when it serves."""
        self.starts += 1
        log = self.folder / f"out.{self.starts}.log"
        self.process = self.lives.enter_context(fetch.running(self.command(), log, STARTED, cwd=self.folder, wait_s=300))
        deadline = time.monotonic() + 120
        while self.password and not self.lets_in():
            assert time.monotonic() < deadline and self.process.poll() is None, "it lets nobody in"
            time.sleep(0.2)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.lives.close()

    def said(self):
        """What it wrote in all its lives."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("out.*.log"))
