"""Which events Cassandra holds, without what is in them: for the account."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

from logverse.errors import TryAgain
from logverse.instant import Millis
from storage.account import Bucket
from storage.cassandra.connection import Session, translating
from storage.layout import Sharding

_IN_FLIGHT = 32  # partitions
_PAGE = 5000  # of about 80 bytes
_TIMES = 4  # a partition is asked for: the store may be busy with what it has just caught up with
_AGAIN_S = 2.0


class _Partition(NamedTuple):
    log_type: str
    service: str
    start: Millis
    shard: int


class CassandraRows:
    """Reads the keys of all partitions of a bucket, many at a time. TryAgain when one does not come, asked for several times."""

    def __init__(self, session: Session, sharding: Sharding, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session, self._sharding, self._sleep = session, sharding, sleep

    def identities(self, buckets: Iterable[Bucket]) -> Iterator[tuple[str, str, Millis, str]]:
        waiting: deque[tuple[_Partition, Any]] = deque()
        for log_type, service, start in buckets:
            for shard in range(self._sharding.shards(start)):
                if len(waiting) == _IN_FLIGHT:
                    yield from self._rows(*waiting.popleft())
                place = _Partition(log_type, service, start, shard)
                waiting.append((place, self._ask(place)))
        while waiting:
            yield from self._rows(*waiting.popleft())

    def _ask(self, place: _Partition) -> Any:
        statement = self._session.prepare(
            f"SELECT blob_as_bigint(timestamp_as_blob(ts)), uid FROM events_{place.log_type} "  # noqa: S608
            "WHERE service = ? AND bucket = ? AND shard = ?"
        )
        bound = statement.bind(place[1:])
        bound.fetch_size = _PAGE
        return self._session.execute_async(bound)

    def _rows(self, place: _Partition, asked: Any) -> Iterator[tuple[str, str, Millis, str]]:
        for at, uid in self._whole(place, asked):
            yield place.log_type, place.service, at, uid

    def _whole(self, place: _Partition, asked: Any) -> list[Any]:
        """All of the partition before any of it is counted, so that it can be asked for again."""
        for attempt in count(1):
            try:
                with translating():
                    return list((asked or self._ask(place)).result())
            except TryAgain:
                if attempt == _TIMES:
                    raise
                asked = None
                self._sleep(_AGAIN_S)
        raise AssertionError
