"""What history answers out of MongoDB: newest first, along the `_id` (storage/mongodb/keys.py) or an index that leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from bson.datetime_ms import DatetimeMS

from logverse.event import LOG_TYPES
from logverse.instant import Millis
from storage.layout import BUCKET_MS
from storage.mongodb.connection import Database, Document, translating
from storage.mongodb.keys import DIGITS, between, clean, newest_first, part, time_of
from storage.mongodb.writing import COLUMNS
from storage.rows import StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Position, Selection, UserPosition

INDEXED = ("client_address", "user_id", "session_id", "trace_id")
_RANGES = 100  # that are asked for at once
_KEYS = 5_000  # `_id`s in one answer

Order = list[tuple[str, int]]


class Reading:
    """Reads one database. Every method raises TryAgain while it is away, also as what it gave is iterated over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, selection: Selection, after: Position | None, page: int) -> Iterator[StoredEvent]:
        if unknown := set(selection.equal) - set(INDEXED):
            raise ValueError(f"no index: {', '.join(sorted(unknown))}")
        start = part(selection.service_name)
        place = between(start, selection.since, selection.until)
        if after and after.timestamp < selection.until:
            place |= {"$gt": start + newest_first(after.timestamp) + clean(after.uid)}
        condition = {"_id": place, **{name: clean(value) for name, value in selection.equal.items()}}
        found = self._find(collection(selection.log_type), condition, [("_id", 1)], page)
        return (_event(selection.log_type, one) for one in found)

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        key = part(service_name) + newest_first(at.timestamp) + clean(at.uid)
        return next((_event(log_type, one) for one in self._find(collection(log_type), {"_id": key}, [], 1)), None)

    def activity(self, user_id: str, since: Millis, until: Millis, after: UserPosition | None, page: int) -> Iterator[StoredEvent]:
        """Behind a place: the rest of its millisecond, and what is older."""
        legs: list[Document] = [{"at": _times(since, until)}]
        if after and after.timestamp < until:
            behind = [{"uid": {"$gt": clean(after.uid)}}, {"uid": clean(after.uid), "service": {"$gt": clean(after.service_name)}}]
            same = {"at": DatetimeMS(after.timestamp), "$or": behind}
            legs = [*([same] if after.timestamp >= since else []), {"at": _times(since, after.timestamp)}]
        for leg in legs:
            found = self._find("events_activity", {"user_id": clean(user_id), **leg}, [("at", -1), ("uid", 1), ("service", 1)], page)
            yield from (_event("activity", one) for one in found)

    def buckets(self, log_type: str, service_name: str, since: Millis, until: Millis) -> Iterator[Millis]:
        place = between(part(log_type) + part(service_name), since - BUCKET_MS + 1, until)
        return (int(one["start"]) for one in self._find("buckets", {"_id": place}, [("_id", 1)], 1_000))

    def services(self) -> Iterable[tuple[str, str]]:
        return sorted((one["service"], one["log_type"]) for one in self._find("services", {}, [], 1_000))

    def identities(self, buckets: Iterable[tuple[str, str, Millis]]) -> Iterator[tuple[str, str, Millis, str]]:
        """All in their `_id`s, which their index has: no document is read. Buckets side by side are one range of it."""
        for (log_type, service), of_service in groupby(sorted(set(buckets)), key=lambda bucket: bucket[:2]):
            start = part(service)
            ranges = iter([{"_id": between(start, *one)} for one in _joined([bucket for _, _, bucket in of_service])])
            while some := list(islice(ranges, _RANGES)):
                for one in self._find(collection(log_type), {"$or": some}, [], _KEYS, {"_id": 1}):
                    rest = one["_id"][len(start) :]
                    yield log_type, service, time_of(rest[:DIGITS]), rest[DIGITS:]

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        return map(_alert, self._find("alerts", {"_id": between("", since, until)}, [("_id", 1)], 500))

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        return list(map(_alert, self._find("alerts", {"alert_id": clean(alert_id)}, [("at", 1), ("transition_id", 1)], 500)))

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        if service_name is not None:
            place = between(part(service_name), since, until)
            return map(_anomaly, self._find("anomalies", {"_id": place}, [("_id", 1)], 500))
        return map(_anomaly, self._find("anomalies", {"at": _times(since, until)}, [("at", -1), ("id", 1)], 500))

    def _find(
        self, name: str, condition: Document, order: Order, batch: int, fields: dict[str, int] | None = None
    ) -> Iterator[Document]:  # fmt: skip
        """MongoDB cuts an answer at 16 MiB too: what is in memory stays bounded."""
        with translating(), self._database[name].find(condition, fields, batch_size=batch) as cursor:
            yield from cursor.sort(order) if order else cursor


def collection(log_type: str) -> str:
    """The collection of a log type."""
    if log_type not in LOG_TYPES:
        raise ValueError(f"no such log type: {log_type!r}")
    return f"events_{log_type}"


def _joined(starts: Sequence[Millis]) -> Iterator[tuple[Millis, Millis]]:
    """Sorted starts of buckets as ranges.

    >>> list(_joined([0, 600_000, 1_800_000]))
    [(0, 1200000), (1800000, 2400000)]
    """
    first, end = starts[0], starts[0]
    for start in starts:
        if start != end:
            yield first, end
            first = start
        end = start + BUCKET_MS
    yield first, end


def _times(since: Millis, until: Millis) -> dict[str, Any]:
    return {"$gte": DatetimeMS(since), "$lt": DatetimeMS(until)}


def _event(log_type: str, one: Document) -> StoredEvent:
    return StoredEvent._make((log_type, one["service"], int(one["at"]), one["uid"], *map(one.get, COLUMNS), one["record"]))


def _alert(one: Document) -> StoredAlert:
    texts = (one[name] for name in ("transition_id", "alert_id", "rule", "status", "severity", "service"))
    return StoredAlert._make((int(one["at"]), *texts, one["record"]))


def _anomaly(one: Document) -> StoredAnomaly:
    return StoredAnomaly(int(one["at"]), one["id"], one["rule"], one["service"], one["record"])
