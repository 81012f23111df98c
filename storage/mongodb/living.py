"""How long collections keep their documents: by an index on `written`, whose time to live MongoDB's own thread enforces each minute."""

from __future__ import annotations

from collections.abc import Callable

from logverse import instant
from logverse.instant import Millis
from storage.mongodb.connection import Database, translating

FIELD = "written"


def index(collection: str) -> str:
    """The index's name. Each collection's own: the embedded stand-in drops an index from all collections that have one of its name."""
    return f"{collection}_{FIELD}"


def kept(database: Database, collection: str) -> int | None:
    """Seconds, 0 where it keeps them for ever, None where there is no such collection."""
    with translating():
        indexes = list(database[collection].list_indexes())
    return next((int(one["expireAfterSeconds"]) for one in indexes if one["name"] == index(collection)), 0) if indexes else None


class Living:
    """Whether rows that are saved as of an earlier time would be gone by now; the times to live as they are when first asked for."""

    def __init__(self, database: Database, clock: Callable[[], Millis] = instant.now) -> None:
        self._database, self._clock = database, clock
        self._kept: dict[str, int] = {}

    def over(self, collection: str, written: Millis | None) -> bool:
        """Of rows that were written then."""
        if written is None:
            return False
        if collection not in self._kept:
            self._kept[collection] = kept(self._database, collection) or 0
        seconds = self._kept[collection]
        return bool(seconds) and self._clock() - written >= seconds * 1000
