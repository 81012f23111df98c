"""Which events Cassandra holds, without what is in them: for the account."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from logverse.instant import Millis
from storage.account import Bucket
from storage.cassandra.connection import Session, translating
from storage.layout import Sharding

_IN_FLIGHT = 32  # partitions
_PAGE = 5000  # of about 80 bytes


class CassandraRows:
    """Reads the keys of all partitions of a bucket, many at a time."""

    def __init__(self, session: Session, sharding: Sharding) -> None:
        self._session, self._sharding = session, sharding

    def identities(self, buckets: Iterable[Bucket]) -> Iterator[tuple[str, str, Millis, str]]:
        waiting: deque[tuple[str, str, Any]] = deque()
        for log_type, service, start in buckets:
            for shard in range(self._sharding.shards(start)):
                if len(waiting) == _IN_FLIGHT:
                    yield from _rows(*waiting.popleft())
                waiting.append((log_type, service, self._ask(log_type, service, start, shard)))
        while waiting:
            yield from _rows(*waiting.popleft())

    def _ask(self, log_type: str, service: str, start: Millis, shard: int) -> Any:
        statement = self._session.prepare(
            f"SELECT blob_as_bigint(timestamp_as_blob(ts)), uid FROM events_{log_type} WHERE service = ? AND bucket = ? AND shard = ?"  # noqa: S608
        )
        bound = statement.bind((service, start, shard))
        bound.fetch_size = _PAGE
        return self._session.execute_async(bound)


def _rows(log_type: str, service: str, asked: Any) -> Iterator[tuple[str, str, Millis, str]]:
    with translating():
        for at, uid in asked.result():
            yield log_type, service, at, uid
