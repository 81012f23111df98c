"""MongoDB as the store of history: reading and writing over one client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bson.datetime_ms import DatetimeMS
from pymongo import ReplaceOne

from logverse.instant import Millis
from logverse.settings import Settings
from storage.mongodb.bulks import Sender
from storage.mongodb.connection import Database, connect, translating
from storage.mongodb.keys import oldest_first, part
from storage.mongodb.reading import Reading
from storage.mongodb.series import MongoSeries
from storage.mongodb.stats import stats
from storage.mongodb.writing import Writing
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.stats import TableStats
from storage.store import Position, Selection, UserPosition


class MongoStore:
    """The contract `Store`, over this database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading, self._writing = Reading(database), Writing(database)
        self.series = MongoSeries(database)

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_events(events, written)

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_alerts(alerts, written)

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None = None) -> list[RefusedRow]:
        return self._writing.save_anomalies(anomalies, written)

    def events(self, selection: Selection, after: Position | None = None, page: int = 100) -> Iterator[StoredEvent]:
        return self._reading.events(selection, after, page)

    def event(self, log_type: str, service_name: str, at: Position) -> StoredEvent | None:
        return self._reading.event(log_type, service_name, at)

    def activity(
        self, user_id: str, since: Millis, until: Millis, after: UserPosition | None = None, page: int = 100
    ) -> Iterator[StoredEvent]:
        return self._reading.activity(user_id, since, until, after, page)

    def buckets(self, log_type: str, service_name: str, since: Millis, until: Millis) -> Iterator[Millis]:
        return self._reading.buckets(log_type, service_name, since, until)

    def alerts(self, since: Millis, until: Millis) -> Iterator[StoredAlert]:
        return self._reading.alerts(since, until)

    def timeline(self, alert_id: str) -> list[StoredAlert]:
        return self._reading.timeline(alert_id)

    def anomalies(self, service_name: str | None, since: Millis, until: Millis) -> Iterator[StoredAnomaly]:
        return self._reading.anomalies(service_name, since, until)

    def services(self) -> Iterable[tuple[str, str]]:
        return self._reading.services()

    def identities(self, buckets: Iterable[tuple[str, str, Millis]]) -> Iterator[tuple[str, str, Millis, str]]:
        return self._reading.identities(buckets)

    def policies(self) -> dict[str, list[tuple[Millis, str]]]:
        found: dict[str, list[tuple[Millis, str]]] = {}
        with translating():
            for one in self._database["policies"].find():
                found.setdefault(one["log_type"], []).append((int(one["since"]), one["policy"]))
        return {log_type: sorted(of_type) for log_type, of_type in found.items()}

    def add_policies(self, new: Iterable[tuple[str, Millis, str]]) -> None:
        def upsert(log_type: str, since: Millis, policy: str) -> ReplaceOne[dict[str, object]]:
            key = part(log_type) + oldest_first(since)
            document = {"_id": key, "log_type": log_type, "since": DatetimeMS(since), "policy": policy}
            return ReplaceOne({"_id": key}, document, upsert=True)

        Sender(self._database).send("policies", [(upsert(*one), 0) for one in new])

    def stats(self) -> list[TableStats]:
        return stats(self._database)

    def close(self) -> None:
        self._database.close()


def opened(settings: Settings) -> MongoStore:
    """The store of these settings. TryAgain while it is away, WrongSettings when its schema is missing, Refused when it keeps us out."""
    return MongoStore(connect(settings))
