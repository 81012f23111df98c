"""One bucket of events, merged over its shards: the newest few of every shard by one statement, then more of those that need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import dropwhile
from typing import Any

from logverse.event import LOG_TYPES
from logverse.instant import Millis
from storage.cassandra.connection import Session, translating
from storage.cassandra.partition import MOST_BYTES as MOST_FETCHED
from storage.cassandra.partition import Partition
from storage.layout import bucket_of
from storage.rows import StoredEvent
from storage.store import Position, Selection

INDEXED = ("client_address", "user_id", "session_id", "trace_id")
IN_FLIGHT = 64
# Rows of each shard that are fetched first: three times its share of a page, so that one shard in a thousand needs a second look.
SHARE, LEAST, MOST = 3, 4, 16
# They come in few answers: the first has so many rows, because nobody knows yet how heavy they are, the next as many as are so many bytes
# by the heaviest so far. What is over that is read shard by shard.
TRIED, MOST_BYTES = 16, 8_000_000

# As a number: the driver's own way over datetime is slow and ends in the year 9999.
COLUMNS = (
    "blob_as_bigint(timestamp_as_blob(ts)) AS at, uid, severity_number, status_code, route, client_address, user_id, session_id, "
    "trace_id, record"
)


def table(log_type: str) -> str:
    """The table of a log type, which becomes text of a statement."""
    if log_type not in LOG_TYPES:
        raise ValueError(f"no such log type: {log_type!r}")
    return f"events_{log_type}"


class Bucket:
    """The events of a selection in one bucket. Asked for when it is made; `rows` are merged, newest first."""

    def __init__(self, session: Session, selection: Selection, bucket: Millis, shards: int, after: Position | None, page: int) -> None:
        self._session, self._selection, self._bucket, self._shards = session, selection, bucket, shards
        self._names = sorted(selection.equal)
        if unknown := set(self._names) - set(INDEXED):
            raise ValueError(f"no index: {', '.join(sorted(unknown))}")
        inside = after is not None and bucket_of(after.timestamp) == bucket and after.timestamp < selection.until
        self._after = after if inside else None
        self._first = max(LEAST, min(SHARE * page // shards, MOST))
        self._rows = self._looked_up() if self._names else self._of_all_shards()

    def rows(self) -> Iterator[StoredEvent]:
        return self._rows()

    def _looked_up(self) -> Callable[[], Iterator[StoredEvent]]:
        """By index, shard by shard: an index goes with no IN."""
        asked: list[Partition[StoredEvent]] = []
        for shard in range(self._shards):
            if shard >= IN_FLIGHT:
                asked[shard - IN_FLIGHT].settle()
            asked.append(self._partition(self._statements(shard, self._after), self._first))
            asked[-1].ask()
        return lambda: merge(*(partition.rows() for partition in asked), key=order)

    def _of_all_shards(self) -> Callable[[], Iterator[StoredEvent]]:
        """By one statement, or two behind an event: the rest of its millisecond, and what is older."""
        everywhere = list(range(self._shards))
        statements = [self._bind(leg, everywhere, "IN", self._first) for leg in self._legs(self._after)]
        asked = [(bound, self._session.execute_async(bound)) for bound in statements]

        def rows() -> Iterator[StoredEvent]:
            found: list[list[StoredEvent]] = [[] for _ in everywhere]
            short = [True] * self._shards  # the shard has no more than this in its legs so far
            for bound, future in asked:
                counts = [0] * self._shards
                answer, whole = self._answer(bound, future)
                for row in answer:
                    counts[row[-1]] += 1
                    if short[row[-1]]:
                        found[row[-1]].append(self._event(row[:-1]))
                short = [fits and whole and count < self._first for fits, count in zip(short, counts, strict=True)]
            return merge(*(self._shard(shard, found[shard], short[shard]) for shard in everywhere), key=order)

        return rows

    def _answer(self, bound: Any, future: Any) -> tuple[list[Any], bool]:
        """Rows of this statement, MOST_BYTES or little more, and whether these are all."""
        rows: list[Any] = []
        heaviest = weight = 1
        while True:
            with translating():
                result = future.result()
            rows += result.current_rows
            sizes = [len(row[-2]) for row in result.current_rows]
            weight, heaviest = weight + sum(sizes), max([heaviest, *sizes])
            fit = (MOST_BYTES - weight) // heaviest
            if result.paging_state is None or fit < 1:
                return rows, result.paging_state is None
            bound.fetch_size = min(fit, self._first * self._shards)
            future = self._session.execute_async(bound, paging_state=result.paging_state)

    def _shard(self, shard: int, first: Sequence[StoredEvent], complete: bool) -> Iterator[StoredEvent]:
        """What was fetched, then the rest."""
        yield from first
        if complete:
            return
        if not first:
            yield from self._partition(self._statements(shard, self._after), 1).rows()
            return
        last = Position(first[-1].timestamp, first[-1].uid)
        fetch = max(1, min(2 * self._first, MOST_FETCHED // max(1, *(len(event.record) for event in first))))
        if self._after and last.timestamp == self._after.timestamp:
            yield from self._partition(self._statements(shard, last), fetch).rows()
        else:  # from the last one's millisecond on, of which only a few are known: cheaper than a request for the rest of it
            statement = self._bind((_OLDER, (self._selection.since, last.timestamp + 1)), shard)
            rest = self._partition([statement], fetch).rows()
            yield from dropwhile(lambda event: order(event) <= (-last.timestamp, last.uid), rest)

    def _partition(self, statements: Sequence[Any], first: int) -> Partition[StoredEvent]:
        return Partition(self._session, statements, first, self._event, lambda event: len(event.record))

    def _statements(self, shard: int, after: Position | None) -> list[Any]:
        return [self._bind(leg, shard) for leg in self._legs(after)]

    def _legs(self, after: Position | None) -> list[tuple[str, tuple[Any, ...]]]:
        """Conditions on time and uid, and their values, in the order of what they find."""
        since, until = self._selection.since, self._selection.until
        return [(_SAME, tuple(after)), (_OLDER, (since, after.timestamp))] if after else [(_OLDER, (since, until))]

    def _bind(self, leg: tuple[str, tuple[Any, ...]], shard: Any, which: str = "=", each: int = 0) -> Any:
        condition, values = leg
        text = (
            f"SELECT {COLUMNS}{', shard' if each else ''} FROM {table(self._selection.log_type)} "  # noqa: S608
            f"WHERE service = ? AND bucket = ? AND shard {which} ? AND {condition}"
            + "".join(f" AND {name} = ?" for name in self._names)
            + (" PER PARTITION LIMIT ?" if each else "")
        )
        key = (self._selection.service_name, self._bucket, shard)
        equal = (self._selection.equal[name] for name in self._names)
        bound = self._session.prepare(text).bind((*key, *values, *equal, *((each,) if each else ())))
        bound.fetch_size = TRIED if each else None
        return bound

    def _event(self, row: Sequence[Any]) -> StoredEvent:
        return StoredEvent(self._selection.log_type, self._selection.service_name, *row)


_SAME, _OLDER = "ts = ? AND uid > ?", "ts >= ? AND ts < ?"


def order(event: StoredEvent) -> tuple[Millis, str]:
    """Newest first, then by uid."""
    return (-event.timestamp, event.uid)
