"""One migration of a database at a time: a document that one holder has until it lets go of it, or gives no sign of life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bson.datetime_ms import DatetimeMS
from pymongo.errors import DuplicateKeyError

from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from storage.mongodb.connection import MIGRATE, Database, translating

LIVES_MS: Millis = 600_000  # without a sign of life: longer than an index on a large collection may take
AGAIN_S = 0.5
PATIENCE_S = 660.0  # whoever died holding it is waited out


@contextmanager
def locked(
    database: Database, holder: str, told: Callable[[str], None], sleep: Callable[[float], None], clock: Callable[[], Millis]
) -> Iterator[Callable[[], None]]:
    """Hold the lock of the database; call what is yielded before each statement. TryAgain when another holds it for too long."""
    _acquire(database, holder, told, sleep, clock)
    try:
        yield lambda: _renew(database, holder, clock)
    finally:
        with suppress(TryAgain, Refused), translating():  # it expires by itself
            database["schema_lock"].delete_one({"_id": "all", "holder": holder})


def _acquire(
    database: Database, holder: str, told: Callable[[str], None], sleep: Callable[[float], None], clock: Callable[[], Millis]
) -> None:  # fmt: skip
    for attempt in range(int(PATIENCE_S / AGAIN_S)):
        if _taken(database, holder, clock()):
            return
        if attempt == 0:
            with translating():
                other = database["schema_lock"].find_one({"_id": "all"}) or {}
            told(f"waiting for another migration ({other.get('holder', '')})")
        sleep(AGAIN_S)
    raise TryAgain(f"another migration of {database.name} has been running for {PATIENCE_S:.0f} s\n  → try again when it is done")


def _taken(database: Database, holder: str, now: Millis) -> bool:
    """Whether it is ours now: nobody's, ours already, or of somebody who died. Another's is in the way as a duplicate key."""
    free = {"_id": "all", "$or": [{"until": {"$lt": DatetimeMS(now)}}, {"holder": holder}]}
    change = {"$set": {"holder": holder, "until": DatetimeMS(now + LIVES_MS)}}
    with translating():
        try:
            database["schema_lock"].find_one_and_update(free, change, upsert=True)
        except DuplicateKeyError:
            return False
    return True


def _renew(database: Database, holder: str, clock: Callable[[], Millis]) -> None:
    change = {"$set": {"until": DatetimeMS(clock() + LIVES_MS)}}
    with translating():
        found = database["schema_lock"].update_one({"_id": "all", "holder": holder}, change)
    if not found.matched_count:
        raise TryAgain(f"another migration of {database.name} has taken over: this one was away for too long\n  → {MIGRATE}")
