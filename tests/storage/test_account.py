"""The account: every record ends in exactly one count, whatever became of it."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logverse.dead_letter import DeadLetter
from logverse.errors import Malformed
from storage.account import HOUR, Account, Appended
from storage.account_letters import OTHER, Places, late, letters
from storage.hashes import PARTS, Hashes
from storage.memory import MemoryStore
from storage.rows import StoredEvent

NOON = 1_700_006_400_000
TOPIC = "logs.http"


class PlainJudge:
    """Reads records like `uid@timestamp`; `beat` is a heartbeat, everything else malformed."""

    def event(self, topic, partition, offset, appended, value):
        if value == b"beat":
            return None
        uid, sign, at = value.decode().partition("@")
        if not sign:
            raise Malformed("no @")
        return ("http", "web", NOON + int(at), uid, 9, 200, None, None, None, None, None, value)


class World:
    """A topic with one partition, a store, and how far the job has read."""

    def __init__(self, *values, at=NOON, step=1000):
        self.records = [Appended(TOPIC, 0, offset, at + step * offset, value.encode()) for offset, value in enumerate(values)]
        self.store, self.passed = MemoryStore(), len(values)

    def between(self, since, until):
        return (record for record in self.records if since <= record.at < until)

    def read_up_to(self, topic, partition):
        return self.passed

    def stored(self, *values):
        rows = [PlainJudge().event(TOPIC, 0, 0, 0, value.encode()) for value in values]
        self.store.save_events([StoredEvent(*row) for row in rows])
        return self

    def account(self, keeps=lambda *_: True, until=NOON + 100 * HOUR, **more):
        self.made = Account(PlainJudge(), keeps, self.store, **more)
        return self.made.of(self, NOON, until)


def counts(entry):
    """The counts that are not zero."""
    found = {name: getattr(entry, name) for name in entry.__slots__ if name not in ("topic", "hour")}
    whole = (
        entry.repeated
        + entry.stored
        + entry.by_policy
        + sum(entry.dead_letters.values())
        + entry.pending
        + entry.expired
        + entry.missing
        + entry.lost
    )
    assert entry.produced == whole, "every record in exactly one count"
    return {name: dict(value) if isinstance(value, dict) else value for name, value in found.items() if value}


def test_all_is_stored():
    """Records whose rows are there are stored; heartbeats are not counted as produced."""
    (entry,) = World("a@0", "beat", "b@1").stored("a@0", "b@1").account()

    assert counts(entry) == {"produced": 2, "stored": 2, "heartbeats": 1}
    assert (entry.topic, entry.hour) == (TOPIC, NOON)


def test_missing_is_found_and_pending_is_not_missing():
    """A row that is not there is missing when the job has passed the record, pending when it has not; one that is there is stored."""
    world = World("a@0", "b@1", "c@2", "d@3").stored("a@0", "d@3")
    world.passed = 2

    (entry,) = world.account()

    assert counts(entry) == {"produced": 4, "stored": 2, "missing": 1, "pending": 1}


def test_repeated_records_are_one_row():
    """What a producer sends again counts once as stored, also in another hour and another chunk."""
    world = World("a@0", "a@0", "b@1", "a@0", "b@1", step=HOUR // 2).stored("a@0", "b@1")

    entries = world.account(chunk=1)

    assert [counts(entry) for entry in entries] == [
        {"produced": 2, "stored": 1, "repeated": 1}, {"produced": 2, "stored": 1, "repeated": 1}, {"produced": 1, "repeated": 1},
    ]  # fmt: skip
    assert not world.made.forgot


def test_what_was_forgotten_is_told():
    """Memory is bounded: what is repeated after more than it holds counts as stored once more, and the account says so."""
    world = World("a@0", "b@1", "c@2", "a@0").stored("a@0", "b@1", "c@2")

    (entry,) = world.account(chunk=1, remembered=2)

    assert counts(entry) == {"produced": 4, "stored": 4}
    assert world.made.forgot


def test_repetition_of_a_lost_record_is_not_missing_twice():
    """Of a record and its repetition only one can be missing; the one that must be there decides, not the pending one."""
    world = World("a@0", "a@0")
    world.passed = 1

    (entry,) = world.account()

    assert counts(entry) == {"produced": 2, "missing": 1, "repeated": 1}


def test_policy_is_asked_for_the_record():
    """What is not stored by policy is not missing; the policy sees type, append time, severity, status and uid."""
    asked = []
    world = World("a@0", "b@1").stored("a@0")

    (entry,) = world.account(keeps=lambda *given: asked.append(given) or given[4] == "a")

    assert counts(entry) == {"produced": 2, "stored": 1, "by_policy": 1}
    assert asked[0] == ("http", NOON, 9, 200, "a")


def test_dead_letters_are_matched_by_place():
    """A malformed record has its letter, or is missing; a record that the store refused has one too, and need not be stored."""
    world = World("x", "y", "refused@0", "z")
    world.passed = 3

    (entry,) = world.account(letters={(TOPIC, 0, 0): "not JSON", (TOPIC, 0, 2): "refused by the store", ("logs.error", 0, 1): "other"})

    assert counts(entry) == {
        "produced": 4, "dead_letters": {"not JSON": 1, "refused by the store": 1}, "missing": 1, "pending": 1,
    }  # fmt: skip


def test_doubled_rows_are_found():
    """The same uid in two rows of the store is one row too many, wherever in the buckets it lies."""
    (entry,) = World("a@0", "b@1").stored("a@0", "a@7", "a@9", "b@1", "c@1", "c@2").account()

    assert counts(entry) == {"produced": 2, "stored": 2, "doubled": 2}


def test_rows_beyond_their_time_are_expired():
    """What the store deletes when its time is over is not missing."""
    world = World("a@0", "b@1", step=HOUR)

    entries = world.account(expires={TOPIC: NOON + HOUR})

    assert [counts(entry) for entry in entries] == [{"produced": 1, "expired": 1}, {"produced": 1, "missing": 1}]


def test_a_record_expires_by_its_own_time():
    """Not by the hour that it is counted in: what is a second younger than the store keeps must be there."""
    world = World("a@0", "b@1", "c@2", step=1000)

    (entry,) = world.account(expires={TOPIC: NOON + 1000})

    assert counts(entry) == {"produced": 3, "expired": 1, "missing": 2}


def test_what_kafka_deleted_unread_is_lost():
    """It was produced and is nowhere; its hour is that of the oldest record that is left."""
    world = World("a@0", at=NOON + HOUR).stored("a@0")

    (entry,) = world.account(lost={(TOPIC, NOON + HOUR): 7})

    assert counts(entry) == {"produced": 8, "stored": 1, "lost": 7}


def test_only_the_range_is_counted():
    """Since is inclusive, until is not; detection's late count stands beside."""
    world = World("a@0", "b@1", "c@2", step=HOUR).stored("a@0")

    entries = world.account(until=NOON + HOUR, late={(TOPIC, NOON): 7})

    assert [counts(entry) for entry in entries] == [{"produced": 1, "stored": 1, "late": 7}]


@pytest.mark.parametrize("count", [3 * PARTS])
def test_many_records_in_small_chunks(count):
    """However the work is cut, the sums are the same."""
    values = [f"{number}@{number * 1000}" for number in range(count)]

    found = [World(*values).stored(*values[::2]).account(chunk=chunk)[0] for chunk in (7, 100, 10_000)]

    assert [counts(entry) for entry in found] == 3 * [{"produced": count, "stored": count // 2, "missing": count // 2}]


def letter(identity, reason, at=NOON, **origin):
    return DeadLetter(identity, reason, "web", origin, b"x", "", at).to_json()


def test_letters_are_read_once_and_of_this_topic():
    """A letter judged twice is one; one of a deleted topic with the same name is none of ours; a producer's counts by file."""
    values = [
        letter("logs.http-0-7", "not JSON", topic=TOPIC, partition=0, offset=7),
        letter("logs.http-0-7", "not JSON", topic=TOPIC, partition=0, offset=7),
        letter("of another", "not JSON", topic=TOPIC, partition=0, offset=8),
        letter("file-1", "no match", file="a.log", offset=1),
        letter("file-1", "no match", file="a.log", offset=1),
        letter("file-2", "no match", NOON + HOUR, file="a.log", offset=2),
        letter("far", "odd", topic=TOPIC, partition=0, offset=2**62),
        b"junk", None,
    ]  # fmt: skip

    found = letters(values, NOON, NOON + HOUR, lambda *place: "-".join(map(str, place)))

    assert [found.of_records.get((TOPIC, 0, offset)) for offset in (6, 7, 8)] == [None, "not JSON", None]
    assert found.of_files == {("a.log", "no match"): 1, ("", "odd"): 1}
    assert found.unread == 2


def test_reasons_are_bounded():
    """Reasons that quote the record do not become a list of all records."""
    values = [letter(f"f{number}", f"bad {number}", file="a.log") for number in range(200)]

    found = letters(values, NOON, NOON + 1, lambda *_: "")

    assert len(found.of_files) == 51
    assert found.of_files["a.log", OTHER] == 150


@given(st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2**50)), st.sampled_from(["r1", "r2", "r3"])))
def test_letters_are_found_by_place(wanted):
    """In whatever order they come: eight bytes a letter hold its place and its reason."""
    places = Places()
    for place, reason in wanted.items():
        places.add(place, reason)

    assert {place: places.get(place) for place in wanted} == wanted
    assert all(places.get((topic, part, offset + 1)) == wanted.get((topic, part, offset + 1)) for topic, part, offset in wanted)


def test_rows_that_nobody_looks_for_are_not_held():
    """A bucket may hold many times the records of a chunk."""
    world = World("a@0", "b@1").stored("a@0", *(f"other-{n}@{n}" for n in range(3000)))
    held = []

    class Watched(Hashes):
        def add(self, value):
            held.append(value)
            super().add(value)

    with patch("storage.account.Hashes", Watched):
        (entry,) = world.account()

    assert counts(entry) == {"produced": 2, "stored": 1, "missing": 1}
    assert len(held) < 10


def test_late_events_are_counted_by_topic():
    """Too late for detection, each event once; clocks that are ahead are counted at their arrival and are not late."""
    event = b'{"reason":"too-late","log.type":"http","service.name":"web","log.record.uid":"%d"}'
    values = [event % 1, event % 2, event % 1, event.replace(b"too-late", b"future") % 3, b"junk", None, b"[]"]

    assert late([(NOON + 5, value) for value in values], {"http": TOPIC}) == {(TOPIC, NOON): 2}
