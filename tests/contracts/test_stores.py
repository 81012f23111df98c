"""The stores of STORES that need no server, and that each one has its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from logverse.settings import Settings
from storage.store import Store
from storage.stores import STORES
from tests.contracts.store_contract import StoreContract

# Those that need a server take the same tests on it, in tests/stack/test_stores.py.
ON_SERVERS = {"cassandra"}


class TestStores(StoreContract):
    @pytest.fixture(params=sorted(STORES.keys() - ON_SERVERS))
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        opened = STORES[request.param](Settings())
        yield opened
        opened.close()
