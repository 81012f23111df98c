"""The producer on a real Kafka: killed, stopped, and without its topics."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka.admin import AdminClient

from logverse import settings
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import TOPICS, named
from producers.publisher import MAX_BYTES_IN_FLIGHT

from .conftest import Stack, wait_until

pytestmark = pytest.mark.stack

LINES = 150_000


class Logs:
    """A topic set of the test's own, a log file, and producers of it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.prefix, self.file = stack, f"p{uuid.uuid4().hex[:8]}", folder / "access.log"
        self.arguments = ("--topic-prefix", self.prefix, "produce", str(self.file), "--service", "web", "--host", "web-1")

    @property
    def settings(self) -> Settings:
        return settings.load({"home": str(self.stack.home), "topic_prefix": self.prefix}, {})

    def create_topics(self) -> None:
        self.stack.logverse("--topic-prefix", self.prefix, "topics", "create")
        admin = AdminClient(client_config(self.settings))
        wanted = {named(topic, self.prefix) for topic in TOPICS}
        wait_until(lambda: wanted <= set(admin.list_topics(timeout=10).topics), "the topics")

    def write(self, first: int, last: int) -> None:
        with self.file.open("a") as file:
            for n in range(first, last):
                file.write(
                    f'10.0.0.{n % 250} - - [21/Nov/2026:12:00:{n % 60:02d} +0000] "GET /item/{n} HTTP/1.1" 200 {n} "-" "curl/8" 0.01\n'
                )

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(self.stack.home), *self.arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self) -> dict[str, Any]:
        """What `--no-follow` answers: the account."""
        account: dict[str, Any] = json.loads(self.stack.logverse(*self.arguments, "--no-follow", "-o", "json").stdout)
        return account

    def events(self) -> list[dict[str, Any]]:
        found = [orjson.loads(message.value() or b"") for message in read_to_end(self.settings, f"{self.prefix}.logs.http")]
        return [event for event in found if event["log.type"] != "heartbeat"]

    def arrived(self) -> int:
        """Where the checkpoint stands, bytes."""
        path = self.stack.home / "producers" / f"{self.prefix}.web.json"
        texts = orjson.loads(path.read_bytes())["texts"] if path.exists() else {}
        return sum(text["offset"] for text in texts.values())


@pytest.fixture
def logs(stack: Stack, tmp_path: Path) -> Logs:
    return Logs(stack, tmp_path)


def test_kill_9_loses_nothing_and_repeats_only_what_was_in_flight(logs: Logs) -> None:
    """Killed in the middle, the next start sends what was not acknowledged, under the same uids: the set is exact."""
    logs.create_topics()
    logs.write(0, LINES)
    producer = logs.start()
    wait_until(lambda: len(logs.events()) > 0, "the first events")

    producer.kill()
    producer.wait()
    lag = logs.file.stat().st_size - logs.arrived()
    account = logs.finish()

    events = logs.events()
    line_bytes = logs.file.stat().st_size / LINES
    twice = len(events) - LINES
    print(f"lag at the kill {lag:,} bytes; {twice:,} of {LINES:,} events sent twice, {twice * line_bytes:,.0f} bytes of log")
    assert lag > 0
    assert {event["log.record.uid"] for event in events} == expected_uids(logs, events)
    assert len({(event["log.record.uid"], event["body"]) for event in events}) == LINES
    assert 0 <= twice <= account["events"]
    assert twice * 450 <= MAX_BYTES_IN_FLIGHT + 1.5 * 60_000 * 450  # what was in flight, and a second between two checkpoints


def expected_uids(logs: Logs, events: list[dict[str, Any]]) -> set[str]:
    """A reader of its own: one uid for each line, made of its byte offset."""
    text = events[0]["log.record.uid"].partition("-")[0]
    uids, offset = set(), 0
    with logs.file.open("rb") as file:
        for line in file:
            uids.add(f"{text}-{offset}")
            offset += len(line)
    return uids


def test_sigterm_leaves_nothing_to_send(logs: Logs) -> None:
    """SIGTERM waits for acknowledgements, saves the checkpoint and ends with exit code 0; the next start has nothing to do."""
    logs.create_topics()
    logs.write(0, 20_000)
    producer = logs.start()
    wait_until(lambda: logs.arrived() > 0, "the first acknowledgements")

    producer.send_signal(signal.SIGTERM)
    said = producer.communicate(timeout=60)[0]
    before = len(logs.events())
    account = logs.finish()

    assert producer.returncode == 0, said
    assert before + account["events"] == 20_000
    assert len(logs.events()) == 20_000


def test_garbage_is_in_the_dead_letters(logs: Logs) -> None:
    """Lines that are none arrive on logs.dlq with reason and place; the account, the topics and the file agree."""
    logs.create_topics()
    logs.write(0, 95)
    with logs.file.open("ab") as file:
        file.write(b"\xff\xfe garbage\n" * 5)

    account = logs.finish()

    letters = [orjson.loads(message.value() or b"") for message in read_to_end(logs.settings, f"{logs.prefix}.logs.dlq")]
    assert (account["events"], account["dead_letters"]) == (95, {"not an access log line": 5})
    assert len(logs.events()) == 95
    assert [letter["origin"]["file"] for letter in letters] == [str(logs.file)] * 5


def test_last_heartbeats_are_on_every_partition(logs: Logs) -> None:
    """Without following, each partition of each log topic ends with a heartbeat: the job's last windows close."""
    logs.create_topics()
    logs.write(0, 1000)

    logs.finish()

    for topic in ("logs.http", "logs.error", "logs.activity"):
        last = {message.partition(): message.value() for message in read_to_end(logs.settings, f"{logs.prefix}.{topic}")}
        assert sorted(last) == [0, 1, 2, 3]
        assert {orjson.loads(value or b"")["log.type"] for value in last.values()} == {"heartbeat"}


def test_missing_topics_are_named_with_the_way_out(logs: Logs) -> None:
    """A producer creates no topics: it says which are missing and how to have them."""
    logs.write(0, 1)

    done = logs.stack.logverse(*logs.arguments, "--no-follow", check=False)

    assert done.returncode == 2
    assert f"{logs.prefix}.logs.http" in done.stderr
    assert "logverse topics create" in done.stderr
