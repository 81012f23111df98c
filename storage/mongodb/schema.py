"""Brings a database of MongoDB to the schema of this version, and says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import orjson
from bson.datetime_ms import DatetimeMS
from pymongo.errors import OperationFailure

from logverse.errors import Refused, WrongSettings
from logverse.instant import Millis, written
from logverse.settings import Settings
from storage.mongodb.connection import MIGRATE, Database, reach, release, translating
from storage.mongodb.living import FIELD, index, kept
from storage.mongodb.lock import locked
from storage.schema import keeping
from storage.schema.migrations import CHANGED, MONGODB, PENDING, Migration, Recorded, Standing, shipped, standings
from storage.schema.schema import Step, Told

_NO_INDEX, _NO_COMMAND, _NO_COLLECTION = 27, 59, 26  # codes of MongoDB's errors


class MongoSchema:
    """The schema of one database. `wanted` are the migrations of this version."""

    def __init__(self, database: Database, settings: Settings, wanted: Sequence[Migration] | None = None) -> None:
        self._database, self.keyspace = database, database.name
        self._keep = keeping.wanted(settings)
        self._wanted = shipped(MONGODB) if wanted is None else wanted

    def standings(self) -> list[Standing]:
        """Each migration's standing. The database need not be there."""
        return standings(self._wanted, {one.number: one for one in recorded(self._database)})

    def steps(self, copies: str = "") -> list[Step]:
        """As the contract says. Copies are the replica set's, so that the flag is WrongSettings here."""
        if copies:
            raise WrongSettings("MongoDB copies by its replica set", where="--replication", remedy="leave it out; see rs.status()")
        standing = self.standings()
        if changed := [f"{one.number:04d} {one.name}" for one in standing if one.state == CHANGED]:
            raise Refused(
                f"{self.keyspace}: {', '.join(changed)} was applied and is another file now\n"
                "  → put the file back as it was, and make the change in a new one with the next number"
            )
        pending = {one.number for one in standing if one.state == PENDING}
        new = [Step(f"{one.number:04d} {one.name}", one.statements, one) for one in self._wanted if one.number in pending]
        return [*new, *self._keeping(new)]

    def migrate(self, copies: str, holder: str, told: Told, sleep: Callable[[float], None], clock: Callable[[], Millis]) -> list[Step]:
        """As the contract says."""
        if not self.steps(copies):
            return []
        with locked(self._database, holder, told, sleep, clock) as renew:
            steps = self.steps()
            for step in steps:
                told(step.about)
                for statement in step.statements:
                    renew()
                    self._run(orjson.loads(statement))
                self._record(step, clock())
        return steps

    def seen(self) -> dict[str, Any]:
        """As the contract says."""
        try:
            pending = [step.about for step in self.steps()]
        except (Refused, WrongSettings) as error:
            pending = [str(error)]
        return {
            "keyspace": self.keyspace,
            "server": release(self._database),
            "migrations": [asdict(one) | {"applied_at": one.applied_at and written(one.applied_at)} for one in self.standings()],
            "pending": pending,
        }

    def mebibytes(self) -> int:
        found = self._database.command({"dbStats": 1})
        return int(found.get("storageSize", 0) + found.get("indexSize", 0)) >> 20

    def _keeping(self, new: Sequence[Step]) -> list[Step]:
        there = declared([step.migration for step in new if step.migration])
        for name in self._keep:
            seconds = None if name in there else kept(self._database, name)
            if seconds is not None:
                there[name] = seconds
        return [
            Step(f"keep {name} {seconds} s", (_collmod(name, seconds),))
            for name, seconds in self._keep.items()
            if name in there and there[name] != seconds
        ]

    def _run(self, command: dict[str, Any]) -> None:
        """One statement, so that doing it again changes nothing."""
        kind, collection = next(iter(command.items()))
        if kind == "createIndexes":
            command["indexes"] = [one for one in command["indexes"] if one["name"] not in self._indexes(collection)]
            if not command["indexes"]:
                return
        try:
            self._database.command(command)
        except Refused as error:
            code = error.__cause__.code if isinstance(error.__cause__, OperationFailure) else None
            if kind == "dropIndexes" and code in (_NO_INDEX, _NO_COLLECTION):
                return
            if kind != "collMod" or code != _NO_COMMAND:
                raise
            self._remade(collection, command["index"]["expireAfterSeconds"])

    def _remade(self, collection: str, seconds: int) -> None:
        """Where an index cannot be changed (the embedded stand-in): without it and with it again."""
        name = index(collection)
        self._run({"dropIndexes": collection, "index": name})
        self._run({"createIndexes": collection, "indexes": [{"name": name, "key": {FIELD: 1}, "expireAfterSeconds": seconds}]})

    def _indexes(self, collection: str) -> set[str]:
        with translating():
            return {str(one["name"]) for one in self._database[collection].list_indexes()}

    def _record(self, step: Step, at: Millis) -> None:
        if one := step.migration:
            document = {"_id": one.number, "name": one.name, "sha256": one.sha256, "applied_at": DatetimeMS(at)}
            with translating():
                self._database["schema_migrations"].replace_one({"_id": one.number}, document, upsert=True)


def declared(migrations: Sequence[Migration]) -> dict[str, int]:
    """Seconds to live that the migrations give their collections."""
    found = {}
    for statement in (statement for one in migrations for statement in one.statements):
        command = orjson.loads(statement)
        collection = str(command.get("createIndexes", ""))
        for one in command.get("indexes", ()) if collection else ():
            if one["name"] == index(collection):
                found[collection] = int(one["expireAfterSeconds"])
    return found


@contextmanager
def opened(settings: Settings) -> Iterator[MongoSchema]:
    """The schema of the database of these settings, which need not be there yet. TryAgain, Refused, WrongSettings."""
    with reach(settings) as database:
        yield MongoSchema(database, settings)


def must_be_migrated(database: Database) -> None:
    """WrongSettings when this database lacks a migration of this version."""
    there = {one.number for one in recorded(database)}
    if not there:
        raise WrongSettings(f"database {database.name} has no schema yet", remedy=MIGRATE)
    missing = [f"{one.number:04d} {one.name}" for one in shipped(MONGODB) if one.number not in there]
    if missing:
        raise WrongSettings(f"the schema of database {database.name} is too old: it lacks {', '.join(missing)}", remedy=MIGRATE)


def recorded(database: Database) -> list[Recorded]:
    """The migrations that a database has had."""
    with translating():
        found = list(database["schema_migrations"].find().sort("_id", 1))
    return [Recorded(int(one["_id"]), one["name"], one["sha256"], int(one["applied_at"])) for one in found]


def _collmod(collection: str, seconds: int) -> str:
    return orjson.dumps({"collMod": collection, "index": {"keyPattern": {FIELD: 1}, "expireAfterSeconds": seconds}}).decode()
