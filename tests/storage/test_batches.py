"""Rows in batches of one partition: cut by bytes and rows, and a row that is refused is found without losing its neighbours."""

from __future__ import annotations

from typing import Any

import pytest
from cassandra import InvalidRequest, Unauthorized
from cassandra.cqltypes import BytesType, UTF8Type
from cassandra.protocol import ColumnMetadata
from cassandra.query import BatchStatement, PreparedStatement

from logverse.errors import Refused, TryAgain
from storage.cassandra.batches import LARGEST_ROW, MOST_BYTES, MOST_ROWS, Batch, Sender, cut
from storage.cassandra.connection import Session
from storage.cassandra.writing import Writing
from storage.layout import BUCKET_MS, Sharding, bucket_of
from storage.rows import StoredAnomaly, StoredEvent

COLUMNS = [ColumnMetadata("k", "t", name, kind) for name, kind in (("key", UTF8Type), ("value", BytesType))]
PREPARED = PreparedStatement(COLUMNS, b"id", [0], "INSERT", "k", 5, None, None, None)
PROBE = "SELECT probe"
AT = 1_790_000_000_000


class Driver:
    """Takes what it is sent, but for values that it refuses; `error` is what everything else ends in."""

    def __init__(self, *bad: bytes, error: Exception | None = None) -> None:
        self.bad, self.error = set(bad), error
        self.taken: list[list[list[Any]]] = []
        self.under_way = self.most_under_way = 0

    def prepare(self, cql: str) -> Any:
        return PreparedStatement(COLUMNS, cql.encode(), [0], cql, "k", 5, None, None, None)

    def execute(self, statement: Any, values: Any = None, **_: Any) -> None:
        if self.error:
            raise self.error

    def execute_async(self, statement: Any, values: Any = None, **_: Any) -> Future:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        batched = isinstance(statement, BatchStatement)
        rows = [values for _, _, values in statement._statements_and_parameters] if batched else [statement.values]
        return Future(self, rows)


class Future:
    def __init__(self, driver: Driver, rows: list[list[Any]]) -> None:
        self._driver, self._rows = driver, rows

    def result(self) -> None:
        self._driver.under_way -= 1
        if self._driver.error:
            raise self._driver.error
        if any(value in self._driver.bad for row in self._rows for value in row if isinstance(value, bytes)):
            raise InvalidRequest('Error from server: code=2200 [Invalid query] message="too odd"')
        self._driver.taken.append(self._rows)


def batch(*values: bytes) -> Batch:
    return Batch(PREPARED, [[b"key", value] for value in values], range(len(values)))


def sender(driver: Driver) -> Sender:
    return Sender(Session(None, driver))


def test_no_batch_is_larger_than_cassandra_takes() -> None:
    """By bytes and by rows; only a row that is too large by itself is alone in a larger one."""
    weights = [500] * 300 + [1] * 300 + [MOST_BYTES * 3, 10]

    ranges = list(cut(weights))

    sizes = [sum(weights[first:end]) for first, end in ranges]
    assert [place for first, end in ranges for place in range(first, end)] == list(range(len(weights)))
    assert all(end - first <= MOST_ROWS for first, end in ranges)
    assert [end - first for (first, end), size in zip(ranges, sizes, strict=True) if size > MOST_BYTES] == [1]
    assert len(ranges) <= 10


def test_refused_rows_are_cut_out_of_their_batch() -> None:
    """Each with the store's reason; all others are kept."""
    driver = Driver(b"3", b"4", b"11")

    refused = sender(driver).send([batch(*(str(number).encode() for number in range(12)))], PROBE)

    assert sorted(refused) == [(3, "too odd"), (4, "too odd"), (11, "too odd")]
    kept = sorted(int(row[1]) for rows in driver.taken for row in rows)
    assert kept == [0, 1, 2, 5, 6, 7, 8, 9, 10]


def test_a_row_that_no_store_takes_is_not_even_sent() -> None:
    """Its neighbours are."""
    driver = Driver()

    refused = sender(driver).send([batch(bytes(LARGEST_ROW + 1)), batch(b"a")], PROBE)

    assert [place for place, _ in refused] == [0]
    assert "larger than" in refused[0].reason
    assert len(driver.taken) == 1


def test_a_store_that_is_away_refuses_nothing() -> None:
    """No row is to blame: the caller waits."""
    from cassandra import OperationTimedOut

    with pytest.raises(TryAgain):
        sender(Driver(error=OperationTimedOut())).send([batch(b"a", b"b")], PROBE)


@pytest.mark.parametrize("error", [Unauthorized("may not"), InvalidRequest('message="unconfigured table t"')])
def test_a_store_that_takes_nothing_at_all_makes_no_dead_letters(error: Exception) -> None:
    """Without rights, or with its tables gone, every row would be refused: that is not the rows' fault."""
    with pytest.raises(Refused):
        sender(Driver(error=error)).send([batch(b"a", b"b")], PROBE)


def test_no_more_is_under_way_than_the_store_can_bear() -> None:
    """However much there is to be sent."""
    driver = Driver()

    sender(driver).send([batch(b"a") for _ in range(500)], PROBE)

    assert (len(driver.taken), driver.under_way) == (500, 0)
    assert 1 < driver.most_under_way <= 32


def event(number: int, log_type: str = "http", **more: Any) -> StoredEvent:
    empty = StoredEvent(log_type, "web", AT + number, f"uid-{number}", 9, None, None, None, None, None, None, b"record")
    return empty._replace(**more)


def test_events_of_a_partition_travel_together() -> None:
    """As many batches as partitions, where each fits into one; the shard is the one that queries look in."""
    driver, sharding = Driver(), Sharding(((0, 4),))

    Writing(Session(None, driver), sharding).save_events([event(number) for number in range(300)])

    partitions = [rows for rows in driver.taken if len(rows[0]) == 13]
    keys = {tuple(row[:3]) for rows in partitions for row in rows}
    assert (len(partitions), len(keys)) == (4, 4)
    for rows in partitions:
        for row in rows:
            assert int.from_bytes(row[2], "big") == sharding.shard_of(bucket_of(AT), row[4].decode())


def test_a_bucket_is_written_down_once_and_before_its_events() -> None:
    """A query reads only buckets that are written down."""
    driver = Driver()
    writing = Writing(Session(None, driver), Sharding(((0, 1),)))

    for _ in range(2):
        writing.save_events([event(0), event(1), event(2, timestamp=AT + BUCKET_MS)])

    columns = [len(rows[0]) for rows in driver.taken]
    assert columns == [4, 4, 13, 13, 13, 13]
    assert sum(len(rows) for rows in driver.taken if len(rows[0]) == 4) == 3  # two buckets and one month of a service


def test_a_bucket_is_written_down_again_after_a_day() -> None:
    """Its row's time to live must not end before that of an event which comes into the old bucket later."""
    driver, now = Driver(), [0.0]
    writing = Writing(Session(None, driver), Sharding(((0, 1),)), lambda: now[0])

    for now[0] in (0.0, 86_399.0, 86_400.0, 86_401.0):
        writing.save_events([event(0)])

    assert [len(rows[0]) for rows in driver.taken] == [4, 4, 13, 13, 4, 4, 13, 13]


def test_activity_can_be_found_by_user() -> None:
    """A pointer a row that has a user; http has none."""
    driver = Driver()
    rows = [event(0, "activity", user_id="alice"), event(1, "activity"), event(2, user_id="bob")]

    Writing(Session(None, driver), Sharding()).save_events(rows)

    pointers = [row for rows in driver.taken for row in rows if len(row) == 5]
    assert [(row[0], row[4]) for row in pointers] == [(b"alice", b"uid-0")]


def test_what_is_not_known_is_left_unset() -> None:
    """A null would be a tombstone in every row."""
    driver = Driver()

    Writing(Session(None, driver), Sharding()).save_events([event(0)])

    (row,) = [row for rows in driver.taken for row in rows if len(row) == 13]
    assert None not in row
    assert sum(not isinstance(value, bytes) for value in row) == 6


def test_days_with_anomalies_are_written_down_first() -> None:
    """Also of a service that has no events: queries look only where something is written down."""
    driver = Driver()

    Writing(Session(None, driver), Sharding()).save_anomalies([StoredAnomaly(AT, "a", "rule", "web", b"{}")])

    assert [rows[0][:2] for rows in driver.taken[:2]] == [[b"web", b"anomalies"], [b"all", b"web"]]
    assert [rows[0][3] for rows in driver.taken[2:]] == [b"a"]
