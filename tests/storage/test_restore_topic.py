"""Restoring into topics: each record once, whoever writes there too and wherever it was killed; Kafka is not asked for every row group."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace as Plain

import pytest

from logverse.settings import Settings
from storage.backup import restore_topic
from storage.backup.restore import Restore
from storage.backup.restore_choice import Choice, estimated
from storage.backup.restore_progress import Progress
from storage.backup.restore_topic import HEADER, IntoTopic
from tests.storage.backup_world import NOON, World, event
from tests.storage.restore_world import EVER

CHOICE = Choice(*EVER, ("logs.http",))


class Kafka:
    """A topic of two partitions. `dies`: after so many records that it has taken."""

    def __init__(self):
        self.log, self.waiting, self.asked, self.dies = {0: [], 1: []}, [], 0, None

    def produce(self, topic, value, key, partition, headers, on_delivery):
        if self.dies is not None and sum(map(len, self.log.values())) >= self.dies:
            raise KeyboardInterrupt
        self.log[partition].append((value, headers))
        self.waiting.append((on_delivery, partition, len(self.log[partition]) - 1))

    def poll(self, _):
        for heard, partition, offset in self.waiting:
            heard(None, Plain(partition=lambda p=partition: p, offset=lambda o=offset: o))
        self.waiting = []

    def flush(self, _):
        self.poll(0)
        return 0

    def between(self, topic, *_):
        self.asked += 1
        return {(topic, number): (len(records), len(records)) for number, records in self.log.items()}

    def read(self, ranges):
        for (_, number), (first, end) in ranges.items():
            yield from (Plain(headers=lambda h=headers: h) for _, headers in self.log[number][first:end])

    def close(self):
        pass

    def places(self):
        return Counter(value for records in self.log.values() for _, headers in records for name, value in headers if name == HEADER)


@pytest.fixture
def kafka(monkeypatch):
    made = Kafka()
    monkeypatch.setattr(restore_topic, "client", lambda *_, **__: made)
    monkeypatch.setattr(restore_topic, "TopicRanges", lambda *_: made)
    return made


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    for number in range(1000):
        made.topics["logs.http", number % 2].put(event(f"u{number}"), NOON)
    made.backup().run()
    return made


def restored(world):
    progress = Progress(world.root / "restores" / "r", {})
    sink = IntoTopic(Settings(bootstrap_servers="a:1"), lambda record: record.value, progress)
    return Restore(world.target, estimated(world.archive(), CHOICE), CHOICE, sink, progress).run()


def test_each_record_once_in_its_partition(world, kafka):
    """With where it was; Kafka is asked once where its topic ends, and not for each of ten row groups."""
    assert restored(world) == {"records": 1000}

    assert set(kafka.places().values()) == {1}
    assert [value for value, _ in kafka.log[1]] == [event(f"u{number}") for number in range(1, 1000, 2)]
    assert kafka.asked == 1


@pytest.mark.parametrize("dies", [0, 50, 100, 337, 999])
def test_killed_at_any_record(world, kafka, dies):
    """What was there is looked up, behind the end that was written down before, though others have written there meanwhile."""
    kafka.dies = dies
    with pytest.raises(KeyboardInterrupt):
        restored(world)
    kafka.dies = None
    for _ in range(40):
        kafka.log[0].append((b"another's", []))

    assert restored(world) == {"records": 1000}

    assert set(kafka.places().values()) == {1}
    assert len(kafka.places()) == 1000
