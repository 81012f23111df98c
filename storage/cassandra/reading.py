"""What history answers out of Cassandra: newest first, by a merge over the shards of a bucket, bucket after bucket.

No statement filters: each one reads partitions by their whole key, in their order, or looks up an index inside one partition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from logverse.instant import Millis
from storage.cassandra.bucket import COLUMNS, Bucket, table
from storage.cassandra.connection import Session, translating
from storage.cassandra.partition import Partition
from storage.cassandra.register import Register
from storage.layout import Sharding, bucket_of, month_of
from storage.rows import StoredEvent
from storage.store import Position, Selection, UserPosition

# How many buckets are asked for ahead when the ones before held less than a page.
AHEAD = 3


class EventReading:
    """Events, by service or by user."""

    def __init__(self, session: Session, sharding: Sharding, register: Register) -> None:
        self._session, self._sharding, self._register = session, sharding, register

    def events(self, selection: Selection, after: Position | None = None, page: int = 100) -> Iterator[StoredEvent]:
        """As the contract says. A bucket is asked only when the one before is used up, or ahead while buckets hold less than a page."""
        until = min(selection.until, after.timestamp + 1) if after else selection.until
        buckets = self._register.buckets(selection.log_type, selection.service_name, selection.since, until)
        asked: deque[Bucket] = deque()
        ahead = 0
        while True:
            while len(asked) <= ahead and (bucket := next(buckets, None)) is not None:
                asked.append(Bucket(self._session, selection, bucket, self._sharding.shards(bucket), after, page))
            if not asked:
                return
            count = 0
            for event in asked.popleft().rows():
                count += 1
                yield event
            ahead = 0 if count >= page else min(ahead + 1, AHEAD)

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        """By its whole key."""
        bound = self._event_key(log_type, service_name, at)
        found = self._session.execute(bound).one()
        return StoredEvent(log_type, service_name, *found) if found else None

    def activity(
        self, user_id: str, since: Millis, until: Millis, after: UserPosition | None = None, page: int = 100
    ) -> Iterator[StoredEvent]:
        """By the pointers of `activity_by_user`; one whose event is gone is passed over."""
        until = min(until, after.timestamp + 1) if after else until
        for month in self._register.months("activity", since, until):
            for pointers in _chunks(self._pointers(user_id, month, since, until, after, page), page):
                asked = [
                    (service, self._session.execute_async(self._event_key("activity", service, Position(at, uid))))
                    for at, service, uid in pointers
                ]
                for service, future in asked:
                    with translating():
                        found = future.result().one()
                    if found:
                        yield StoredEvent("activity", service, *found)

    def _event_key(self, log_type: str, service_name: str, at: Position) -> Any:
        bucket = bucket_of(at.timestamp)
        shard = self._sharding.shard_of(bucket, at.uid)
        text = f"SELECT {COLUMNS} FROM {table(log_type)} WHERE service = ? AND bucket = ? AND shard = ? AND ts = ? AND uid = ?"  # noqa: S608
        return self._session.prepare(text).bind((service_name, bucket, shard, *at))

    def _pointers(
        self, user_id: str, month: Millis, since: Millis, until: Millis, after: UserPosition | None, page: int
    ) -> Iterator[tuple[Millis, str, str]]:
        start = (
            "SELECT blob_as_bigint(timestamp_as_blob(ts)) AS at, service, uid FROM activity_by_user WHERE user_id = ? AND month = ? AND "
        )
        older = self._session.prepare(f"{start}ts >= ? AND ts < ?")
        statements = [older.bind((user_id, month, since, until))]
        if after and month_of(after.timestamp) == month and since <= after.timestamp < until:
            same = self._session.prepare(f"{start}ts = ? AND (uid, service) > (?, ?)").bind((user_id, month, *after))
            statements = [same, older.bind((user_id, month, since, after.timestamp))]
        return Partition(self._session, statements, page, _pointer, len).rows()


def _pointer(row: Any) -> tuple[Millis, str, str]:
    return (row[0], row[1], row[2])


def _chunks(rows: Iterator[tuple[Millis, str, str]], size: int) -> Iterator[list[tuple[Millis, str, str]]]:
    chunk: list[tuple[Millis, str, str]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
