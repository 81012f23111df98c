"""Restoring: what is chosen comes back as it was, once, for as long as it had left; damage is named and costs no more than its rows."""

from __future__ import annotations

import os
from collections import Counter

import orjson
import pytest

from logverse.alert import Alert, Explanation
from logverse.anomaly import Anomaly
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.identity import digest
from logverse.topics import LOGS
from storage.backup.restore_choice import Choice, estimated
from storage.backup.restore_files import IntoFiles
from storage.backup.restore_progress import Progress
from storage.backup.restore_reading import parts
from storage.memory import MemoryStore
from tests.storage.backup_world import HOUR, NOON, World, event
from tests.storage.restore_world import DAY, EVER, into_store, lines, restored, rows


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, now=NOON + 3 * HOUR)


def test_events_come_back_as_they_were(world):
    """Every column and every byte, of all partitions and hours; heartbeats and what was malformed are counted."""
    for number in range(500):
        world.topics["logs.http", number % 3].put(event(f"u{number}", NOON + number * 20_000, route="/x"), NOON + number * 20_000)
    world.topics["logs.http", 0].put(b'{"log.type":"heartbeat","timestamp":"2023-11-14T22:00:00.000Z","service.name":"s"}')
    world.topics["logs.http", 0].put(b"no JSON")
    world.backup().run()
    store = MemoryStore()

    counts = restored(world, into_store(store))

    assert counts == {"events": 500, "heartbeats": 1, "malformed": 1}
    found = rows(store)
    assert sorted(found) == sorted(f"u{number}" for number in range(500))
    assert {uid: row.record for uid, row in found.items()} == {
        f"u{number}": event(f"u{number}", NOON + number * 20_000, route="/x") for number in range(500)
    }


def test_what_its_place_identifies_keeps_that_identity(world):
    """A record without a uid has the one it had: of the topic's old id, partition and offset, though the topic was made anew."""
    odd = orjson.dumps({"log.type": "http", "service.name": "web", "body": "no uid, no time"})
    world.topics["logs.http", 1].put(event("a"))
    world.topics["logs.http", 1].put(odd, NOON + 7)
    world.backup().run()
    old = world.topics.id_of("logs.http")
    world.topics.recreate("logs.http")
    world.topics["logs.http", 1].put(odd, NOON + HOUR)
    world.backup().run()
    store = MemoryStore()

    restored(world, into_store(store))

    new = world.topics.id_of("logs.http")
    assert {(row.uid, row.timestamp) for row in rows(store).values()} == {
        ("a", NOON), (digest(old, 1, 1), NOON + 7), (digest(new, 1, 0), NOON + HOUR),
    }  # fmt: skip


def test_alerts_and_anomalies_come_back(world):
    """As they were told."""
    world.topics["alerts", 2].put(_alert().to_json(), key=b"k")
    world.topics["anomalies", 0].put(_anomaly().to_json(), key=b"k")
    world.topics["alerts", 2].put(b"nonsense")
    world.backup().run()
    store = MemoryStore()

    counts = restored(world, into_store(store))

    assert counts == {"alerts": 1, "anomalies": 1, "malformed": 1}
    assert [row.record for row in store.alerts(*EVER)] == [_alert().to_json()]
    assert [(row.service_name, row.record) for row in store.anomalies(None, *EVER)] == [("web", _anomaly().to_json())]


def _alert():
    why = Explanation("too many errors", 5.0, 3.0, ">=", "events", 5, 5)
    return Alert("r", "frequency", "firing", "critical", {"service.name": "web"}, NOON, NOON, why, NOON)


def _anomaly():
    return Anomaly("r", "count", {"service.name": "web"}, NOON, NOON + 1000, 3.0, 7.0, (0.0, 1.0))


def test_only_what_is_asked_for(world):
    """By event time, not by when it was appended; by service; by type. A record without a time goes by when it was appended."""
    for number in range(400):
        at = NOON + number * 60_000
        log_type = "error" if number % 2 else "http"
        world.topics[LOGS[log_type], 0].put(event(f"u{number}", at - DAY if number == 100 else at, f"s{number % 4}", log_type), at)
    world.backup().run()
    store = MemoryStore()

    choice = Choice(NOON + 90 * 60_000, NOON + 110 * 60_000, ("logs.http",), ("s0",))
    counts = restored(world, into_store(store), choice)

    wanted = {f"u{number}" for number in range(90, 110) if number % 4 == 0 and number != 100}
    assert counts["events"] == len(wanted)
    assert set(rows(store, "s0")) == wanted


def test_what_need_not_be_read_is_not_read(world):
    """Files by their manifest, row groups by their statistics."""
    for number in range(1000):
        world.topics["logs.http", 0].put(event(f"u{number}", NOON + number * 10_000), NOON + number * 10_000)
    world.backup().run()
    choice = Choice(NOON + HOUR + 600_000, NOON + HOUR + 610_000, ("logs.http",))

    chosen = estimated(world.archive(), choice)
    found = [part for file in chosen.files for part in parts(world.target, file, choice)]

    assert len(world.archive().files) == 3
    assert len(chosen.files) == 1
    assert chosen.rows == chosen.files[0].rows
    assert [part.rows is not None for part in found].count(True) == 1
    assert [record.value for part in found for record in part.records()] == [event("u420", NOON + HOUR + 600_000)]


@pytest.mark.parametrize(("since", "service", "read"), [(NOON, "a", 1), (NOON, "c", 0), (NOON + HOUR, "a", 0), (NOON, "", 2)])
def test_row_groups_are_chosen_by_what_they_hold(world, since, service, read):
    """By event time and not by when Kafka had them, where all of them have one; and by service."""
    for number in range(200):
        world.topics["logs.http", 0].put(event(f"u{number}", NOON + number, "ab"[number // 100]), NOON + HOUR)
    world.backup().run()
    choice = Choice(since, NOON + 2 * HOUR, ("logs.http",), (service,) if service else ())

    found = [part for file in world.archive().files.values() for part in parts(world.target, file, choice)]

    assert [part.rows is not None for part in found].count(True) == read
    assert sum(part.rows.num_rows for part in found if part.rows) == 100 * read


def test_rows_live_as_long_as_they_had_left(world):
    """As of when they were appended; what is past its time stays gone in the store, and has a week in a view."""
    world.topics["logs.http", 0].put(event("old", NOON - 40 * DAY), NOON - 40 * DAY)
    world.topics["logs.http", 0].put(event("new", NOON - DAY), NOON - DAY)
    world.backup().run()
    saved = []

    class Store(MemoryStore):
        def save_events(self, events, written=None):
            saved.extend((one.uid, written) for one in events)
            return super().save_events(events, written)

    now = NOON + HOUR
    counts = restored(world, into_store(Store(), now), name="store")
    assert counts == {"events": 1, "expired": 1}
    assert [(uid, written - NOON + DAY) for uid, written in saved] == [("new", 60_000)]

    saved.clear()
    counts = restored(world, into_store(Store(), now, least=7 * DAY), name="view")
    assert counts == {"events": 2}
    assert dict(saved) == {"new": NOON - DAY + 60_000, "old": now - 23 * DAY}


def test_the_policy_of_the_time_holds(world):
    """What was not stored then is not stored now."""
    world.topics["logs.http", 0].put(event("a"))
    world.topics["logs.http", 0].put(event("b"))
    world.backup().run()

    counts = restored(world, into_store(MemoryStore(), keeps=lambda kind, at, severity, status, uid: uid == "b"))

    assert counts == {"events": 1, "by_policy": 1}


def test_what_was_killed_goes_on(world):
    """Row groups that were all there are not read again, the one under way is done once more, and nothing is missing or twice."""
    for number in range(1000):
        world.topics["logs.http", number % 2].put(event(f"u{number}"), NOON)
    world.backup().run()
    pid = os.fork()
    if not pid:
        seen = []
        restored(world, IntoFiles(world.root / "out"), tell=lambda told: (seen.append(told), len(seen) == 4 and os._exit(77)))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 77
    told = []

    counts = restored(world, IntoFiles(world.root / "out"), tell=told.append)

    assert counts == {"lines": 1000}
    assert len(told) == 10 - 4
    assert lines(world) == Counter(f"u{number}" for number in range(1000))


def test_a_target_that_is_away_is_waited_for(world):
    """While it was read, and when the store was away; after the last patience the restore ends and can go on."""
    for number in range(300):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON)
    world.backup().run()
    store, waited, failures = MemoryStore(), [], Counter()
    sink = into_store(store)
    put = sink.put

    def away(part):
        failures[part.number] += 1
        if failures[part.number] < 4:
            raise TryAgain("away")
        return put(part)

    sink.put = away

    counts = restored(world, sink, sleep=waited.append)

    assert counts == {"events": 300}
    assert waited == [0.5, 1.0, 2.0] * 3


def test_a_name_is_of_one_restore(world):
    """Another question under the same name is refused, and so is the same one at the same time."""
    folder = world.root / "restores" / "r"
    Progress(folder, {"since": "1"}).add("file", 1, {"events": 1})

    with pytest.raises(WrongSettings, match="--name r"):
        Progress(folder, {"since": "2"})
    with (
        Progress(folder, {"since": "1"}).alone(),
        pytest.raises(Refused, match="another process"),
        Progress(folder, {"since": "1"}).alone(),
    ):
        pass


def test_what_was_cut_short_is_gone_on_with_first(world):
    """A backup since may have brought files that come before it: what its sink wrote down of it must still be true when it is done."""
    for partition in (0, 1):
        for number in range(300):
            world.topics["logs.http", partition].put(event(f"u{partition}-{number}"), NOON)
    world.backup().run()
    *_, last = estimated(world.archive(), Choice(*EVER, ("logs.http",))).files
    Progress(world.root / "restores" / "r", {"choice": repr(Choice(*EVER, ("logs.http",)))}).mark({"file": last.name})
    seen = []

    class Sink:
        def put(self, part):
            seen.append(part.file.name)
            return Counter()

    restored(world, Sink(), Choice(*EVER, ("logs.http",)))

    assert seen[:3] == [last.name] * 3
    assert len(seen) == 6
