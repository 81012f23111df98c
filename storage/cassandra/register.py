"""What is written down of where things lie: tables `services` (who was seen in which month) and `buckets` (when in a month)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from logverse.event import LOG_TYPES
from logverse.instant import Millis
from storage.cassandra.connection import Session, translating
from storage.layout import BUCKET_MS, month_of

# Beside the log types: services that have anomalies, with days for buckets.
ANOMALIES = "anomalies"


class Register:
    """Reads both tables. A kind is a log type or ANOMALIES."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def services(self) -> Iterable[tuple[str, str]]:
        """Every (service, log type) that has events."""
        return sorted({(service, kind) for service, kind, _ in self._seen() if kind in LOG_TYPES})

    def by_service(self, kind: str, since: Millis, until: Millis) -> dict[str, list[Millis]]:
        """The months of the range in which services were seen with this kind, newest first."""
        first, last = month_of(since), month_of(until - 1)
        found: dict[str, list[Millis]] = {}
        for service, _, month in sorted(one for one in self._seen() if one[1] == kind and first <= one[2] <= last):
            found.setdefault(service, []).insert(0, month)
        return found

    def months(self, kind: str, since: Millis, until: Millis, service: str | None = None) -> list[Millis]:
        """The months of the range, newest first: of a long range those in which anything of this kind (and service) was seen."""
        if since >= until:
            return []
        first, last = month_of(since), month_of(until - 1)
        if first == last:
            return [first]
        seen = self.by_service(kind, since, until)
        return sorted({month for name, months in seen.items() if service in (None, name) for month in months}, reverse=True)

    def buckets(
        self, kind: str, service: str, since: Millis, until: Millis, width: Millis = BUCKET_MS, months: Sequence[Millis] | None = None
    ) -> Iterator[Millis]:
        """Starts of the buckets of this width that overlap the range, newest first. `months` when they are known."""
        prepared = self._session.prepare(
            "SELECT blob_as_bigint(timestamp_as_blob(bucket)) FROM buckets "
            "WHERE service = ? AND log_type = ? AND month = ? AND bucket > ? AND bucket < ?"
        )
        for month in self.months(kind, since, until, service) if months is None else months:
            rows = self._session.execute(prepared.bind((service, kind, month, since - width, until)))
            with translating():
                yield from (row[0] for row in rows)

    def _seen(self) -> Iterator[tuple[str, str, Millis]]:
        text = "SELECT service, log_type, blob_as_bigint(timestamp_as_blob(month)) FROM services WHERE scope = 'all'"
        rows: Any = self._session.execute(self._session.prepare(text))
        with translating():
            yield from ((row[0], row[1], row[2]) for row in rows)
