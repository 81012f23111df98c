"""The twin in memory does what a store of series must."""

from __future__ import annotations

import pytest

from storage.series_memory import MemorySeries
from storage.series_rows import SeriesStore
from tests.contracts.series_contract import SeriesContract


class TestMemorySeries(SeriesContract):
    @pytest.fixture
    def store(self) -> SeriesStore:
        return MemorySeries()
