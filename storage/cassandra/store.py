"""Cassandra as the store of history: reading and writing over one session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from logverse.instant import Millis
from logverse.settings import Settings
from storage.cassandra import policies, sharding, stats
from storage.cassandra.account_reading import CassandraRows
from storage.cassandra.connection import Session, connect
from storage.cassandra.findings import FindingReading
from storage.cassandra.reading import EventReading
from storage.cassandra.register import Register
from storage.cassandra.series import CassandraSeries
from storage.cassandra.writing import Writing
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.stats import TableStats
from storage.store import Position, Selection, UserPosition


class CassandraStore:
    """The contract `Store`, over this session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        shards = sharding.read(session)
        self._register = Register(session)
        self._events, self._findings = EventReading(session, shards, self._register), FindingReading(session, self._register)
        self._writing = Writing(session, shards)
        self._rows = CassandraRows(session, shards)
        self.series = CassandraSeries(session)

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_events(events, written)

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_alerts(alerts, written)

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_anomalies(anomalies, written)

    def events(self, selection: Selection, after: Position | None = None, page: int = 100) -> Iterator[StoredEvent]:
        return self._events.events(selection, after, page)

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        return self._events.event(log_type, service_name, at)

    def activity(
        self, user_id: str, since: Millis, until: Millis, after: UserPosition | None = None, page: int = 100
    ) -> Iterator[StoredEvent]:
        return self._events.activity(user_id, since, until, after, page)

    def buckets(self, log_type: str, service_name: str, since: Millis, until: Millis) -> Iterator[Millis]:
        return self._register.buckets(log_type, service_name, since, until)

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        return self._findings.alerts(since, until)

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        return self._findings.timeline(alert_id)

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        return self._findings.anomalies(service_name, since, until)

    def services(self) -> Iterable[tuple[str, str]]:
        return self._register.services()

    def identities(self, buckets: Iterable[tuple[str, str, Millis]]) -> Iterator[tuple[str, str, Millis, str]]:
        return self._rows.identities(buckets)

    def policies(self) -> dict[str, list[tuple[Millis, str]]]:
        return policies.epochs(self.session)

    def add_policies(self, new: Iterable[tuple[str, Millis, str]]) -> None:
        policies.add(self.session, new)

    def stats(self) -> list[TableStats]:
        return stats.stats(self.session)

    def close(self) -> None:
        self.session.close()


def opened(settings: Settings) -> CassandraStore:
    """The store of these settings. TryAgain while it is away, WrongSettings when its schema is missing, Refused when it keeps us out."""
    session = connect(settings)
    try:
        return CassandraStore(session)
    except BaseException:
        session.close()
        raise
