"""Table `policies`: which storage policy held since when, so that every replay and every account decides as the first reading did."""

from __future__ import annotations

from collections.abc import Iterable

from logverse.instant import Millis
from storage.cassandra.connection import Session

_ALL = "SELECT log_type, blob_as_bigint(timestamp_as_blob(since)), policy FROM policies"
_ADD = "INSERT INTO policies (log_type, since, policy) VALUES (?, ?, ?)"


def epochs(session: Session) -> dict[str, list[tuple[Millis, str]]]:
    """By log type, oldest first: from which append time on (milliseconds UTC) which policy holds."""
    found: dict[str, list[tuple[Millis, str]]] = {}
    for log_type, since, policy in session.execute(session.prepare(_ALL)):
        found.setdefault(log_type, []).append((since, policy))
    return {log_type: sorted(of_type) for log_type, of_type in found.items()}


def add(session: Session, new: Iterable[tuple[str, Millis, str]]) -> None:
    """Write down (log type, since, policy)."""
    prepared = session.prepare(_ADD)
    for epoch in new:
        session.execute(prepared, epoch)
