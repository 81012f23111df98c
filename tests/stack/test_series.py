"""How large everything is in Cassandra. (Series in it take their contract in test_stores.py.)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from storage.cassandra.connection import Session, connect
from storage.cassandra.series import CassandraSeries
from storage.cassandra.stats import stats
from storage.series_rows import SECONDS, SeriesRow
from tests.contracts.series_contract import NOON

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def session(keyspaced: Any) -> Iterator[Session]:
    with connect(keyspaced) as opened:
        yield opened


def test_tables_tell_what_they_keep(session: Session) -> None:
    """Each table of the schema has its time to live, and none has a partition that is too large."""
    CassandraSeries(session).put(SECONDS, [SeriesRow("s", NOON, "", b"t", b"c")])

    found = {one.table: one for one in stats(session)}

    assert {"events_http", "series_1s", "series_1h", "alerts", "sharding"} <= found.keys()
    assert (found["series_1s"].kept_s, found["sharding"].kept_s) == (6 * 3600, 0)
    assert not any(one.too_large for one in found.values())
