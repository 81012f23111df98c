"""Kafka, one process that is broker and controller (KRaft)."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode

from deploy.local import jars, ports
from deploy.local.home import Home
from deploy.local.java import java_home
from deploy.local.server import Server
from logverse.errors import Refused, TryAgain

HEAP = "512m"

# One node: every internal topic has one copy, and few partitions because each costs start-up time.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
log.segment.bytes=134217728
log.cleaner.dedupe.buffer.size=33554432
"""

# To standard output: the supervisor puts it into logs/kafka.log and keeps that small.
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %m (%c{1})%n%throwable{20}
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.quiet.name = org.apache.kafka.common.config.AbstractConfig
logger.quiet.level = warn
"""


def prepare(home: Home) -> None:
    """Write the configuration for the ports of today, and format the data folder the first time."""
    conf, data = home / "conf" / "kafka", home / "data" / "kafka"
    conf.mkdir(exist_ok=True)
    properties = PROPERTIES.format(broker=home.port("kafka"), controller=home.port("kafka-controller"), data=data)
    (conf / "server.properties").write_text(properties)
    (conf / "log4j2.properties").write_text(LOGGING)
    if not (data / "meta.properties").exists():
        _format(home)


def command(home: Home) -> list[str]:
    return [*_java(home), f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "kafka.Kafka", _properties(home)]


def ready(home: Home) -> None:
    """Kafka is ready when it lists its topics."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    if not ports.answers(home.port("kafka")):
        raise TryAgain(f"nobody answers at {home.address('kafka')} yet")
    try:
        AdminClient({"bootstrap.servers": home.address("kafka"), "log_level": 0}).list_topics(timeout=2)
    except KafkaException as error:
        raise TryAgain(f"does not list its topics yet: {error.args[0].str()}") from error


def _java(home: Home) -> list[str]:
    class_path = ":".join(str(path) for path in jars.jar_paths("kafka"))
    logging = f"-Dlog4j2.configurationFile={home / 'conf' / 'kafka' / 'log4j2.properties'}"
    tmp = f"-Djava.io.tmpdir={home / 'tmp'}"
    return [str(java_home() / "bin" / "java"), "-XX:-UsePerfData", "-Djava.net.preferIPv4Stack=true", tmp, logging, "-cp", class_path]


def _properties(home: Home) -> str:
    return str(home / "conf" / "kafka" / "server.properties")


def _format(home: Home) -> None:
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    arguments = ["format", "--ignore-formatted", f"--cluster-id={cluster}", "-c", _properties(home)]  # with `=`: it may begin with a dash
    tool = [*_java(home), "-Xmx128m", "kafka.tools.StorageTool", *arguments]
    done = subprocess.run(tool, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Refused(f"Kafka cannot format {home / 'data' / 'kafka'}: {(done.stderr or done.stdout).strip()[-500:]}")


KAFKA = Server(
    name="kafka",
    ports=("kafka", "kafka-controller"),
    address="kafka",
    prepare=prepare,
    command=command,
    ready=ready,
    stop_s=30,  # flushes and closes its segments; killed before that, it reads them all again at the next start
    jars=("kafka",),
)
