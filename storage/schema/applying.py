"""Brings a keyspace of Cassandra to the schema of this version, and says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC
from typing import Any

from cassandra import InvalidRequest

from logverse.errors import Refused, WrongSettings
from logverse.instant import Millis, written
from logverse.settings import Settings
from storage.cassandra.connection import MIGRATE, Session, keyspace, reach, release
from storage.schema import keeping, replication
from storage.schema.lock import locked
from storage.schema.migrations import CHANGED, PENDING, Migration, Recorded, Standing, shipped, standings
from storage.schema.schema import Step as Step
from storage.schema.schema import Told

STATEMENT_S = 60.0  # making an index on a busy machine
BOOKS = {  # `scope` is always 'all'
    "schema_migrations": "scope text, number int, name text, sha256 text, applied_at timestamp, PRIMARY KEY (scope, number)",
    "schema_lock": "scope text PRIMARY KEY, holder text",
}


class Schema:
    """The schema of one keyspace, over a session that may be on none. `wanted` are the migrations of this version."""

    def __init__(self, session: Session, keyspace: str, settings: Settings, wanted: Sequence[Migration] | None = None) -> None:
        self._session, self.keyspace = session, keyspace
        self._keep = keeping.wanted(settings)
        self._wanted = shipped() if wanted is None else wanted

    def copies(self) -> dict[str, str]:
        """How the keyspace is copied, as Cassandra has it; empty when there is no such keyspace."""
        found = self._select("SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?")
        return dict(found[0].replication) if found else {}

    def standings(self) -> list[Standing]:
        """Each migration's standing. The keyspace need not be there."""
        there = recorded(self._session, f"{self.keyspace}.") if "schema_migrations" in self._tables() else []
        return standings(self._wanted, {one.number: one for one in there})

    def steps(self, copies: str = "") -> list[Step]:
        """What is to be done now, nothing when all is as it must be. `copies`: the flag --replication, for a keyspace yet to be made.

        Refused when an applied migration is no longer what it was; WrongSettings when the replication cannot be.
        """
        standing = self.standings()
        if changed := [f"{one.number:04d} {one.name}" for one in standing if one.state == CHANGED]:
            raise Refused(
                f"{self.keyspace}: {', '.join(changed)} was applied and is another file now\n"
                "  → put the file back as it was, and make the change in a new one with the next number"
            )
        pending = {one.number for one in standing if one.state == PENDING}
        new = [Step(f"{one.number:04d} {one.name}", one.statements, one) for one in self._wanted if one.number in pending]
        return [*self._foundation(copies), *new, *self._keeping(new)]

    def migrate(self, copies: str, holder: str, told: Told, sleep: Callable[[float], None], clock: Callable[[], Millis]) -> list[Step]:
        """Do what is to be done; the steps that were. Two at once: the second waits for the first, and finds nothing left.

        `holder` tells this run from all others, `clock` is milliseconds UTC. What was interrupted is mended by doing this again.
        """
        if not self.steps(copies):
            return []
        foundation = self._foundation(copies)
        for step in foundation:
            told(step.about)
            self._run(step)
        self._session.use(self.keyspace)
        with locked(self._session, holder, told, sleep) as renew:
            steps = self.steps()
            for step in steps:
                told(step.about)
                self._run(step, renew)
                self._record(step, clock())
        return [*foundation, *steps]

    def seen(self) -> dict[str, Any]:
        """As the contract says; and cassandra (its version) and replication."""
        try:
            pending = [step.about for step in self.steps()]
        except (Refused, WrongSettings) as error:
            pending = [str(error)]
        version = release(self._session)
        return {
            "keyspace": self.keyspace,
            "server": f"Cassandra {version}",
            "cassandra": version,
            "replication": self.copies(),
            "migrations": [asdict(one) | {"applied_at": one.applied_at and written(one.applied_at)} for one in self.standings()],
            "pending": pending,
        }

    def mebibytes(self) -> int:
        """What the tables take on the disk of the node that answers."""
        found = self._session.execute("SELECT keyspace_name, mebibytes FROM system_views.disk_usage")
        return sum(row.mebibytes for row in found if row.keyspace_name == self.keyspace)

    def _foundation(self, copies: str) -> list[Step]:
        """The keyspace, and where migrations are recorded. It comes before the lock, which lies in it."""
        there, tables = self.copies(), self._tables()
        if there and copies:
            replication.must_agree(self.keyspace, there, replication.wanted(copies, self._session.nodes))
        made = [] if there else [replication.creation(self.keyspace, replication.wanted(copies, self._session.nodes))]
        made += [f"CREATE TABLE IF NOT EXISTS {self.keyspace}.{name} ({columns})" for name, columns in BOOKS.items() if name not in tables]
        return [Step(f"keyspace {self.keyspace}", tuple(made))] if made else []

    def _keeping(self, new: Sequence[Step]) -> list[Step]:
        there = keeping.declared([step.migration for step in new if step.migration]) | self._tables()
        return [Step(f"keep {table} {self._keep[table]} s", (text,)) for table, text in keeping.changes(self._keep, there).items()]

    def _run(self, step: Step, renew: Callable[[], None] = lambda: None) -> None:
        for statement in step.statements:
            renew()
            self._session.execute(statement, timeout_s=STATEMENT_S)

    def _record(self, step: Step, at: Millis) -> None:
        if step.migration:
            cql = "INSERT INTO schema_migrations (scope, number, name, sha256, applied_at) VALUES ('all', ?, ?, ?, ?)"
            one = step.migration
            self._session.execute(self._session.prepare(cql), (one.number, one.name, one.sha256, at))

    def _tables(self) -> dict[str, int]:
        """The tables that are there, each with its rows' time to live in seconds."""
        found = self._select("SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?")
        return {row.table_name: row.default_time_to_live for row in found}

    def _select(self, cql: str) -> list[Any]:
        return list(self._session.execute(self._session.prepare(cql), (self.keyspace,)))


@contextmanager
def opened(settings: Settings) -> Iterator[Schema]:
    """The schema of the keyspace of these settings, which need not be there yet. TryAgain, Refused, WrongSettings."""
    with reach(settings) as session:
        yield Schema(session, keyspace(settings), settings)


def must_be_migrated(session: Session) -> None:
    """WrongSettings when the keyspace of this session lacks a migration of this version."""
    try:
        there = recorded(session)
    except Refused as error:
        if not isinstance(error.__cause__, InvalidRequest):
            raise
        raise WrongSettings(f"keyspace {session.keyspace} has no schema yet", remedy=MIGRATE) from error
    missing = [f"{one.number:04d} {one.name}" for one in shipped() if one.number not in {one.number for one in there}]
    if missing:
        raise WrongSettings(f"the schema of keyspace {session.keyspace} is too old: it lacks {', '.join(missing)}", remedy=MIGRATE)


def recorded(session: Session, where: str = "") -> list[Recorded]:
    """The migrations that a keyspace has had, the session's or the one named by `where` ("KEYSPACE.")."""
    rows = session.execute(f"SELECT number, name, sha256, applied_at FROM {where}schema_migrations WHERE scope = 'all'")  # noqa: S608
    return [Recorded(row.number, row.name, row.sha256, int(row.applied_at.replace(tzinfo=UTC).timestamp() * 1000)) for row in rows]
