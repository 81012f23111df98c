"""A view: archived records in a keyspace or database of their own, beside the history, read with `logverse query --view NAME`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from logverse import instant
from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from logverse.topics import named
from storage import stores

_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
_MARK = "view-"


def checked(name: str) -> str:
    """The name; WrongSettings when it can be none. Keyspaces of Cassandra have 48 characters."""
    if not _NAME.fullmatch(name):
        raise WrongSettings(f"{name[:40]!r} is no name for a view", where="--name", remedy="a letter, then up to 23 of a-z, 0-9 and -")
    return name


def settings_of(settings: Settings, name: str) -> Settings:
    """The settings of the view: its prefix is its keyspace, as that of every set of topics. It has one store, the one queries ask."""
    return replace(settings, topic_prefix=named(_MARK + checked(name), settings.topic_prefix), store=stores.chosen(settings)[0])


def make(settings: Settings, name: str, holder: str, told: Callable[[str], None]) -> None:
    """Its tables, where they are not there yet. `holder` tells this run from all others."""
    view = settings_of(settings, name)
    with stores.SCHEMAS[view.store](view) as schema:
        schema.migrate("", holder, told, time.sleep, instant.now)


def drop(settings: Settings, name: str) -> None:
    """All of it, for ever. Refused for a store that has no way to that."""
    view = settings_of(settings, name)
    if view.store not in _DROPS:
        raise Refused(f"a view in {view.store} cannot be dropped from here")
    _DROPS[view.store](view)


def _drop_keyspace(view: Settings) -> None:
    from storage.cassandra.connection import keyspace, reach

    with reach(view) as session:
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace(view)}", timeout_s=120)


def _drop_database(view: Settings) -> None:
    from storage.mongodb.connection import reach

    with reach(view) as database:
        database.command({"dropDatabase": 1})


_DROPS: dict[str, Callable[[Settings], None]] = {"cassandra": _drop_keyspace, "mongodb": _drop_database}
