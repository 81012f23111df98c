"""How a watch keeps its series' buckets: those of up to 64 series and of one start are one entry of its store.

An entry crosses to the JVM by itself, with its key, on the way in and when it expires. A service with a hundred busy series writes two
entries a second this way instead of a hundred (docs/architecture.md, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import orjson

from flink_jobs.rules.buckets import VERSION, Bucket
from logverse.instant import Millis

PER_SHELF = 64
NOWHERE = ""  # the shelf of a series that has none yet


class Writer(Protocol):
    """Where entries are written through."""

    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


class Holder(Protocol):
    """Whose buckets stand on a shelf."""

    buckets: dict[Millis, Bucket]


class Shelves:
    """Which series stand together. A series stays where it is for as long as it lives (`Kept.shelf`).

    A shelf's name is for how long its series keep buckets, since what expires together should stand together, and a number. Where a new
    series goes follows from who is there, so that a watch goes on from its store as if nothing had been.
    """

    def __init__(self, store: Writer) -> None:
        self._store = store
        self._shelves: dict[str, dict[str, Holder]] = {}
        self._last: dict[Millis, int] = {}
        self._touched: set[tuple[str, Millis]] = set()

    def put(self, shelf: str, key: str, holder: Holder) -> None:
        """Puts a series, or what took its place, where it stands already."""
        holders = self._shelves.get(shelf, {})
        # In order of their keys, so that an entry does not tell who came first: that may depend on how often time was told.
        self._shelves[shelf] = {**holders, key: holder} if key in holders else dict(sorted({**holders, key: holder}.items()))
        kept_ms, number = map(int, shelf.split("."))
        self._last[kept_ms] = max(self._last.get(kept_ms, 0), number)

    def find_room(self, key: str, holder: Holder, kept_ms: Millis) -> str:
        """Puts a new series on a shelf; answers which."""
        last = self._last.get(kept_ms, 0)
        shelf = f"{kept_ms}.{last}"
        if len(self._shelves.get(shelf, ())) >= PER_SHELF:
            shelf = f"{kept_ms}.{last + 1}"
        self.put(shelf, key, holder)
        return shelf

    def leave(self, shelf: str, key: str, starts: Iterable[Millis]) -> None:
        """A series goes, with its buckets."""
        self.touch(shelf, starts)
        if (holders := self._shelves.get(shelf, {})).pop(key, None) is not None and not holders:
            del self._shelves[shelf]
            kept_ms = int(shelf.split(".")[0])
            self._last[kept_ms] = max((int(other.split(".")[1]) for other in self._shelves if other.startswith(f"{kept_ms}.")), default=0)

    def touch(self, shelf: str, starts: Iterable[Millis]) -> None:
        """Buckets at these starts have changed, or are gone."""
        self._touched.update([(shelf, start) for start in starts])

    def save(self) -> None:
        """Writes what changed since the last time."""
        for shelf, start in self._touched:
            held = {key: one.buckets[start].plain() for key, one in self._shelves.get(shelf, {}).items() if start in one.buckets}
            if held:
                self._store.put(entry(shelf, start), orjson.dumps([VERSION, held]))
            else:
                self._store.remove(entry(shelf, start))
        self._touched.clear()


def entry(shelf: str, start: Millis) -> str:
    return f"B:{shelf}:{start}"


def read(name: str, value: bytes) -> tuple[str, Millis, dict[str, Bucket]] | None:
    """Shelf, start and buckets by series of an entry; None when another version of this code wrote it in another form."""
    version, held = orjson.loads(value)[:2]
    if version != VERSION:
        return None
    _, shelf, start = name.split(":")
    return shelf, int(start), {key: Bucket(*plain) for key, plain in held.items()}
