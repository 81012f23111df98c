"""Rows on their way into MongoDB: unordered bulks, cut by rows and bytes. A row that is refused keeps no other from being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymongo.errors import BulkWriteError, DocumentTooLarge

from logverse.errors import Refused, TryAgain
from storage.mongodb.connection import Database, translating
from storage.mongodb.trouble import OF_THE_ROW, UNWRITABLE, reason, worst
from storage.rows import RefusedRow

MOST_ROWS, MOST_BYTES = 5_000, 16 * 1024 * 1024  # of a bulk
LARGEST_ROW = 16 * 1024 * 1024 - 256 * 1024  # MongoDB's limit of a document, 16 MiB, is of the whole of it

# A request of the driver's and about how many bytes it is.
Upsert = tuple[Any, int]


class Sender:
    """Sends bulks to collections of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self, collection: str, upserts: Sequence[Upsert]) -> list[RefusedRow]:
        """All of these; what is refused comes back. TryAgain while the store is away, Refused when it takes nothing at all."""
        refused = [_too_large(place, size) for place, (_, size) in enumerate(upserts) if size > LARGEST_ROW]
        large = {one.place for one in refused}
        places = [place for place in range(len(upserts)) if place not in large] if large else range(len(upserts))
        for first, end in _cut([upserts[place][1] for place in places]):
            refused += self._bulk(collection, upserts, places[first:end])
        return refused

    def _bulk(self, collection: str, upserts: Sequence[Upsert], places: Sequence[int]) -> list[RefusedRow]:
        requests = [upserts[place][0] for place in places]
        try:
            with translating():
                self._database[collection].bulk_write(requests, ordered=False)
            return []
        except (TryAgain, Refused) as error:
            why = error.__cause__
            if isinstance(why, BulkWriteError):
                return _refusals(why, places)
            if not isinstance(why, (DocumentTooLarge, *UNWRITABLE)):
                raise
            if len(places) == 1:
                return [RefusedRow(places[0], reason(why))]
        middle = len(places) // 2  # one of them has no bytes in the protocol: which one?
        return [*self._bulk(collection, upserts, places[:middle]), *self._bulk(collection, upserts, places[middle:])]


def _refusals(error: BulkWriteError, places: Sequence[int]) -> list[RefusedRow]:
    """The rows that the server will never take. Raises when it is not the rows' fault, or not theirs alone."""
    errors = error.details.get("writeErrors", [])
    others = [one.get("code", 0) for one in errors if one.get("code") not in OF_THE_ROW]
    if others:
        raise worst(others, reason(error)) from error
    if error.details.get("writeConcernErrors") or not errors:
        raise TryAgain(reason(error)) from error
    return [RefusedRow(places[one["index"]], " ".join(str(one.get("errmsg", "refused")).split())[:300]) for one in errors]


def _cut(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges (first, behind last) of rows that go together.

    >>> list(_cut([9 << 20, 9 << 20, 1]))
    [(0, 1), (1, 3)]
    """
    start = total = 0
    for place, weight in enumerate(weights):
        if place > start and (total + weight > MOST_BYTES or place - start >= MOST_ROWS):
            yield start, place
            start, total = place, 0
        total += weight
    if weights:
        yield start, len(weights)


def _too_large(place: int, size: int) -> RefusedRow:
    return RefusedRow(place, f"a row of {size} bytes is larger than {LARGEST_ROW}")
