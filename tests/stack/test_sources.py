"""Sources that are no files, on a real Kafka: a pipe, another's topic over a kill, listeners of a producers.yaml, status."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from logverse import settings
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import TOPICS, named

from .conftest import Stack, wait_until

pytestmark = pytest.mark.stack

RECORDS = 60_000
LOGS = ("logs.http", "logs.error", "logs.activity")


class Desk:
    """A topic set of the test's own, and producers that write to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.prefix = stack, f"s{uuid.uuid4().hex[:8]}"
        self.started = list[subprocess.Popen[str]]()
        stack.logverse("--topic-prefix", self.prefix, "topics", "create")
        self.admin = AdminClient(client_config(self.settings))
        wait_until(lambda: {named(topic, self.prefix) for topic in TOPICS} <= set(self.admin.list_topics(timeout=10).topics), "the topics")

    @property
    def settings(self) -> Settings:
        return settings.load({"home": str(self.stack.home), "topic_prefix": self.prefix}, {})

    def command(self, *arguments: str) -> list[str]:
        flags = ["--home", str(self.stack.home), "--topic-prefix", self.prefix]
        return [sys.executable, "-m", "logverse.cli.main", *flags, "produce", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.started.append(process)
        return process

    def events(self) -> list[dict[str, Any]]:
        found = [orjson.loads(message.value() or b"") for topic in LOGS for message in read_to_end(self.settings, f"{self.prefix}.{topic}")]
        return [event for event in found if event["log.type"] != "heartbeat"]

    def bodies(self) -> list[str]:
        return sorted(event["body"] for event in self.events())

    def status(self) -> dict[str, dict[str, Any]]:
        """What each input of this test says of itself, its producer's state beside it."""
        done = subprocess.run(self.command("status", "-o", "json"), capture_output=True, text=True, timeout=60, check=True)
        found = [one for one in json.loads(done.stdout) if one["name"].startswith(self.prefix)]
        return {one["input"]: one | {"state": producer["state"]} for producer in found for one in producer["inputs"]}


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    desk = Desk(stack)
    yield desk
    for process in desk.started:
        process.kill()
        process.wait()


def test_pipe_is_read_to_its_end(desk: Desk) -> None:
    """`… | logverse produce -` sends every line and ends with the pipe."""
    lines = [f"line {n}" for n in range(50_000)]

    done = subprocess.run(
        desk.command("-", "--service", "web", "--type", "plain"), input="\n".join(lines), capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert desk.bodies() == sorted(lines)


def test_topic_of_others_over_a_kill(desk: Desk) -> None:
    """Killed in the middle, the next start goes on from what was committed: every record is an event, under one uid however often sent."""
    topic, group = f"{desk.prefix}-app", f"logverse-{desk.prefix}"
    desk.admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(30)
    sender = Producer(client_config(desk.settings))

    def send(numbers: Iterable[int]) -> None:
        for n in numbers:
            sender.produce(topic, orjson.dumps({"message": f"record {n}", "level": "error"}), partition=n % 3)
            sender.poll(0)
        sender.flush(60)

    send(range(RECORDS // 2))
    arguments = (f"kafka://{topic}", "--service", "app", "--group", group)
    first = desk.start(*arguments)
    wait_until(lambda: len(desk.events()) > 0, "the first events")
    first.kill()
    first.wait()

    second = desk.start(*arguments)
    send(range(RECORDS // 2, RECORDS))  # the first one may have been quick enough to leave nothing
    wait_until(lambda: len(set(desk.bodies())) == RECORDS, "all of them")
    second.send_signal(signal.SIGTERM)
    said = second.communicate(timeout=60)[0]

    events = desk.events()
    committed = Consumer(client_config(desk.settings, group_id=group)).committed([TopicPartition(topic, n) for n in range(3)], 30)
    print(f"{len(events) - RECORDS:,} of {RECORDS:,} records sent twice")
    assert second.returncode == 0, said
    assert len({event["log.record.uid"] for event in events}) == RECORDS
    assert sum(partition.offset for partition in committed) == RECORDS


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_listeners_of_one_file(desk: Desk, tmp_path: Path) -> None:
    """One producer with syslog and OTLP: what is answered with 200 is on Kafka; an input added later begins; the status tells of all."""
    syslog, otlp = free_port(), free_port()
    config = tmp_path / "net.yaml"
    inputs = f"inputs:\n  hosts: {{read: 'syslog://127.0.0.1:{syslog}'}}\n  apps: {{read: 'otlp://127.0.0.1:{otlp}'}}\n"
    config.write_text(inputs)
    producer = desk.start("--config", str(config))
    wait_until(lambda: len(desk.status()) == 2, "both inputs")

    with socket.create_connection(("127.0.0.1", syslog), timeout=20) as sender:
        sender.sendall(b"<11>1 2026-11-21T12:00:00Z web-1 app 7 - - over tcp\n")
    record = {"timeUnixNano": "1795262400000000000", "body": {"stringValue": "over otlp"}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{otlp}/v1/logs", body, {"Content-Type": "application/json"})
    answered = urllib.request.urlopen(request, timeout=20).status
    at_once = desk.bodies()
    (tmp_path / "a.log").write_text("from a file\n")
    config.write_text(inputs + "  files: {read: a.log, type: plain}\n")
    wait_until(lambda: desk.bodies() == ["from a file", "over otlp", "over tcp"], "all three")
    wait_until(lambda: desk.status().get("files", {}).get("lines") == 1, "the new input's status")
    producer.send_signal(signal.SIGTERM)
    said = producer.communicate(timeout=60)[0]

    assert answered == 200
    assert "over otlp" in at_once
    assert producer.returncode == 0, said
    assert {one["state"] for one in desk.status().values()} == {"ended"}
    assert not any(one["lost"] for one in desk.status().values())
