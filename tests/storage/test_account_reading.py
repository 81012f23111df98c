"""What the account reads of Cassandra: each key once, however often a partition has to be asked for."""

from __future__ import annotations

from typing import Any

import pytest
from cassandra import OperationTimedOut

from logverse.errors import TryAgain
from storage.cassandra.account_reading import CassandraRows
from storage.layout import Sharding


class Asked:
    """A future of the driver: some rows, then perhaps an end that does not come."""

    def __init__(self, rows: list[tuple[int, str]], broken: bool) -> None:
        self._rows, self._broken = rows, broken

    def result(self) -> Any:
        yield from self._rows
        if self._broken:
            raise OperationTimedOut


class Busy:
    """Two shards of two rows; the first so many answers break off after a row."""

    def __init__(self, broken: int) -> None:
        self.left = broken

    def prepare(self, _: str) -> Any:
        return self

    def bind(self, values: tuple[str, int, int]) -> Any:
        self.shard = values[2]
        return self

    def execute_async(self, _: Any) -> Asked:
        rows = [(1, f"{self.shard}-a"), (2, f"{self.shard}-b")]
        self.left -= 1
        return Asked(rows[:1], True) if self.left >= 0 else Asked(rows, False)


def test_a_busy_store_is_asked_again() -> None:
    """A partition whose answer breaks off is asked for again, and no row of it counts twice."""
    waited: list[float] = []
    rows = CassandraRows(Busy(3), Sharding(((0, 2),)), waited.append)  # type: ignore[arg-type]

    found = list(rows.identities([("http", "web", 0)]))

    assert sorted(uid for _, _, _, uid in found) == ["0-a", "0-b", "1-a", "1-b"]
    assert len(waited) >= 2


def test_a_store_that_is_away_is_said_to_be() -> None:
    """After a few times the account ends with what to do: an account of half the rows would say that the rest is missing."""
    rows = CassandraRows(Busy(1_000), Sharding(((0, 2),)), lambda _: None)  # type: ignore[arg-type]

    with pytest.raises(TryAgain):
        list(rows.identities([("http", "web", 0)]))
