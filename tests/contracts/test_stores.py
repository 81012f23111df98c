"""The stores of STORES that need no server, and that each one has its tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from logverse.settings import Settings
from storage.memory import MemoryStore
from storage.schema.memory import MemorySchema
from storage.store import Store
from storage.stores import SCHEMAS, STORES
from tests.contracts.keeping_contract import KeepingContract, Place
from tests.contracts.store_contract import StoreContract

# Those that need a server take the same tests on it, in tests/stack/test_stores.py.
ON_SERVERS = {"cassandra", "mongodb"}


class TestStores(StoreContract):
    @pytest.fixture(params=sorted(STORES.keys() - ON_SERVERS))
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        opened = STORES[request.param](Settings())
        yield opened
        opened.close()


class TestKeeping(KeepingContract):
    @pytest.fixture
    def fresh(self) -> Place:
        """The twin's schema is of one store, which outlives being closed."""
        store = MemoryStore()
        return Place(Settings(), lambda settings: nullcontext(MemorySchema(store, settings)), lambda _: store)

    @pytest.fixture
    def place(self, fresh: Place) -> Place:
        fresh.migrate()
        return fresh


def test_every_store_has_a_schema() -> None:
    """What can be opened can be migrated."""
    assert SCHEMAS.keys() == STORES.keys()
