"""The stores of STORES on real servers: the same tests as the twin in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from logverse.settings import Settings
from storage.layout import SHARDS
from storage.rows import StoredEvent
from storage.series_rows import SeriesStore
from storage.store import Selection, Store
from storage.stores import SCHEMAS, STORES
from tests.contracts.keeping_contract import KeepingContract, Place
from tests.contracts.series_contract import SeriesContract
from tests.contracts.store_contract import NOON, StoreContract, event
from tests.contracts.test_stores import ON_SERVERS

from .conftest import migrated, renamed

pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def settled(database: Settings) -> Settings:
    """With the schema."""
    assert database.store in ON_SERVERS
    return migrated(renamed(database))


@pytest.fixture(scope="session")
def opened(settled: Settings) -> Iterator[Store]:
    store = STORES[settled.store](settled)
    yield store
    store.close()


class TestStoresOnServers(StoreContract):
    @pytest.fixture
    def store(self, opened: Store) -> Store:
        return opened

    def test_heavy_rows_are_fetched_few_at_a_time(self, store: Store, name: str) -> None:
        """Rows of 200 KB are all there, though a fetch is bounded in bytes."""
        heavy: list[StoredEvent] = [event(name, NOON - n, f"{n:03}", record=bytes([n]) * 200_000) for n in range(60)]
        for start in range(0, len(heavy), 5):  # a small Cassandra that is busy takes no 12 MB at once
            store.save_events(heavy[start : start + 5])

        assert list(store.events(Selection("http", name, 0, NOON + 1), page=10_000)) == heavy


class TestSeriesOnServers(SeriesContract):
    @pytest.fixture
    def store(self, opened: Store) -> SeriesStore:
        return opened.series


class TestKeepingOnServers(KeepingContract):
    @pytest.fixture
    def fresh(self, database: Settings) -> Place:
        return Place(database, SCHEMAS[database.store], STORES[database.store])

    @pytest.fixture
    def place(self, settled: Settings) -> Place:
        return Place(settled, SCHEMAS[settled.store], STORES[settled.store])


def test_a_bucket_is_asked_when_it_is_needed(keyspaced: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Cassandra the first page of a service with many buckets is one request, and rarely a few for shards that have more of it."""
    store: Any = STORES["cassandra"](keyspaced)
    store.save_events([event("wide", NOON - n * 1000, f"{n:04}") for n in range(2000)])
    list(store.buckets("http", "wide", 0, NOON + 1))
    asked: list[Any] = []
    execute_async = store.session.execute_async
    monkeypatch.setattr(store.session, "execute_async", lambda *given, **more: (asked.append(given), execute_async(*given, **more))[1])

    found = list(islice(store.events(Selection("http", "wide", 0, NOON)), 100))

    store.close()
    assert len(found) == 100
    assert len(asked) <= SHARDS // 4
