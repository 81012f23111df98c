"""The history job on real servers: what is in the store is what a plain reader finds in the file, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Producer

from flink_jobs.history_lag_reading import lags
from logverse.alert import Alert, Explanation
from logverse.errors import TryAgain
from logverse.kafka import client_config
from logverse.topics import TOPICS, named
from storage.cassandra.store import opened
from storage.store import Selection

from .conftest import Stack, TopicSet, wait_until
from .plain_reader import real_log

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

ALERT = Alert(
    "5xx", "frequency", "firing", "critical", {"service.name": "web"}, 1_790_000_000_000, 1_790_000_000_000,
    Explanation("too much", 1.0, 0.5, ">", "%", 1, 1),
)  # fmt: skip


@pytest.fixture
def kept(topics: TopicSet) -> Iterator[TopicSet]:
    """Topics of its own, with the history job on them."""
    topics.logverse("schema", "migrate")
    topics.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    try:
        yield topics
    finally:
        topics.logverse("job", "stop", "history", "--no-savepoint", check=False)


def test_the_rows_are_the_files_lines_however_often_they_are_sent(kept: TopicSet, tmp_path: Path) -> None:
    """Every line once, garbage in Kafka in logs.dlq with its place, alerts beside them; sent again, nothing changes."""
    lines = real_log("apache").splitlines()[:4_000]
    log = tmp_path / "apache.log"
    log.write_bytes(b"\n".join(lines) + b"\n")
    rubbish = garbage(kept, 200)
    put(kept, "alerts", [ALERT.to_json(), b"no alert"])

    produce(kept, log, tmp_path / "first.json")
    wait_until(lambda: len(rows(kept)) >= len(lines), "the lines in the store")
    first = rows(kept)
    produce(kept, log, tmp_path / "second.json")
    wait_until(lambda: behind(kept) == 0, "the second sending read")

    assert Counter(body for _, body in first) == Counter(sha256(line).hexdigest() for line in lines)
    assert len({uid for uid, _ in first}) == len(lines)
    assert sorted(rows(kept)) == sorted(first)
    wait_until(lambda: len(letters(kept)) >= len(rubbish) + 1, "the dead letters")
    found = Counter(letter["sha256"] for letter in letters(kept).values())
    assert found == Counter([*rubbish, sha256(b"no alert").hexdigest()])
    with closing(opened(kept.settings)) as store:
        assert [one.transition_id for one in store.timeline(ALERT.id)] == [ALERT.transition_id]


def test_a_store_that_dies_costs_nothing(stack: Stack, kept: TopicSet, tmp_path: Path) -> None:
    """Killed while there is work to do, and back: the same rows, and the job has not failed once."""
    lines = real_log("nginx").splitlines()[:10_000]
    log = tmp_path / "nginx.log"
    log.write_bytes(b"\n".join(lines) + b"\n")
    put(kept, "logs.http", [event("first")])
    wait_until(lambda: rows(kept, "before"), "the first row")

    with stopped(stack):
        produce(kept, log, tmp_path / "checkpoint.json")
        wait_until(lambda: behind(kept) > 0, "something to wait for")
        os.kill(stack.process("cassandra")["pid"], signal.SIGKILL)
    stack.wait_ready()
    wait_until(lambda: len(rows(kept)) >= len(lines), "the lines in the store", timeout=300)

    facts = status(kept)
    assert Counter(body for _, body in rows(kept)) == Counter(sha256(line).hexdigest() for line in lines)
    assert (facts["state"], facts["failures"]) == ("RUNNING", 0)


def test_a_job_that_waits_for_its_store_can_be_stopped(stack: Stack, kept: TopicSet) -> None:
    """Cancelled within a minute: Flink kills a TaskManager, with all that runs there, whose tasks do not end."""
    taskmanager = stack.process("taskmanager")["pid"]
    put(kept, "logs.http", [event("first")])
    wait_until(lambda: rows(kept, "before"), "the first row")

    with stopped(stack):
        put(kept, "logs.http", [event(str(number)) for number in range(100)])
        wait_until(lambda: behind(kept) > 0, "something to wait for")
        kept.logverse("job", "stop", "history", "--no-savepoint")
        wait_until(lambda: status(kept)["state"] == "CANCELED", "the job's end", timeout=60)

    stack.wait_ready()
    assert stack.process("taskmanager")["pid"] == taskmanager


@contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """Cassandra does not answer meanwhile."""
    process = stack.process("cassandra")["pid"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def produce(topics: TopicSet, log: Path, checkpoint: Path) -> None:
    topics.logverse("produce", str(log), "--service", "web", "--no-follow", "--checkpoint", str(checkpoint))


def put(topics: TopicSet, topic: str, values: list[bytes]) -> None:
    """Records as they are, over all partitions."""
    producer = Producer(client_config(topics.settings))
    for number, value in enumerate(values):
        producer.produce(named(topic, topics.prefix), value, partition=number % TOPICS[topic].partitions)
    assert producer.flush(30) == 0


def garbage(topics: TopicSet, count: int) -> list[str]:
    """The sha256 of each record of garbage that was put on the log topics."""
    random = Random(3)
    made = [random.randbytes(random.randrange(1, 300)) for _ in range(count - 3)] + [b"", b'{"log.type":"http"}', b"[" * 100_000]
    for place, topic in enumerate(("logs.http", "logs.error", "logs.activity")):
        put(topics, topic, made[place::3])
    return [sha256(one).hexdigest() for one in made]


def event(uid: str) -> bytes:
    return json.dumps({"log.type": "http", "service.name": "before", "body": "x", "log.record.uid": uid}).encode()


def rows(topics: TopicSet, service: str = "web") -> list[tuple[str, str]]:
    """The uid and the sha256 of the body of each http event of the service."""
    try:
        with closing(opened(topics.settings)) as store:
            found = list(store.events(Selection("http", service, 0, 4_000_000_000_000), page=5_000))
    except TryAgain:
        return []
    return [(row.uid, sha256(json.loads(row.record)["body"].encode()).hexdigest()) for row in found]


def behind(topics: TopicSet) -> int:
    return sum(lag.records for lag in lags(topics.settings))


def letters(topics: TopicSet) -> dict[str, dict[str, Any]]:
    """The history job's, by id."""
    return {letter["id"]: letter for letter in topics.read("logs.dlq") if "topic" in letter["origin"]}


def status(topics: TopicSet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(topics.logverse("job", "status", "history", "-o", "json", check=False).stdout)
    return found
