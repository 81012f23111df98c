"""The twin in memory of the stores: what tests ask instead of a server. It takes the same contract tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from logverse import instant
from logverse.instant import Millis
from storage.layout import BUCKET_MS, LONGEST_KEY, bucket_of
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.series_memory import MemorySeries
from storage.stats import TableStats
from storage.store import Position, Selection, UserPosition

_Row = TypeVar("_Row")


class MemoryStore:
    """Rows in dicts, by what makes them one row. `kept`: seconds that each table keeps its rows, as its schema says; none: for ever."""

    def __init__(self, clock: Callable[[], Millis] = instant.now) -> None:
        self._events: dict[tuple[str, str], dict[Position, StoredEvent]] = {}
        self._alerts: dict[tuple[Millis, str], StoredAlert] = {}
        self._anomalies: dict[tuple[str, Millis, str], StoredAnomaly] = {}
        self._policies: dict[str, dict[Millis, str]] = {}
        self._clock = clock
        self.kept: dict[str, int] = {}
        self.series = MemorySeries()

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None = None) -> list[RefusedRow]:
        def keep(event: StoredEvent) -> None:
            if not self._gone(f"events_{event.log_type}", written):
                kept = self._events.setdefault((event.log_type, event.service_name), {})
                kept[Position(event.timestamp, event.uid)] = event

        return _saved(events, keep, lambda event: (event.service_name, event.uid))

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None = None) -> list[RefusedRow]:
        def keep(alert: StoredAlert) -> None:
            if not self._gone("alerts", written):
                self._alerts[alert.at, alert.transition_id] = alert

        return _saved(alerts, keep, lambda alert: (alert.alert_id, alert.transition_id))

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None = None) -> list[RefusedRow]:
        def keep(anomaly: StoredAnomaly) -> None:
            if not self._gone("anomalies", written):
                self._anomalies[anomaly.service_name, anomaly.at, anomaly.id] = anomaly

        return _saved(anomalies, keep, lambda anomaly: (anomaly.service_name, anomaly.id))

    def _gone(self, table: str, written: Millis | None) -> bool:
        """Whether a row that was written then would have expired."""
        return written is not None and table in self.kept and self._clock() - written >= self.kept[table] * 1000

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

    def identities(self, buckets: Iterable[tuple[str, str, Millis]]) -> Iterator[tuple[str, str, Millis, str]]:
        for log_type, service, start in buckets:
            for at, uid in self._events.get((log_type, service), {}):
                if start <= at < start + BUCKET_MS:
                    yield log_type, service, at, uid

    def policies(self) -> dict[str, list[tuple[Millis, str]]]:
        return {log_type: sorted(of_type.items()) for log_type, of_type in self._policies.items()}

    def add_policies(self, new: Iterable[tuple[str, Millis, str]]) -> None:
        for log_type, since, policy in new:
            self._policies.setdefault(log_type, {})[since] = policy

    def stats(self) -> list[TableStats]:
        rows = {f"events_{log_type}": 0 for log_type, _ in self._events} | {"alerts": len(self._alerts), "anomalies": len(self._anomalies)}
        for (log_type, _), events in self._events.items():
            rows[f"events_{log_type}"] += len(events)
        tables = sorted({*rows, *self.kept})
        return [TableStats(table, self.kept.get(table, 0), rows.get(table, 0), None, 0, None, 0) for table in tables]

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
