"""Series on their way into Cassandra: a row's own fault is told from a store that takes nothing at all."""

from __future__ import annotations

import pytest
from cassandra import AuthenticationFailed, InvalidRequest, OperationTimedOut, Unauthorized
from cassandra.cluster import NoHostAvailable

from logverse.errors import Refused, TryAgain
from storage.cassandra.connection import Session
from storage.cassandra.series import CassandraSeries
from storage.rows import RefusedRow
from storage.series_rows import MINUTES, SECONDS, STEPS, SeriesRow
from tests.storage.test_batches import Driver

NOON = 1_700_006_400_000


def rows(count: int = 3, total: bytes = b"total") -> list[SeriesRow]:
    return [SeriesRow("web", NOON + place * 1000, "", total, b"cells %d" % place) for place in range(count)]


def series(driver: Driver) -> CassandraSeries:
    return CassandraSeries(Session(None, driver))


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized("may not"),
        NoHostAvailable("none", {"a": AuthenticationFailed("who are you")}),
        InvalidRequest('message="table series_1s does not exist"'),
    ],
)
def test_a_store_that_takes_nothing_at_all_makes_no_dead_letters(error: Exception) -> None:
    """Without rights, with a wrong password or with its tables gone every summary would be refused: that is not the summaries' fault."""
    with pytest.raises(Refused):
        series(Driver(error=error)).put(SECONDS, rows())


def test_a_store_that_is_away_refuses_nothing() -> None:
    """The caller waits."""
    with pytest.raises(TryAgain):
        series(Driver(error=OperationTimedOut())).put(SECONDS, rows())


def test_a_row_that_is_refused_is_refused_alone() -> None:
    """By the store or before, with its reason; the others are kept."""
    driver = Driver(b"cells 1")

    refused = series(driver).put(SECONDS, [*rows(), SeriesRow("half \ud800", NOON, "", b"t", b"c")])

    assert sorted(refused) == [RefusedRow(1, "too odd"), RefusedRow(3, "service.name is not UTF-8")]
    assert sorted(row[-1] for taken in driver.taken for row in taken) == [b"cells 0", b"cells 2"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_rows_of_a_partition_travel_together(step) -> None:  # type: ignore[no-untyped-def]
    """One batch a partition where it fits; the columns are those of the table."""
    driver = Driver()
    spread = [SeriesRow("web", NOON + place * step.bucket_ms // 2, "", b"t", b"c") for place in range(4)]

    assert series(driver).put(step, spread) == []

    keys = [{tuple(row[:2]) for row in taken} for taken in driver.taken]
    assert [len(one) for one in keys] == [1] * len(keys)
    assert len(set.union(*keys)) == len(keys)
    assert {len(row) for taken in driver.taken for row in taken} == {6 if step is SECONDS else 5}


def test_heavy_rows_travel_alone() -> None:
    """A minute with the most cells there can be is more than a batch takes."""
    driver = Driver()

    series(driver).put(MINUTES, rows(total=bytes(80_000)))

    assert [len(taken) for taken in driver.taken] == [1, 1, 1]
