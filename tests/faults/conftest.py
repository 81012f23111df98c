"""A stack to be killed piece by piece, with traffic, rules, a job and somebody who is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from logverse import instant
from logverse.alert import Alert
from logverse.flink import JobManager
from logverse.instant import Millis
from logverse.kafka import client_config
from logverse.topic_reader import read_to_end
from logverse.topics import TOPICS
from tests.alerting.stand_ins import HttpServer
from tests.stack.conftest import Stack

RULES = Path(__file__).with_name("rules.yaml")
RATE = 300  # requests per second
FAULTS = ("10s+35s", "60s+8s")  # the first rings when the victim is killed, the second when it is back, or still dead
LASTS_S = 80  # at least


@dataclass(frozen=True)
class World:
    """The stack, and the webhook that its alert sink tells."""

    stack: Stack
    http: HttpServer

    def service(self, name: str, folder: Path) -> Service:
        """Traffic of a new service from now on: its log, who writes it, and a producer that the supervisor keeps."""
        ends = instant.now() + LASTS_S * 1000
        faults = [part for fault in FAULTS for part in ("--fault", f"error-burst:{name}@{fault}=60%")]
        command = [sys.executable, "-m", "logverse.cli.main", "simulate", str(folder / "logs"), "--service", name, "--rate", str(RATE)]
        writer = subprocess.Popen([*command, "--live", *faults], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = folder / "logs" / name / "access.log"
        self.stack.logverse("produce", str(log), "--service", name, "--host", "here", "--detach")
        return Service(self, name, log, writer, ends)

    def alerts(self, service: str) -> list[Alert]:
        """Every transition that was written about this service, repeats too."""
        found = (Alert.from_json(message.value() or b"") for message in read_to_end(self.stack.settings, "alerts", timeout_s=60))
        return [alert for alert in found if alert.group["service.name"] == service]

    def read(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(message.value()) for message in read_to_end(self.stack.settings, topic, timeout_s=60)]

    def checkpoints(self) -> int:
        """How many of them the job that runs now has completed."""
        cluster = JobManager.of(self.stack.settings)
        return sum(int(cluster.checkpoints(job["jid"])["counts"]["completed"]) for job in cluster.jobs() if job["state"] == "RUNNING")

    def end_of(self, topic: str) -> int:
        """Records on the topic so far."""
        consumer = Consumer(client_config(self.stack.settings, group_id="ends"))
        try:
            partitions = range(TOPICS[topic].partitions)
            return sum(consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1] for n in partitions)
        finally:
            consumer.close()

    def not_checkpointed(self) -> int:
        """Records of the log topic that the job would have to read again."""
        wanted = ConsumerGroupTopicPartitions("detect", [TopicPartition("logs.http", n) for n in range(TOPICS["logs.http"].partitions)])
        admin = AdminClient(client_config(self.stack.settings))
        found = admin.list_consumer_group_offsets([wanted])["detect"].result(timeout=10)
        return self.end_of("logs.http") - sum(max(0, spot.offset) for spot in found.topic_partitions)


@dataclass(frozen=True)
class Service:
    """A service whose log is being written and produced."""

    world: World
    name: str
    log: Path
    writer: subprocess.Popen[bytes]
    ends: Millis

    @property
    def producer(self) -> str:
        """What `logverse status` calls its producer."""
        return f"produce-{self.name}"

    def acknowledged(self) -> int:
        """Bytes of the log that the producer's checkpoint has passed."""
        path = self.world.stack.home / "producers" / f"{self.name}.json"
        texts = json.loads(path.read_bytes())["texts"].values() if path.exists() else ()
        return sum(text["offset"] for text in texts)

    def in_flight(self) -> int:
        """Bytes of the log that are not known to have arrived."""
        return (self.log.stat().st_size if self.log.exists() else 0) - self.acknowledged()

    def write_to_the_end(self) -> None:
        """Until both incidents are over; the log is whole then."""
        while instant.now() < self.ends:
            time.sleep(0.2)
        self.writer.terminate()
        self.writer.wait(60)

    def end(self) -> None:
        (self.world.stack.home / "services" / f"{self.producer}.json").unlink(missing_ok=True)
        self.writer.kill()
        self.writer.wait()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack of its own: it is killed piece by piece, and its alert sink must know the webhook from the start."""
    stack = Stack(tmp_path_factory.mktemp("f"))
    with HttpServer().serving() as http:
        receiver = {"name": "ops", "webhook_configs": [{"url": http.url, "send_resolved": True}]}
        (stack.home / "alerting.yaml").write_text(json.dumps({"route": {"receiver": "ops"}, "receivers": [receiver]}))
        try:
            stack.logverse("up")
            stack.logverse("rules", "apply", str(RULES))
            stack.logverse("job", "submit", "detect", "--parallelism", "1", "--checkpoint-interval", "2s")
            yield World(stack, http)
        finally:
            stack.logverse("down", check=False)
