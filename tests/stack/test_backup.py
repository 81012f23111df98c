"""Backup from a real Kafka: what was sent is archived, what is missing or damaged is named, and a topic made anew is another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from logverse import instant
from logverse.event import LogEvent
from logverse.kafka import client_config
from logverse.topics import named
from tests.stack.conftest import TopicSet, wait_until
from tests.stack.kept import Kept

pytestmark = [pytest.mark.stack, pytest.mark.proof]


def events(count: int, start: int = 0) -> list[bytes]:
    now = instant.now()
    return [LogEvent(now, now, "http", "web", 9, f"GET /{n} 200", f"u{n:08d}", {}).to_json() for n in range(start, start + count)]


def backup(topics: TopicSet, *arguments: str, check: bool = True) -> dict:
    """What the verb says with -o json."""
    found: dict = json.loads(topics.logverse("backup", *arguments, "-o", "json", check=check).stdout)
    return found


def test_a_backup_is_complete_and_damage_is_named(topics: TopicSet, tmp_path: Path) -> None:
    """Every record once, over two backups; then a flipped bit, by file and row group."""
    target = ("--target", str(tmp_path))
    Kept(topics.settings).put("logs.http", events(3000))
    first = backup(topics, "run", *target)
    Kept(topics.settings).put("logs.http", events(500, start=3000))
    second = backup(topics, "run", *target)

    verdict = backup(topics, "verify", "--no-store", *target)

    assert (first["rows"], second["rows"]) == (3000, 500)
    assert verdict["complete"], verdict
    assert sum(line["archive"] for line in verdict["hours"]) == sum(line["kafka"] for line in verdict["hours"]) == 3500
    victim = max((path for path in tmp_path.rglob("*.parquet")), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[200] ^= 1
    victim.write_bytes(data)
    damaged = backup(topics, "verify", "--archive-only", *target, check=False)
    assert not damaged["complete"]
    assert [(one["file"], one["row_groups"]) for one in damaged["damages"]] == [(victim.relative_to(tmp_path).as_posix(), [0])]


def test_deleted_records_and_a_topic_made_anew(topics: TopicSet, tmp_path: Path) -> None:
    """What Kafka deleted before it was backed up is a gap; a topic of the same name with another id begins at 0, beside the old one."""
    target, name = ("--target", str(tmp_path)), named("logs.http", topics.prefix)
    admin = AdminClient(client_config(topics.settings))
    Kept(topics.settings).put("logs.http", events(400))
    delete_before(admin, name, 30)

    first = backup(topics, "run", *target)

    assert (first["rows"], first["gap_rows"]) == (280, 120)
    admin.delete_topics([name])[name].result(30)
    wait_until(lambda: name not in admin.list_topics(timeout=10).topics, "the topic gone")
    topics.logverse("topics", "create")
    Kept(topics.settings).put("logs.http", events(40, start=1000))
    assert backup(topics, "run", *target)["rows"] == 40
    verdict = backup(topics, "verify", "--no-store", *target)
    assert verdict["complete"], verdict
    assert sum(line["archive"] for line in verdict["hours"]) == 320
    assert sum(line["kafka"] for line in verdict["hours"]) == 40


def delete_before(admin: AdminClient, topic: str, offset: int) -> None:
    """Of each partition the first records."""
    from confluent_kafka import TopicPartition

    places = [TopicPartition(topic, number, offset) for number in range(4)]
    for outcome in admin.delete_records(places).values():
        outcome.result(30)
