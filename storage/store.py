"""The contract of every store of history: Cassandra, MongoDB, and the twin in memory; all take the same tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from logverse.instant import Millis
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.series_rows import SeriesStore
from storage.stats import TableStats


class Position(NamedTuple):
    """A place in the time order of events, newest first: what comes after it is older, or as old with a greater uid."""

    timestamp: Millis
    uid: str


class UserPosition(NamedTuple):
    """A place in a user's activity over all services: of the same time and uid, the greater service name comes behind."""

    timestamp: Millis
    uid: str
    service_name: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of one service and log type with `since` <= timestamp < `until` (event time) and these column values.

    `equal` names columns of StoredEvent that the store looks up by itself: client_address, user_id, session_id, trace_id.
    """

    log_type: str
    service_name: str
    since: Millis
    until: Millis
    equal: Mapping[str, str] = field(default_factory=dict)


class Store(Protocol):
    """What is saved twice is there once. Every method raises TryAgain when the store is away or busy.

    Rows live as long as their table says (settings keep_…), from when they are saved on. `written` (milliseconds UTC) saves them as of
    then, for what is restored: they have left what they would have left; what would be gone by now is not kept.
    """

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None = None) -> list[RefusedRow]:
        """Keep these; what the store will never take comes back with its reason, all others are kept."""

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None = None) -> list[RefusedRow]:
        """Keep these transitions."""

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None = None) -> list[RefusedRow]:
        """Keep these."""

    def events(self, selection: Selection, after: Position | None = None, page: int = 100) -> Iterator[StoredEvent]:
        """Newest first over all buckets and shards, from behind `after` on; reads about `page` rows at a time, memory stays bounded."""

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        """The one event that lies there; None when there is none (any more)."""

    def activity(
        self, user_id: str, since: Millis, until: Millis, after: UserPosition | None = None, page: int = 100
    ) -> Iterator[StoredEvent]:
        """A user's activity over all services, newest first, as `events` does."""

    def buckets(self, log_type: str, service_name: str, since: Millis, until: Millis) -> Iterator[Millis]:
        """Starts of the buckets (storage/layout.py) that overlap the range and hold events, newest first: what a query may skip."""

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        """Newest first."""

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        """All transitions of one alert, oldest first."""

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        """Newest first; '' has those of no service, None of all."""

    def services(self) -> Iterable[tuple[str, str]]:
        """Every (service, log type) that has events."""

    def identities(self, buckets: Iterable[tuple[str, str, Millis]]) -> Iterator[tuple[str, str, Millis, str]]:
        """(log type, service, timestamp, uid) of every event of these buckets (log type, service, start), in any order, and cheaply."""

    @property
    def series(self) -> SeriesStore:
        """The series beside the events."""

    def policies(self) -> dict[str, list[tuple[Millis, str]]]:
        """Which storage policy held since when, as written down here (storage/policy.py, Epochs), by log type, oldest first."""

    def add_policies(self, new: Iterable[tuple[str, Millis, str]]) -> None:
        """Write down (log type, since, policy): every replay and every account then decides as the first reading did."""

    def stats(self) -> list[TableStats]:
        """Every table, by name."""

    def close(self) -> None:
        """Let go of the far side."""
