"""What the schema of every store can do: `logverse schema migrate | status` knows it only from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from logverse.instant import Millis
from storage.schema.migrations import Migration

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a migration run: done and recorded, or done again. `about` is what a user is told."""

    about: str
    statements: tuple[str, ...]
    migration: Migration | None = None


class Schema(Protocol):
    """The schema of one keyspace or database. Every method raises TryAgain when the store is away, Refused when it keeps us out."""

    keyspace: str

    def steps(self, copies: str = "") -> list[Step]:
        """What is to be done now, nothing when all is as it must be. `copies`: the flag --replication, for a keyspace yet to be made.

        Refused when an applied migration is no longer what it was; WrongSettings when the replication cannot be.
        """

    def migrate(self, copies: str, holder: str, told: Told, sleep: Callable[[float], None], clock: Callable[[], Millis]) -> list[Step]:
        """Do what is to be done; the steps that were. Two at once: the second waits for the first, and finds nothing left.

        `holder` tells this run from all others, `clock` is milliseconds UTC. What was interrupted is mended by doing this again.
        """

    def seen(self) -> dict[str, Any]:
        """How far it is, as plain values: keyspace, server (name and version in words), migrations, pending (in words), and more."""

    def mebibytes(self) -> int:
        """What it takes on the disk of the server that answers."""
