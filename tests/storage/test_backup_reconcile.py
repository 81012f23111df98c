"""Kafka, archive and store are told apart by distinct uid per event hour and type: nothing that is missing anywhere stays unnamed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from flink_jobs.judging import Judge
from storage.account import Account
from storage.backup.joined import Joined
from storage.backup.reconcile import Marking, compared, reconciled
from storage.memory import MemoryStore
from storage.rows import StoredEvent
from tests.storage.backup_world import HOUR, NOON, World, event

EVER = (0, NOON * 2)


@dataclass
class Whole(World):
    """With a store: what was put into Kafka is in it, unless a test leaves it out."""

    store: MemoryStore = field(default_factory=MemoryStore)
    passed: int = 10**9  # by the history job

    def put(self, uid, at=NOON, appended=None, stored=True, topic="logs.http", partition=0, **more):
        value = event(uid, at, log_type=topic.removeprefix("logs."), **more)
        self.topics[topic, partition].put(value, appended or at)
        if stored:
            self.store.save_events([StoredEvent(*Judge({}).event("t", 0, 0, 0, value))])

    def reconciled(self, archive=None, keeps=lambda *_: True, letters=None, expires=0, store=True, most=10**6):
        archive = archive or self.archive()
        joined = Joined(self.topics, self.target, archive, ["logs.http", "logs.error"], passed=lambda _: self.passed)
        ids = {self.topics.id_of(topic): topic for topic in ("logs.http", "logs.error")}
        ids |= {span.topic_id: span.topic for spans in archive.spans().values() for span in spans}
        marking = Marking(Judge({}), joined, ids, most)
        expiring = dict.fromkeys(ids, expires)
        account = Account(marking, keeps, self.store, letters or {}, expires=expiring, by_event=True) if store else None
        return reconciled(joined, marking, account, ids, *EVER)


@pytest.fixture
def world(tmp_path):
    return Whole(tmp_path)


def lines(found):
    return [(line.topic, (line.hour - NOON) // HOUR, line.kafka, line.archive, line.missing, line.waiting) for line in found.lines]


def test_all_is_where_it_must_be(world):
    """By event hour and type; sent twice it is one uid; heartbeats are no events."""
    for uid, at in (("a", NOON), ("b", NOON + HOUR), ("b", NOON + HOUR)):
        world.put(uid, at)
    world.put("e", topic="logs.error")
    world.topics["logs.http", 0].put(b'{"log.type":"heartbeat","service.name":"web","timestamp":"2023-11-15T00:00:00.000Z"}')
    world.backup().run()

    found = world.reconciled()

    assert lines(found) == [("logs.error", 0, 1, 1, 0, 0), ("logs.http", 0, 1, 1, 0, 0), ("logs.http", 1, 1, 1, 0, 0)]
    assert (found.of_store("stored"), found.of_store("repeated"), found.of_store("missing")) == (3, 1, 0)
    assert (found.of_records("both"), found.of_records("missing"), found.of_records("altered")) == (5, 0, 0)


def test_what_kafka_has_deleted_is_compared_with_the_store(world):
    """The archive is then all there is; so it is of a topic that was deleted."""
    world.put("a")
    world.put("b", stored=False)
    world.backup().run()
    world.topics["logs.http", 0].delete_before(1)
    world.topics.recreate("logs.http")
    world.put("c")
    world.backup().run()

    found = world.reconciled()

    assert lines(found) == [("logs.http", 0, 1, 3, 0, 0)]
    assert found.of_store("missing") == 1
    assert found.of_records("only_archive") == 2


def test_a_record_that_the_archive_should_have_is_missing(world):
    """A manifest that promises a range and a file that lacks one of its records: named by hour and type."""
    world.put("a")
    world.put("b", NOON + HOUR)
    kept = world.topics["logs.http", 0].records.pop(1)
    world.backup().run()
    world.topics["logs.http", 0].records[1] = kept

    found = world.reconciled()

    assert lines(found) == [("logs.http", 0, 1, 1, 0, 0), ("logs.http", 1, 1, 0, 1, 0)]
    assert found.of_records("missing") == 1


def test_a_range_that_was_called_empty_and_is_not(world):
    """Missing as well."""
    world.topics["logs.http", 0].hole()
    world.backup().run()
    world.topics["logs.http", 0].records[0] = (NOON, None, event("a"), None)

    assert world.reconciled(store=False).of_records("missing") == 1


def test_what_is_not_backed_up_yet_waits(world):
    """It is in no manifest, and so not missing."""
    world.put("a")
    world.backup().run()
    world.put("b")

    found = world.reconciled()

    assert lines(found) == [("logs.http", 0, 2, 1, 0, 1)]
    assert found.of_store("stored") == 2


def test_altered_bytes_are_told(world):
    """The same place, and another record: an archive of another Kafka, or one that lost records and gave their offsets away."""
    world.put("a")
    world.backup().run()
    world.topics["logs.http", 0].records[0] = (NOON, None, event("x"), None)

    found = world.reconciled(store=False)

    assert found.of_records("altered") == 1
    assert lines(found) == [("logs.http", 0, 1, 1, 0, 0)]


def test_policy_dead_letters_and_expired_rows_are_no_loss(world):
    """Each in its count; what the history job has not come to is pending."""
    for uid in ("policy", "letter", "lost"):
        world.put(uid, stored=False)
    world.put("expired", NOON - 5 * HOUR, stored=False)
    world.topics["logs.http", 0].put(b"not JSON")
    world.put("pending", stored=False)
    world.backup().run()
    world.passed = 5
    topic_id = world.topics.id_of("logs.http")
    letters = {(topic_id, 0, 1): "refused by the store", (topic_id, 0, 4): "not JSON"}

    found = world.reconciled(keeps=lambda *given: given[4] != "policy", letters=letters, expires=NOON - HOUR)

    counts = {name: found.of_store(name) for name in ("by_policy", "expired", "pending", "missing", "stored")}
    assert counts == {"by_policy": 1, "expired": 1, "pending": 1, "missing": 1, "stored": 0}
    assert sum(sum(line.entry.dead_letters.values()) for line in found.lines) == 2


def test_more_uids_than_memory_are_told(world):
    """What is repeated after that counts again; nothing that is missing is hidden by it."""
    for number in range(20):
        world.put(f"u{number % 10}")
    world.backup().run()

    found = world.reconciled(most=5)

    assert found.recounted
    assert found.sum("archive") >= 10


def test_other_topics_are_compared_by_their_records(world):
    """Rules and silences have no uid: place and bytes."""
    world.topics["rules", 0].put(b"{}", key=b"a")
    world.topics["rules", 0].put(b"{}", key=b"b")
    world.backup().run()
    world.topics["rules", 0].records.pop(0)
    world.topics["rules", 0].put(b"{}", key=b"c")

    (tally,) = compared(Joined(world.topics, world.target, world.archive(), ["rules"]), *EVER).values()

    assert (tally.both, tally.only_archive, tally.waiting, tally.missing) == (1, 1, 1, 0)
