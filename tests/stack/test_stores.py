"""The stores of STORES on real servers: the same tests as the twin in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from logverse.settings import Settings
from storage.layout import SHARDS
from storage.rows import StoredEvent
from storage.store import Selection, Store
from storage.stores import STORES
from tests.contracts.store_contract import NOON, StoreContract, event
from tests.contracts.test_stores import ON_SERVERS

pytestmark = pytest.mark.stack


@pytest.fixture(scope="session", params=sorted(ON_SERVERS))
def opened(request: pytest.FixtureRequest, keyspaced: Settings) -> Iterator[Store]:
    store = STORES[request.param](keyspaced)
    yield store
    store.close()


class TestStoresOnServers(StoreContract):
    @pytest.fixture
    def store(self, opened: Store) -> Store:
        return opened

    def test_a_bucket_is_asked_when_it_is_needed(self, store: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first page of a service with many buckets is one request, and rarely a few for shards that have more of it."""
        store.save_events([event(name, NOON - n * 1000, f"{n:04}") for n in range(2000)])
        list(store.buckets("http", name, 0, NOON + 1))
        asked: list[Any] = []
        execute_async = store.session.execute_async
        monkeypatch.setattr(store.session, "execute_async", lambda *given, **more: (asked.append(given), execute_async(*given, **more))[1])

        found = list(islice(store.events(Selection("http", name, 0, NOON)), 100))

        assert len(found) == 100
        assert len(asked) <= SHARDS // 4

    def test_heavy_rows_are_fetched_few_at_a_time(self, store: Any, name: str) -> None:
        """Rows of 200 KB are all there, though a fetch is bounded in bytes."""
        heavy: list[StoredEvent] = [event(name, NOON - n, f"{n:03}", record=bytes([n]) * 200_000) for n in range(60)]
        for start in range(0, len(heavy), 5):  # a small Cassandra that is busy takes no 12 MB at once
            store.save_events(heavy[start : start + 5])

        assert list(store.events(Selection("http", name, 0, NOON + 1), page=10_000)) == heavy
