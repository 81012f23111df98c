"""Alerts and anomalies out of Cassandra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from logverse.instant import Millis
from storage.cassandra.connection import Session, translating
from storage.layout import day_of, month_of
from storage.rows import StoredAlert, StoredAnomaly

# Of a longer range than this many partitions, it is asked which there are.
MANY = 100
_DAY = 86_400_000

_ALERT = "blob_as_bigint(timestamp_as_blob(at)) AS at, transition_id, alert_id, rule, status, severity, service, record"


class FindingReading:
    """What the detect job found: alerts by time or by id, anomalies by service."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        """Newest first, month after month."""
        prepared = self._session.prepare(f"SELECT {_ALERT} FROM alerts WHERE month = ? AND at >= ? AND at < ?")  # noqa: S608
        months = sorted({month_of(day) for day in _days(since, until)}, reverse=True)
        if len(months) > MANY:
            there = {row[0] for row in self._rows("SELECT DISTINCT blob_as_bigint(timestamp_as_blob(month)) FROM alerts", ())}
            months = [month for month in months if month in there]
        for month in months:
            yield from (StoredAlert(*row) for row in self._rows(prepared, (month, since, until)))

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        """The transitions that `alerts_by_id` points to, oldest first."""
        places = "SELECT blob_as_bigint(timestamp_as_blob(at)), transition_id FROM alerts_by_id WHERE alert_id = ?"
        whole = self._session.prepare(f"SELECT {_ALERT} FROM alerts WHERE month = ? AND at = ? AND transition_id = ?")  # noqa: S608
        found = (
            self._rows(whole, (month_of(at), at, transition)) for at, transition in self._rows(self._session.prepare(places), (alert_id,))
        )
        return [StoredAlert(*row) for rows in found for row in rows]

    def anomalies(self, service_name: str, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        """Newest first, day after day."""
        text = (
            "SELECT blob_as_bigint(timestamp_as_blob(at)) AS at, id, rule, record FROM anomalies "
            "WHERE service = ? AND day = ? AND at >= ? AND at < ?"
        )
        prepared = self._session.prepare(text)
        days: Iterable[Millis] = _days(since, until)
        if (until - since) // _DAY > MANY:
            rows = self._rows("SELECT DISTINCT service, blob_as_bigint(timestamp_as_blob(day)) FROM anomalies", ())
            days = sorted((day for service, day in rows if service == service_name and day_of(since) <= day < until), reverse=True)
        for day in days:
            for at, uid, rule, record in self._rows(prepared, (service_name, day, since, until)):
                yield StoredAnomaly(at, uid, rule, service_name, record)

    def _rows(self, statement: Any, values: tuple[Any, ...]) -> Iterator[Any]:
        """The driver fetches page after page; what it raises then is translated too."""
        prepared = self._session.prepare(statement) if isinstance(statement, str) else statement
        result = self._session.execute(prepared.bind(values))
        with translating():
            yield from result


def _days(since: Millis, until: Millis) -> Iterable[Millis]:
    """First instants of the days that overlap the range, newest first."""
    return range(day_of(until - 1), day_of(since) - 1, -_DAY) if since < until else ()
