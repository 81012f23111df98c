"""One migration of a keyspace at a time: a row that Cassandra gives to one only (a lightweight transaction), and that expires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from logverse.errors import Refused, TryAgain
from storage.cassandra.connection import Session

LIVES_S = 90  # without a sign of life: longer than one statement may take
AGAIN_S = 0.5
PATIENCE_S = 150.0  # whoever died holding it is waited out


@contextmanager
def locked(session: Session, holder: str, told: Callable[[str], None], sleep: Callable[[float], None]) -> Iterator[Callable[[], None]]:
    """Hold the lock of the session's keyspace; call what is yielded before each statement. TryAgain when another holds it for too long."""
    _acquire(session, holder, told, sleep)
    try:
        yield lambda: _renew(session, holder)
    finally:
        with suppress(TryAgain, Refused):  # it expires by itself
            _changed(session, "DELETE FROM schema_lock WHERE scope = 'all' IF holder = ?", (holder,))


def _acquire(session: Session, holder: str, told: Callable[[str], None], sleep: Callable[[float], None]) -> None:
    cql = "INSERT INTO schema_lock (scope, holder) VALUES ('all', ?) IF NOT EXISTS USING TTL ?"
    for attempt in range(int(PATIENCE_S / AGAIN_S)):
        answer = _changed(session, cql, (holder, LIVES_S))
        if answer.applied or answer.holder == holder:  # the driver may have asked twice
            return
        if attempt == 0:
            told(f"waiting for another migration ({answer.holder})")
        sleep(AGAIN_S)
    raise TryAgain(f"another migration of {session.keyspace} has been running for {PATIENCE_S:.0f} s\n  → try again when it is done")


def _renew(session: Session, holder: str) -> None:
    cql = "UPDATE schema_lock USING TTL ? SET holder = ? WHERE scope = 'all' IF holder = ?"
    if not _changed(session, cql, (LIVES_S, holder, holder)).applied:
        raise TryAgain(
            f"another migration of {session.keyspace} has taken over: this one was away for too long\n  → logverse schema migrate"
        )


def _changed(session: Session, cql: str, values: tuple[Any, ...]) -> Any:
    """The answer of a conditional statement: `applied`, and the row as it is when that is false."""
    return _Answer(session.execute(session.prepare(cql), values).one())


class _Answer:
    def __init__(self, row: Any) -> None:
        self.applied = bool(row[0])  # Cassandra's column [applied]
        self.holder = str(getattr(row, "holder", ""))
