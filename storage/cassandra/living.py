"""How long rows have left that are saved as of an earlier time: those that are restored."""

from __future__ import annotations

from collections.abc import Callable

from logverse import instant
from logverse.instant import Millis
from storage.cassandra.connection import Session

_KEPT = "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?"


class Living:
    """The tables' times to live, as they are when first asked for."""

    def __init__(self, session: Session, clock: Callable[[], Millis] = instant.now) -> None:
        self._session, self._clock = session, clock
        self._kept: dict[str, int] = {}

    def left(self, table: str, written: Millis | None) -> int | None:
        """Seconds that a row of this table has left which was written then; 0: it is gone. None: as long as the table says."""
        if written is None:
            return None
        if table not in self._kept:
            found = self._session.execute(self._session.prepare(_KEPT), (self._session.keyspace, table)).one()
            self._kept[table] = found.default_time_to_live
        kept = self._kept[table]
        return min(kept, max(0, kept - (self._clock() - written) // 1000)) if kept else None
