"""Stores that history can be kept in. To add one: one file or folder beside this, one line below. Read only by entry points."""

from __future__ import annotations

from collections.abc import Callable

from logverse.settings import Settings
from storage.memory import MemoryStore
from storage.store import Store


def _cassandra(settings: Settings) -> Store:
    """The driver is imported only when it is asked for: it is an optional extra."""
    from storage.cassandra.store import opened

    return opened(settings)


STORES: dict[str, Callable[[Settings], Store]] = {
    "cassandra": _cassandra,
    "memory": lambda _: MemoryStore(),
}
