"""Series in Cassandra: tables series_1s, series_1m and series_1h (storage/schema/cassandra/0003_series.cql)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from logverse.errors import Refused
from logverse.instant import Millis
from storage.cassandra.connection import Session, translating
from storage.rows import RefusedRow
from storage.series_rows import SECONDS, SeriesRow, Step

_IN_FLIGHT = 32  # rows on their way
# Partitions asked for at a time, and rows of each that come at once: cells of a row may have 80 KB, a total has 150 bytes.
_AHEAD, _PAGE = 2, 100
_AHEAD_TOTALS, _PAGE_TOTALS = 16, 1000


class CassandraSeries:
    """The SeriesStore in Cassandra. Reads see writes: both are LOCAL_QUORUM, as everything that goes through `Session`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, step: Step, rows: Sequence[SeriesRow]) -> list[RefusedRow]:
        statement = self._session.prepare(_insert(step))
        waiting: deque[tuple[int, Any]] = deque()
        refused: list[RefusedRow] = []
        for place, row in enumerate(rows):
            if len(waiting) == _IN_FLIGHT:
                _settle(waiting, refused)
            try:
                waiting.append((place, self._session.execute_async(statement, _values(step, row))))
            except Refused as error:  # a value that the protocol has no bytes for
                refused.append(RefusedRow(place, str(error)))
        while waiting:
            _settle(waiting, refused)
        return refused

    def read(self, step: Step, service: str, since: Millis, until: Millis, cells: bool = True) -> Iterator[SeriesRow]:
        statement = self._session.prepare(_select(step, cells))
        buckets = deque(range(step.bucket_of(since), until, step.bucket_ms))
        waiting: deque[Any] = deque()
        while buckets or waiting:
            while buckets and len(waiting) < (_AHEAD if cells else _AHEAD_TOTALS):
                bound = statement.bind((service, buckets.popleft(), since, until))
                bound.fetch_size = _PAGE if cells else _PAGE_TOTALS
                waiting.append(self._session.execute_async(bound))
            with translating():
                for at, total, *rest in waiting.popleft().result():
                    part = rest.pop() if step is SECONDS else ""
                    yield SeriesRow(service, at, part, total, rest[0] if cells else b"")


def _settle(waiting: deque[tuple[int, Any]], refused: list[RefusedRow]) -> None:
    """Waits for the oldest; TryAgain passes through."""
    place, future = waiting.popleft()
    try:
        with translating():
            future.result()
    except Refused as error:
        refused.append(RefusedRow(place, str(error)))


def _values(step: Step, row: SeriesRow) -> tuple[Any, ...]:
    key = (row.service, step.bucket_of(row.at), row.at)
    return (*key, row.part, row.total, row.cells) if step is SECONDS else (*key, row.total, row.cells)


def _insert(step: Step) -> str:
    names = ["service", "bucket", "at", *(["part"] if step is SECONDS else []), "total", "cells"]
    return f"INSERT INTO series_{step.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def _select(step: Step, cells: bool) -> str:
    columns = [
        "blob_as_bigint(timestamp_as_blob(at)) AS at",
        "total",
        *(["cells"] if cells else []),
        *(["part"] if step is SECONDS else []),
    ]
    return f"SELECT {', '.join(columns)} FROM series_{step.name} WHERE service = ? AND bucket = ? AND at >= ? AND at < ?"  # noqa: S608
