"""The oldest data that there is of each database, as its first migration and the code of then left it, brought to today's schema: it is
all there, and what came since works beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import json_util

from logverse import instant
from logverse.settings import Settings
from storage.cassandra.connection import reach as reach_cassandra
from storage.mongodb.connection import reach as reach_mongodb
from storage.mongodb.schema import MongoSchema
from storage.rows import StoredAlert, StoredEvent
from storage.schema.applying import Schema
from storage.schema.migrations import MONGODB, shipped, statements_of
from storage.series_rows import MINUTES, SeriesRow
from storage.store import Position, Selection, Store
from storage.stores import STORES

from .conftest import migrated, renamed

pytestmark = pytest.mark.stack

OLDEST = Path(__file__).parents[1] / "storage" / "oldest"
NOON, BUCKET_MS = 1_700_006_400_000, 600_000
ALERT = StoredAlert(NOON, "t1", "a1", "5xx", "firing", "critical", "web", b"{}")


def row(log_type: str, service: str, at: int, uid: str, *columns: object, record: bytes) -> StoredEvent:
    return StoredEvent(log_type, service, at, uid, *columns, record)  # type: ignore[arg-type]


# What the files hold.
HTTP = [
    row("http", "web", NOON + 7, "u2", 9, 200, "/item/{id}", "10.0.0.1", None, None, "t" * 32, record=b'{"body":"GET /item/7"}'),
    row("http", "web", NOON, "u1", 17, 503, "/pay", "::1", "ann", "s1", None, record=b"\x00\xff no JSON"),
    row("http", "web", NOON - BUCKET_MS, "u0", None, None, None, None, None, None, None, record=b""),
]
ERROR = [row("error", "shop é", NOON + 1, "e1", 17, None, None, None, None, None, None, record='{"body":"caf\u00e9"}'.encode())]
ACTIVITY = [
    row("activity", "web", NOON + 3, "l2", 9, None, None, "10.0.0.1", "ann", "s1", None, record=b'{"event_name":"user.logout"}'),
    row("activity", "shop é", NOON + 2, "l1", 9, None, None, None, "ann", "s2", None, record=b'{"event_name":"user.login"}'),
]


def into_cassandra(settings: Settings) -> None:
    with reach_cassandra(settings) as session:
        schema = Schema(session, settings.cassandra_keyspace, settings, shipped()[:1])
        schema.migrate("", "test", lambda _: None, time.sleep, instant.now)
        for statement in statements_of((OLDEST / "cassandra.cql").read_text()):
            session.execute(statement)


def into_mongodb(settings: Settings) -> None:
    with reach_mongodb(settings) as database:
        MongoSchema(database, settings, shipped(MONGODB)[:1]).migrate("", "test", lambda _: None, time.sleep, instant.now)
        for line in (OLDEST / "mongodb.jsonl").read_text().splitlines():
            found = json_util.loads(line)
            if "written" in found["document"]:  # long ago: a real MongoDB deletes it before we look
                found["document"]["written"] = datetime.now(UTC)
            database[found["collection"]].insert_one(found["document"])


INTO: dict[str, Callable[[Settings], None]] = {"cassandra": into_cassandra, "mongodb": into_mongodb}


@pytest.fixture(scope="module")
def store(database: Settings) -> Store:
    """Today's store over the oldest data."""
    own = renamed(database)
    INTO[own.store](own)
    return STORES[own.store](migrated(own))


def test_every_row_is_as_it_was(store: Store) -> None:
    """Each column and each byte, found by service, by value, by user and by its place."""
    ever = (0, 2 * NOON)

    assert list(store.events(Selection("http", "web", *ever))) == HTTP
    assert list(store.events(Selection("error", "shop é", *ever))) == ERROR
    assert list(store.events(Selection("http", "web", *ever, {"session_id": "s1"}))) == [HTTP[1]]
    assert list(store.activity("ann", *ever)) == ACTIVITY
    assert store.event("http", "web", Position(NOON, "u1")) == HTTP[1]
    assert list(store.buckets("http", "web", *ever)) == [NOON, NOON - BUCKET_MS]
    assert list(store.services()) == [("shop é", "activity"), ("shop é", "error"), ("web", "activity"), ("web", "http")]
    assert store.policies() == {"http": [(0, "all"), (NOON, "errors+5%")], "error": [(0, "all")], "activity": [(0, "all")]}


def test_what_came_since_works_beside_it(store: Store) -> None:
    """Old rows written again are there once, and the newer tables take theirs."""
    assert store.save_events([*HTTP, *ERROR, *ACTIVITY]) == []
    assert store.save_alerts([ALERT]) == []
    assert store.series.put(MINUTES, [SeriesRow("web", NOON, "", b"t", b"c")]) == []

    assert list(store.events(Selection("http", "web", 0, 2 * NOON))) == HTTP
    assert list(store.activity("ann", 0, 2 * NOON)) == ACTIVITY
    assert store.timeline("a1") == [ALERT]
    assert [one.total for one in store.series.read(MINUTES, "web", NOON, NOON + 1)] == [b"t"]
    with closing(store):
        assert {one.table for one in store.stats()} >= {"events_http", "alerts", "series_1h"}
