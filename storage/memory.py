"""The twin in memory of the stores: what tests ask instead of a server. It takes the same contract tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from logverse.instant import Millis
from storage.layout import BUCKET_MS, bucket_of
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Position, Selection, UserPosition

# What Cassandra takes as part of a key, in bytes; the twin refuses the same rows.
LONGEST_KEY = 65_535

_Row = TypeVar("_Row")


class MemoryStore:
    """Rows in dicts, by what makes them one row."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], dict[Position, StoredEvent]] = {}
        self._alerts: dict[tuple[Millis, str], StoredAlert] = {}
        self._anomalies: dict[tuple[str, Millis, str], StoredAnomaly] = {}

    def save_events(self, events: Sequence[StoredEvent]) -> list[RefusedRow]:
        def keep(event: StoredEvent) -> None:
            kept = self._events.setdefault((event.log_type, event.service_name), {})
            kept[Position(event.timestamp, event.uid)] = event

        return _saved(events, keep, lambda event: (event.service_name, event.uid))

    def save_alerts(self, alerts: Sequence[StoredAlert]) -> list[RefusedRow]:
        def keep(alert: StoredAlert) -> None:
            self._alerts[alert.at, alert.transition_id] = alert

        return _saved(alerts, keep, lambda alert: (alert.alert_id, alert.transition_id))

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly]) -> list[RefusedRow]:
        def keep(anomaly: StoredAnomaly) -> None:
            self._anomalies[anomaly.service_name, anomaly.at, anomaly.id] = anomaly

        return _saved(anomalies, keep, lambda anomaly: (anomaly.service_name, anomaly.id))

    def events(self, selection: Selection, after: Position | None = None, page: int = 100) -> Iterator[StoredEvent]:
        kept = self._events.get((selection.log_type, selection.service_name), {}).values()
        chosen = (event for event in kept if all(getattr(event, name) == value for name, value in selection.equal.items()))
        return _newest_first(chosen, selection.since, selection.until, after)

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        return self._events.get((log_type, service_name), {}).get(at)

    def activity(
        self, user_id: str, since: Millis, until: Millis, after: UserPosition | None = None, page: int = 100
    ) -> Iterator[StoredEvent]:
        kept = (event for (log_type, _), events in self._events.items() if log_type == "activity" for event in events.values())
        return _newest_first((event for event in kept if event.user_id == user_id), since, until, after)

    def buckets(self, log_type: str, service_name: str, since: Millis, until: Millis) -> Iterator[Millis]:
        found = {bucket_of(at.timestamp) for at in self._events.get((log_type, service_name), {})}
        return iter(sorted((bucket for bucket in found if since - BUCKET_MS < bucket < until), reverse=True))

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        chosen = [alert for alert in self._alerts.values() if since <= alert.at < until]
        return iter(sorted(chosen, key=lambda alert: (-alert.at, alert.transition_id)))

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        chosen = [alert for alert in self._alerts.values() if alert.alert_id == alert_id]
        return sorted(chosen, key=lambda alert: (alert.at, alert.transition_id))

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        chosen = [one for one in self._anomalies.values() if service_name in (None, one.service_name) and since <= one.at < until]
        return iter(sorted(chosen, key=lambda one: (-one.at, one.id)))

    def services(self) -> Iterable[tuple[str, str]]:
        return sorted((service, log_type) for log_type, service in self._events)

    def close(self) -> None:
        """There is no far side."""


def _saved(rows: Sequence[_Row], keep: Callable[[_Row], None], keys: Callable[[_Row], tuple[str, ...]]) -> list[RefusedRow]:
    refused = []
    for place, row in enumerate(rows):
        reason = next((why for key in keys(row) if (why := _wrong(key))), "")
        if reason:
            refused.append(RefusedRow(place, reason))
        else:
            keep(row)
    return refused


def _wrong(key: str) -> str:
    size = len(key.encode("utf-8", "replace"))
    return f"a key of {size} bytes is longer than {LONGEST_KEY}" if size > LONGEST_KEY else ""


def _newest_first(
    events: Iterable[StoredEvent], since: Millis, until: Millis, after: Position | UserPosition | None
) -> Iterator[StoredEvent]:
    def order(event: StoredEvent) -> tuple[Any, ...]:
        return (-event.timestamp, event.uid, event.service_name)

    def behind(event: StoredEvent) -> bool:
        return after is None or order(event)[: len(after)] > (-after.timestamp, *after[1:])

    return iter(sorted((event for event in events if since <= event.timestamp < until and behind(event)), key=order))
