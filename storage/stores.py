"""Stores that history can be kept in. To add one: one file or folder beside this, one line in each dict. Only entry points read it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from logverse.settings import Settings
from storage.memory import MemoryStore
from storage.schema.memory import MemorySchema
from storage.schema.schema import Schema
from storage.store import Store


def _cassandra(settings: Settings) -> Store:
    """The driver is imported only when it is asked for: it is an optional extra."""
    from storage.cassandra.store import opened

    return opened(settings)


def _mongodb(settings: Settings) -> Store:
    from storage.mongodb.store import opened

    return opened(settings)


def _cassandra_schema(settings: Settings) -> AbstractContextManager[Schema]:
    from storage.schema.applying import opened

    return opened(settings)


def _mongodb_schema(settings: Settings) -> AbstractContextManager[Schema]:
    from storage.mongodb.schema import opened

    return opened(settings)


# Each opens the store of these settings: TryAgain while it is away, WrongSettings when its schema is missing, Refused when it keeps us out.
STORES: dict[str, Callable[[Settings], Store]] = {
    "cassandra": _cassandra,
    "mongodb": _mongodb,
    "memory": lambda _: MemoryStore(),
}
# Each opens the schema of these settings, which need not be there yet. Errors as above.
SCHEMAS: dict[str, Callable[[Settings], AbstractContextManager[Schema]]] = {
    "cassandra": _cassandra_schema,
    "mongodb": _mongodb_schema,
    "memory": lambda settings: nullcontext(MemorySchema(MemoryStore(), settings)),
}


def keyspace(store: str, settings: Settings) -> str:
    """The name of what these settings' topic prefix has in this store; WrongSettings when it cannot be one."""
    if store == "mongodb":
        from storage.mongodb.connection import database

        return database(settings)
    from storage.cassandra.connection import keyspace

    return keyspace(settings)


def chosen(settings: Settings) -> list[str]:
    """The stores that the settings name, the one that queries ask first: `cassandra`, `mongodb`, or both.

    >>> chosen(Settings(store="mongodb, cassandra"))
    ['mongodb', 'cassandra']
    """
    return [name.strip() for name in settings.store.split(",")]


def opened(settings: Settings) -> Store:
    """The store that queries ask. Errors as those of STORES."""
    return STORES[chosen(settings)[0]](settings)
