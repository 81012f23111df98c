"""Series in Cassandra: tables series_1s, series_1m and series_1h (storage/schema/cassandra/0003_series.cql)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any

from logverse.instant import Millis
from storage.cassandra.batches import Batch, Sender, Values, cut
from storage.cassandra.connection import Session, translating
from storage.rows import RefusedRow
from storage.series_rows import SECONDS, SeriesRow, Step

# Partitions asked for at a time, and rows of each that come at once: cells of a row may have 80 KB, a total has 150 bytes.
_AHEAD, _PAGE = 2, 100
_AHEAD_TOTALS, _PAGE_TOTALS = 16, 1000
_ROW_BYTES = 100  # of a row besides total and cells

_long = Struct(">q").pack


class CassandraSeries:
    """The SeriesStore in Cassandra. Reads see writes: both are LOCAL_QUORUM, as everything that goes through `Session`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sender = session, Sender(session)

    def put(self, step: Step, rows: Sequence[SeriesRow]) -> list[RefusedRow]:
        """As the contract says; Refused when it is not the rows' fault: no right to write, or no such table."""
        unwritable = [RefusedRow(place, "service.name is not UTF-8") for place, row in enumerate(rows) if not _writable(row.service)]
        wrong = {one.place for one in unwritable}
        partitions: dict[tuple[str, Millis], list[int]] = {}
        for place, row in enumerate(rows):
            if place not in wrong:
                partitions.setdefault((row.service, step.bucket_of(row.at)), []).append(place)
        batches = _batches(self._session.prepare(_insert(step)), step, partitions.values(), rows)
        return [*unwritable, *self._sender.send(batches, _probe(step))]

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


def _batches(prepared: Any, step: Step, partitions: Iterable[list[int]], rows: Sequence[SeriesRow]) -> Iterator[Batch]:
    for places in partitions:
        weights = [_ROW_BYTES + len(rows[place].total) + len(rows[place].cells) for place in places]
        for first, end in cut(weights):
            yield Batch(prepared, [_values(step, rows[place]) for place in places[first:end]], places[first:end])


def _values(step: Step, row: SeriesRow) -> Values:
    """In the order of the INSERT."""
    part = [row.part.encode()] if step is SECONDS else []
    return [row.service.encode(), _long(step.bucket_of(row.at)), _long(row.at), *part, row.total, row.cells]


def _writable(service: str) -> bool:
    """Half a surrogate pair has no bytes: nobody could read the series of such a name."""
    try:
        service.encode()
    except UnicodeEncodeError:
        return False
    return True


def _insert(step: Step) -> str:
    names = ["service", "bucket", "at", *(["part"] if step is SECONDS else []), "total", "cells"]
    return f"INSERT INTO series_{step.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def _probe(step: Step) -> str:
    return f"SELECT at FROM series_{step.name} WHERE service = 'probe' AND bucket = 0 LIMIT 1"  # noqa: S608


def _select(step: Step, cells: bool) -> str:
    columns = [
        "blob_as_bigint(timestamp_as_blob(at)) AS at",
        "total",
        *(["cells"] if cells else []),
        *(["part"] if step is SECONDS else []),
    ]
    return f"SELECT {', '.join(columns)} FROM series_{step.name} WHERE service = ? AND bucket = ? AND at >= ? AND at < ?"  # noqa: S608
