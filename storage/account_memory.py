"""The twin in memory of what an account reads from the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from logverse.instant import Millis
from storage.account import Bucket
from storage.layout import BUCKET_MS
from storage.memory import MemoryStore
from storage.store import Selection


class MemoryRows:
    """Identities of the events in a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def identities(self, buckets: Iterable[Bucket]) -> Iterator[tuple[str, str, Millis, str]]:
        for log_type, service, start in buckets:
            for event in self._store.events(Selection(log_type, service, start, start + BUCKET_MS)):
                yield log_type, service, event.timestamp, event.uid
