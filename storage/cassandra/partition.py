"""One partition's rows, fetched a little at first and more each time, so that many partitions can be merged in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from storage.cassandra.connection import Session, translating

# What one fetch of one partition may hold. Rows are about 500 bytes, but a stack trace may have megabytes.
MOST_ROWS, MOST_BYTES = 500, 1_000_000

_Row = TypeVar("_Row")


class Partition(Generic[_Row]):
    """Reads statements on one partition one after the other. `row` makes a row of the driver's tuple, `weight` is its size in bytes."""

    def __init__(
        self, session: Session, statements: Sequence[Any], first: int, row: Callable[[Any], _Row], weight: Callable[[_Row], int]
    ) -> None:
        self._session, self._statements, self._fetch = session, list(statements), first
        self._row, self._weight = row, weight
        self._state: bytes | None = None
        self._asked: Any = None
        self._fetched = False

    def ask(self) -> None:
        """Send the next request, if there is one and none is under way."""
        if self._asked is None and self._statements:
            statement = self._statements[0]
            statement.fetch_size = self._fetch
            self._asked = self._session.execute_async(statement, paging_state=self._state)

    def settle(self) -> None:
        """Wait until what was asked for is here."""
        if self._asked is not None:
            with translating():
                self._asked.result()

    def rows(self) -> Iterator[_Row]:
        """All rows in the order of the partition. From the second fetch on the next one is under way meanwhile."""
        while self._statements:
            self.ask()
            rows = [self._row(each) for each in self._answer()]
            self._fetch = self._next_fetch(rows)
            if self._fetched:
                self.ask()
            self._fetched = True
            yield from rows

    def _answer(self) -> Sequence[Any]:
        with translating():
            result = self._asked.result()
        self._asked, self._state = None, result.paging_state
        if self._state is None:
            self._statements.pop(0)
        rows: Sequence[Any] = result.current_rows
        return rows

    def _next_fetch(self, rows: Sequence[_Row]) -> int:
        """Twice as many, as long as rows as heavy as the last ones stay below MOST_BYTES."""
        each = sum(map(self._weight, rows)) // len(rows) if rows else 0
        return max(1, min(2 * self._fetch, MOST_ROWS, MOST_BYTES // max(each, 1)))
