"""Alerts and anomalies out of Cassandra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Any

from logverse.instant import Millis
from storage.cassandra.connection import Session, translating
from storage.cassandra.register import ANOMALIES, Register
from storage.layout import DAY_MS, month_of
from storage.rows import StoredAlert, StoredAnomaly

MANY = 100  # months; of a longer range it is asked which there are

_ALERT = "blob_as_bigint(timestamp_as_blob(at)) AS at, transition_id, alert_id, rule, status, severity, service, record"


class FindingReading:
    """What the detect job found: alerts by time or by id, anomalies by service."""

    def __init__(self, session: Session, register: Register) -> None:
        self._session, self._register = session, register

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        """Newest first, month after month."""
        prepared = self._session.prepare(f"SELECT {_ALERT} FROM alerts WHERE month = ? AND at >= ? AND at < ?")  # noqa: S608
        for month in self._months(since, until):
            yield from (StoredAlert(*row) for row in self._rows(prepared, (month, since, until)))

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        """The transitions that `alerts_by_id` points to, oldest first."""
        places = "SELECT blob_as_bigint(timestamp_as_blob(at)), transition_id FROM alerts_by_id WHERE alert_id = ?"
        whole = self._session.prepare(f"SELECT {_ALERT} FROM alerts WHERE month = ? AND at = ? AND transition_id = ?")  # noqa: S608
        found = (
            self._rows(whole, (month_of(at), at, transition)) for at, transition in self._rows(self._session.prepare(places), (alert_id,))
        )
        return [StoredAlert(*row) for rows in found for row in rows]

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        """Newest first, day after day, of the days that hold any."""
        if service_name is not None or since >= until:
            return self._anomalies(service_name or "", since, until)
        seen = self._register.by_service(ANOMALIES, since, until)
        return merge(*(self._anomalies(name, since, until, months) for name, months in seen.items()), key=lambda one: (-one.at, one.id))

    def _anomalies(
        self, service_name: str, since: Millis, until: Millis, months: Sequence[Millis] | None = None
    ) -> Iterator[StoredAnomaly]:  # fmt: skip
        text = (
            "SELECT blob_as_bigint(timestamp_as_blob(at)) AS at, id, rule, record FROM anomalies "
            "WHERE service = ? AND day = ? AND at >= ? AND at < ?"
        )
        prepared = self._session.prepare(text)
        for day in self._register.buckets(ANOMALIES, service_name, since, until, DAY_MS, months):
            for at, uid, rule, record in self._rows(prepared, (service_name, day, since, until)):
                yield StoredAnomaly(at, uid, rule, service_name, record)

    def _months(self, since: Millis, until: Millis) -> Iterator[Millis]:
        """First instants of the months that overlap the range and may hold alerts, newest first."""
        if since >= until:
            return
        first, month = month_of(since), month_of(until - 1)
        if month - first > MANY * 31 * DAY_MS:
            found = self._rows("SELECT DISTINCT blob_as_bigint(timestamp_as_blob(month)) FROM alerts", ())
            yield from sorted((row[0] for row in found if first <= row[0] <= month), reverse=True)
            return
        while month >= first:
            yield month
            month = month_of(month - 1)

    def _rows(self, statement: Any, values: tuple[Any, ...]) -> Iterator[Any]:
        """The driver fetches page after page; what it raises then is translated too."""
        prepared = self._session.prepare(statement) if isinstance(statement, str) else statement
        result = self._session.execute(prepared.bind(values))
        with translating():
            yield from result
