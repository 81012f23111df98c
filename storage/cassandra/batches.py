"""Rows on their way into Cassandra: grouped by partition into unlogged batches, cut by bytes and rows, some under way at a time.

A batch of one partition is one mutation, so a row costs a fraction of a statement of its own (13 times less was measured). A row that
is refused is found by halving its batch; all others are kept.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cassandra import InvalidRequest
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType, BoundStatement

from logverse.errors import Refused
from storage.cassandra.connection import Session, translating
from storage.cassandra.trouble import UNWRITABLE, reason
from storage.rows import RefusedRow

MOST_ROWS, MOST_BYTES = 200, 40 * 1024  # of a batch; Cassandra fails at 50 KiB
LARGEST_ROW = 8 * 1024 * 1024  # half of what a commit log of Cassandra's default size takes as one mutation
IN_FLIGHT = 32

UNSET = UNSET_VALUE
# Values of a row as the protocol has them. Serialised by those who know the table: the driver's own `bind` costs eight times as much.
Values = list[Any]


@dataclass(slots=True)
class Batch:
    """Rows of one partition, at most MOST_BYTES together unless it is a single one. `places`: theirs among the rows to be saved."""

    prepared: Any
    rows: list[Values]
    places: Sequence[int]

    def statement(self) -> Any:
        """What the driver sends."""
        bound = [self._bound(values) for values in self.rows]
        if len(bound) == 1:
            return bound[0]
        statement = BatchStatement(batch_type=BatchType.UNLOGGED)
        for one in bound:
            statement.add(one)
        statement.is_idempotent = True
        return statement

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.rows) // 2
        first = Batch(self.prepared, self.rows[:middle], self.places[:middle])
        return first, Batch(self.prepared, self.rows[middle:], self.places[middle:])

    def _bound(self, values: Values) -> Any:
        bound = BoundStatement(self.prepared)
        bound.values = values
        return bound


def cut(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges (first, behind last) of rows that go together; `weights` are the rows' bytes.

    >>> list(cut([30_000, 30_000, 100_000, 10]))
    [(0, 1), (1, 2), (2, 3), (3, 4)]
    """
    start = total = 0
    for place, weight in enumerate(weights):
        if place > start and (total + weight > MOST_BYTES or place - start >= MOST_ROWS):
            yield start, place
            start, total = place, 0
        total += weight
    if weights:
        yield start, len(weights)


class Sender:
    """Sends batches. `probe` is a statement on the same table that must always work: when it does not, it is not the row's fault."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def send(self, batches: Iterable[Batch], probe: str) -> list[RefusedRow]:
        """All of these; what is refused comes back. TryAgain while the store is away, Refused when it takes nothing at all."""
        under_way: deque[tuple[Batch, Any]] = deque()
        refused: list[RefusedRow] = []
        for batch in batches:
            under_way.append((batch, self._begin(batch)))
            if len(under_way) >= IN_FLIGHT:
                refused += self._settle(*under_way.popleft(), probe)
        while under_way:
            refused += self._settle(*under_way.popleft(), probe)
        return refused

    def _begin(self, batch: Batch) -> Any:
        """The driver's future, or why there is none."""
        if len(batch.rows) == 1 and (size := _size(batch.rows[0])) > LARGEST_ROW:
            return Refused(f"a row of {size} bytes is larger than {LARGEST_ROW}")
        try:
            with translating():
                statement = batch.statement()
            return self._session.execute_async(statement)
        except Refused as error:
            return error

    def _settle(self, batch: Batch, future: Any, probe: str) -> list[RefusedRow]:
        try:
            if isinstance(future, Refused):
                raise future
            with translating():
                future.result()
        except Refused as error:
            if error.__cause__ is not None and not isinstance(error.__cause__, (InvalidRequest, TypeError, *UNWRITABLE)):
                raise  # we may not write at all
            if len(batch.rows) > 1:
                return [one for half in batch.halves() for one in self._settle(half, self._begin(half), probe)]
            self._session.execute(self._session.prepare(probe))
            return [RefusedRow(place, _why(error)) for place in batch.places]
        return []


def _size(values: Values) -> int:
    return sum(len(value) for value in values if isinstance(value, bytes))


def _why(error: Refused) -> str:
    if isinstance(error.__cause__, struct.error):
        return "a key is longer than 65535 bytes"
    return reason(error.__cause__) if error.__cause__ else str(error)
