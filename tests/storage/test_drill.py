"""A drill finds every difference between an archive and what was restored of it."""

from __future__ import annotations

import orjson
import pytest

from storage.backup.drill import compare, cut, hours
from storage.memory import MemoryStore
from storage.store import Selection
from tests.storage.backup_world import HOUR, NOON, World, event
from tests.storage.test_restore import EVER, _alert, _anomaly, into_store, restored


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, now=NOON + 3 * HOUR)
    for number in range(300):
        made.topics["logs.http", number % 3].put(event(f"u{number % 290}", NOON + number % 290, **{"user.id": "ü", "http.route": "/x"}))
    made.topics["logs.error", 0].put(orjson.dumps({"log.type": "error", "service.name": "web", "body": "neither uid nor time"}), NOON + 5)
    made.topics["logs.http", 0].put(b'{"log.type":"heartbeat","timestamp":"2023-11-14T22:00:00.000Z","service.name":"s"}')
    made.topics["logs.http", 0].put(b"malformed")
    made.topics["logs.http", 0].put(event("lone").replace(b'"lone"', b'"lone\\ud800"'))  # only Flink's lenient reader takes it
    made.topics["alerts", 0].put(_alert().to_json())
    made.topics["anomalies", 0].put(_anomaly().to_json())
    made.topics["logs.http", 0].put(event("later", NOON + HOUR), NOON + HOUR)
    made.backup().run()
    return made


@pytest.fixture
def store(world):
    made = MemoryStore()
    world_of_first = hours(world.archive())[0].files
    restored_files(world, made, world_of_first)
    return made


def restored_files(world, store, files):
    from storage.backup.restore import Restore
    from storage.backup.restore_choice import Choice, Estimate
    from storage.backup.restore_progress import Progress
    from storage.backup.restore_store import KINDS

    Restore(world.target, Estimate(files, 0, {}), Choice(*EVER, KINDS), into_store(store), Progress(world.root / "p", {})).run()


def test_what_is_the_same_is_said_to_be(world, store):
    """Distinct records by kind; what was sent twice counts once, and what is not understood is counted apart."""
    first = hours(world.archive())[0]

    found = compare(world.target, first, store)

    assert (found.same, found.shown) == (True, [])
    assert found.compared == {"http": 290, "error": 1, "alerts": 1, "anomalies": 1}
    assert (found.odd, found.unread) == (0, 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [("record", b"{}"), ("route", None), ("severity_number", 10), ("status_code", 201), ("user_id", "u"), ("trace_id", "t")],
)
def test_a_field_that_differs_is_named(world, store, column, value):
    """Of whatever column."""
    first = next(store.events(Selection("http", "web", *EVER)))
    store.save_events([replace_in(first, column, value)])

    found = compare(world.target, hours(world.archive())[0], store)

    assert (found.same, found.different) == (False, 1)
    assert found.shown == [f"different: http of web, id {first.uid}: {column}"]


def replace_in(row, column, value):
    return row._replace(**{column: value})


def test_what_is_missing_and_what_is_besides(world, store):
    """A record at another time is missing at its own and there besides."""
    only = MemoryStore()
    rows = list(store.events(Selection("http", "web", *EVER)))
    only.save_events([*rows[1:-1], rows[-1]._replace(timestamp=NOON - 1), *(rows[0]._replace(uid=f"x{number}") for number in range(9))])

    found = compare(world.target, hours(world.archive())[0], only)

    assert not found.same
    assert (found.missing, found.different, found.besides > 0) == (2 + 3, 0, True)  # two events; an error, an alert and an anomaly


def test_hours_are_those_of_the_archive(world):
    """By when records were appended; a large one is cut to some of its files."""
    found = hours(world.archive())

    assert [(one.start, one.rows) for one in found] == [(NOON - NOON % HOUR, 306), (NOON - NOON % HOUR + HOUR, 1)]
    assert cut(found[0], 150, lambda files: files[::-1]).rows <= 150
    assert cut(found[0], 1, lambda files: files).files == found[0].files[:1]
    assert cut(found[0], 10_000, lambda files: files).rows == 306


def test_restoring_twice_changes_nothing(world, store):
    """The second time is the same rows."""
    before = list(store.events(Selection("http", "web", *EVER)))

    restored(world, into_store(store), name="again")

    again = list(store.events(Selection("http", "web", EVER[0], NOON + HOUR)))
    assert again == before
