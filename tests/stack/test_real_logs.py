"""Real logs through producer, Kafka and Flink: every line is counted in its second, once, however late it came."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Producer

from logverse import instant
from logverse.event import heartbeat
from logverse.kafka import client_config
from logverse.summary import DIMENSIONS
from logverse.topics import TOPICS, named

from .conftest import TopicSet, wait_until
from .plain_reader import real_log, seconds

pytestmark = pytest.mark.stack

LOGS = ["apache", pytest.param("nginx", marks=pytest.mark.proof)]

Counts = Counter[tuple[str, int]]  # by service and second (milliseconds UTC)


@pytest.mark.parametrize("name", LOGS)
def test_every_second_has_its_lines_and_garbage_is_kept_aside(topics: TopicSet, tmp_path: Path, name: str) -> None:
    """With 60 s delay nothing of a minute-ordered log is late; five percent of garbage changes no count and is in logs.dlq."""
    lines = real_log(name).splitlines()
    mixed, garbage = with_garbage(lines, tmp_path / f"{name}.log")

    with topics.job("--watermark-delay", "60s"):
        account = produce(topics, mixed, name)
        wait_until(lambda: sum(counted(topics, late=False).values()) >= len(lines), "all lines in the summaries")
        on_time, late, too_late = counted(topics, late=False), counted(topics, late=True), topics.read("logs.late")
        letters = topics.read("logs.dlq")

    print(f"{name}: {len(lines):,} lines in {len(on_time):,} seconds, {len(letters):,} dead letters")
    assert (late, too_late) == (Counter(), [])
    assert on_time == of_service(name, seconds(lines))
    assert account["events"] == len(lines)
    assert sorted((letter["origin"]["offset"], letter["sha256"]) for letter in letters) == sorted(garbage)
    assert {letter["reason"] for letter in letters} == {"not an access log line", "line too long"}


@pytest.mark.proof
@pytest.mark.parametrize("name", LOGS)
def test_on_time_and_late_and_too_late_are_all(topics: TopicSet, tmp_path: Path, name: str) -> None:
    """With 1 s delay lines may be late, minutes behind they are late, and hours behind too late: together they are all."""
    lines = real_log(name).splitlines()
    log, laggard, straggler = (tmp_path / f"{service}.log" for service in (name, "laggard", "straggler"))
    log.write_bytes(b"\n".join(lines) + b"\n")
    straggler.write_bytes(b"\n".join(lines[:500]) + b"\n")

    with topics.job("--watermark-delay", "1s"):
        produce(topics, log, name)  # its last heartbeat says "now": that is where event time stands for the two below
        wait_until(lambda: counted_all(topics).total() >= len(lines), "all lines of the log")
        behind = [at_time(line, instant.now() - 300_000 + number) for number, line in enumerate(lines[:500])]
        laggard.write_bytes(b"\n".join(behind) + b"\n")
        produce(topics, laggard, "laggard")
        produce(topics, straggler, "straggler")
        wait_until(lambda: counted_all(topics).total() >= len(lines) + 1000, "the laggard's and the straggler's")
        on_time, late, too_late = counted(topics, late=False), counted(topics, late=True), gone(topics)

    print(f"{name}: {on_time.total():,} on time, {late.total():,} late, {too_late.total():,} too late")
    assert on_time + late - of_service("laggard", seconds(behind)) == of_service(name, seconds(lines))
    assert {key: count for key, count in late.items() if key[0] == "laggard"} == of_service("laggard", seconds(behind))
    assert too_late == of_service("straggler", seconds(lines[:500]))
    assert on_time.total()


def at_time(line: bytes, at: int) -> bytes:
    """The line with another time between its brackets."""
    stamp = datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%d/%b/%Y:%H:%M:%S %z")
    return line[: line.index(b"[") + 1] + stamp.encode() + line[line.index(b"]") :]


def produce(topics: TopicSet, log: Path, service: str) -> dict[str, Any]:
    """Sends a file while the other log types' sources are up to date: event time follows this file alone. Answers the account."""
    producer = Producer(client_config(topics.settings))
    for topic in ("logs.error", "logs.activity"):
        for partition in range(TOPICS[topic].partitions):
            producer.produce(named(topic, topics.prefix), heartbeat(instant.now(), "elsewhere"), partition=partition)
    assert producer.flush(30) == 0
    done = topics.logverse("produce", str(log), "--service", service, "--no-follow", "-o", "json")
    account: dict[str, Any] = json.loads(done.stdout)
    return account


def counted(topics: TopicSet, late: bool) -> Counts:
    """What the summaries of lines on time, or of late ones, add up to."""
    counts: Counts = Counter()
    for row in topics.read("summaries"):
        if row["late"] == late:
            counts[row["service.name"], row["second"]] += sum(item[len(DIMENSIONS)] for item in row["items"])
    return counts


def gone(topics: TopicSet) -> Counts:
    """What is on logs.late, each a record of its own."""
    return Counter(
        (record["service.name"], int(datetime.fromisoformat(record["timestamp"]).timestamp()) * 1000) for record in topics.read("logs.late")
    )


def counted_all(topics: TopicSet) -> Counts:
    return counted(topics, late=False) + counted(topics, late=True) + gone(topics)


def of_service(service: str, lines: Counter[int]) -> Counts:
    return Counter({(service, second): count for second, count in lines.items()})


def with_garbage(lines: list[bytes], path: Path) -> tuple[Path, list[tuple[int, str]]]:
    """A file of these lines with one of garbage for every twenty, and where that stands: byte offset and sha256."""
    random, offset, garbage = Random(3), 0, []
    with path.open("wb") as file:
        for number, line in enumerate(lines):
            if number % 20 == random.randrange(20) or number == 100:
                rubbish = bytes(2_000_000) if number == 100 else a_line_of_garbage(random, line)
                garbage.append((offset, sha256(rubbish).hexdigest()))
                offset += file.write(rubbish + b"\n")
            offset += file.write(line + b"\n")
    return path, garbage


def a_line_of_garbage(random: Random, line: bytes) -> bytes:
    """Bytes, half a line, another format, and what an attacker might try."""
    return random.choice([
        b"\x16\x03\x01" + bytes(byte for byte in random.randbytes(random.randrange(1, 200)) if byte not in b"\r\n"),
        line[: line.index(b"]") - random.randrange(1, 20)],
        b'{"timestamp": "2026-11-21T10:00:00Z", "message": %d}' % random.randrange(1000),
        b'<script>alert(1)</script>\x1b[2J"; DROP TABLE events; -- %d' % random.randrange(1000),
    ])  # fmt: skip
