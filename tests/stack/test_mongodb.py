"""MongoDB's protocol on the stand-in: a server that is away, killed or full of somebody else's work, and rows that cannot be."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from logverse import instant
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.mongodb import connection
from storage.mongodb.bulks import LARGEST_ROW
from storage.mongodb.connection import Database, connect, reach
from storage.mongodb.lock import locked
from storage.mongodb.schema import MongoSchema
from storage.mongodb.store import opened
from storage.schema.migrations import MONGODB, Migration, shipped
from storage.store import Selection
from tests.contracts.store_contract import NOON, event, uids

from . import stand_in
from .conftest import migrated, renamed, wait_until

pytestmark = pytest.mark.stack

ONE = Migration(1, "first", ('{"createIndexes":"a","indexes":[{"name":"b","key":{"b":1}}]}',))
UPDATE = '{"update":"a","updates":[{"q":{"_id":1},"u":{"$set":{"b":2}},"upsert":true}]}'
TWO = Migration(2, "second", (UPDATE, '{"dropIndexes":"a","index":"b"}'))
BROKEN = replace(TWO, statements=(UPDATE, '{"nothing":"a"}'))


@pytest.fixture
def own(mongodb: Settings) -> Settings:
    return renamed(mongodb)


@pytest.fixture
def database(own: Settings) -> Iterator[Database]:
    with reach(own) as made:
        yield made


def run(database: Database, *wanted: Migration, holder: str = "test") -> list[str]:
    schema = MongoSchema(database, Settings(), wanted)
    return [step.about for step in schema.migrate("", holder, lambda _: None, lambda seconds: threading.Event().wait(seconds), instant.now)]


def test_a_kill_costs_nothing_that_was_there_a_moment_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away there is nothing to do but try again; the same store goes on when it is back, and nobody opens it anew."""
    monkeypatch.setattr(connection, "SELECT_MS", 500)
    port = stand_in.free_port()
    process = stand_in.start(port, tmp_path)
    try:
        with closing(opened(migrated(Settings(store="mongodb", mongodb_hosts=f"127.0.0.1:{port}")))) as store:
            store.save_events([event("web", NOON, f"{n:04}") for n in range(2_000)])
            file = tmp_path / "stand-in.mv"
            before = file.stat().st_mtime_ns
            store.save_events([event("web", NOON, "0000")])
            wait_until(lambda: file.stat().st_mtime_ns > before, "all of it written")  # it writes by itself, ten times a second
            process.kill()
            process.wait()
            wait_until(lambda: not stand_in.answers(port), "its JVM gone with it")
            with pytest.raises(TryAgain):
                store.save_events([event("web", NOON + 1, "new")])
            with pytest.raises(TryAgain):
                list(store.events(Selection("http", "web", 0, NOON + 2)))

            process = stand_in.start(port, tmp_path)
            store.save_events([event("web", NOON + 1, "new")])

            assert uids(store.events(Selection("http", "web", 0, NOON + 2))) == ["new", *(f"{n:04}" for n in range(2_000))]
    finally:
        process.kill()
        process.wait()


def test_a_document_beyond_its_limit_is_refused_alone(own: Settings) -> None:
    """16 MiB: the server would close the connection for it."""
    giant = event("web", NOON, "giant", record=b"x" * (LARGEST_ROW + 1))
    with closing(opened(migrated(own))) as store:
        refused = store.save_events([event("web", NOON, "a"), giant, event("web", NOON, "z")])

        assert [(row.place, "larger than" in row.reason) for row in refused] == [(1, True)]
        assert uids(store.events(Selection("http", "web", 0, NOON + 1))) == ["a", "z"]


def test_two_writers_of_the_same_rows_leave_each_once(own: Settings) -> None:
    """Upserts that meet are told of a duplicate key; done again they are all there."""
    rows = [event("web", NOON, f"{n:03}") for n in range(500)]
    settings = migrated(own)

    def write() -> None:
        with closing(opened(settings)) as store:
            for _ in range(5):
                try:
                    assert store.save_events(rows) == []
                    return
                except TryAgain:
                    pass

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    with closing(opened(settings)) as store:
        assert uids(store.events(Selection("http", "web", 0, NOON + 1))) == [row.uid for row in rows]


def test_nobody_works_on_a_schema_that_is_not_there(own: Settings, database: Database) -> None:
    """Connecting says which verb mends it."""
    with pytest.raises(WrongSettings, match="no schema yet") as missing:
        connect(own)
    run(database, *shipped(MONGODB)[:1])
    with pytest.raises(WrongSettings, match="too old: it lacks 0002"):
        connect(own)

    assert missing.value.remedy == "logverse schema migrate"


def test_what_was_done_is_not_done_again_and_what_broke_off_is_mended(database: Database) -> None:
    """Once each, in order; a file done by half is done whole, and one that changed is refused."""
    first = run(database, ONE)
    with pytest.raises(Refused):
        run(database, ONE, BROKEN)
    halfway = database["a"].find_one({"_id": 1})

    second, third = run(database, ONE, TWO), run(database, ONE, TWO)

    assert (first, second, third) == (["0001 first"], ["0002 second"], [])
    assert halfway == database["a"].find_one({"_id": 1}) == {"_id": 1, "b": 2}
    assert [one["name"] for one in database["a"].list_indexes()] == ["_id_"]
    with pytest.raises(Refused, match="0001 first was applied and is another file now"):
        run(database, replace(ONE, statements=TWO.statements), TWO)


def test_two_migrations_at_once_do_each_thing_once(own: Settings) -> None:
    """The second waits for the first and finds nothing left to do."""
    done: list[str] = []

    def migrate(holder: str) -> None:
        with reach(own) as mine:
            done.extend(run(mine, ONE, TWO, holder=holder))

    threads = [threading.Thread(target=migrate, args=(uuid.uuid4().hex,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert sorted(done) == ["0001 first", "0002 second"]


def test_the_lock_is_one_holder_s_until_it_dies(database: Database) -> None:
    """Whoever comes second is told of the first, takes over when that has given no sign of life for long, and the first notices."""
    told: list[str] = []
    now = [1_000_000]
    with locked(database, "first", lambda _: None, lambda _: None, lambda: now[0]) as first:

        def long_after(_: float) -> None:
            now[0] += 700_000

        with locked(database, "second", told.append, long_after, lambda: now[0]) as second:
            second()
            with pytest.raises(TryAgain, match="taken over"):
                first()

    assert told == ["waiting for another migration (first)"]
