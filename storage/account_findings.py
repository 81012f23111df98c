"""Alerts and anomalies in an account: each is judged and looked for as an event is, its id for a uid and no policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from logverse.alert import Alert
from logverse.anomaly import Anomaly
from logverse.errors import Malformed
from logverse.instant import Millis
from storage.account import Bucket, Judge, Keeps
from storage.layout import BUCKET_MS
from storage.store import Store

ALERTS, ANOMALIES = "alerts", "anomalies"
KINDS = (ALERTS, ANOMALIES)


class FindingsToo:
    """A Judge of findings as well. `kinds`: topic (full name) → one of KINDS; records of all other topics are `events`' to judge."""

    def __init__(self, events: Judge, kinds: Mapping[str, str]) -> None:
        self._events, self._kinds = events, kinds

    def event(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> tuple[Any, ...] | None:
        """Of a finding (kind, service, at, id) and two columns that are not there; Malformed when it is none."""
        kind = self._kinds.get(topic)
        if kind is None:
            return self._events.event(topic, partition, offset, appended, value)
        if value is None:
            raise Malformed("empty record")
        if kind == ALERTS:
            alert = Alert.from_json(value)
            return kind, "", alert.at, alert.transition_id, None, None
        anomaly = Anomaly.from_json(value)
        return kind, anomaly.group.get("service.name", ""), anomaly.ends_at, anomaly.id, None, None


class RowsAndFindings:
    """Rows of events and of findings, out of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def identities(self, buckets: Iterable[Bucket]) -> Iterator[tuple[str, str, Millis, str]]:
        wanted = list(buckets)
        yield from self._store.identities(bucket for bucket in wanted if bucket[0] not in KINDS)
        for kind, service, start in wanted:
            if kind == ALERTS:
                yield from ((kind, "", row.at, row.transition_id) for row in self._store.alerts(start, start + BUCKET_MS))
            elif kind == ANOMALIES:
                found = self._store.anomalies(service, start, start + BUCKET_MS)
                yield from ((kind, service, row.at, row.id) for row in found)


def keeping_all(events: Keeps) -> Keeps:
    """A policy for findings as well: they are all stored."""
    return lambda kind, at, severity, status, uid: kind in KINDS or events(kind, at, severity, status, uid)
