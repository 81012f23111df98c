"""The way to MongoDB: from settings to the database of this topic prefix."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database as _Database
from pymongo.write_concern import WriteConcern

from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from storage.mongodb.trouble import translating as translating

PORT = 27017
OLDEST = 5
SELECT_MS, CONNECT_MS, SOCKET_MS, WRITE_MS = 5_000, 5_000, 60_000, 15_000
MIGRATE = "logverse schema migrate"

Document = dict[str, Any]


class Database:
    """One database of one MongoDB. What is written is with the majority of its replica set; reads go to the primary, so they see writes.

    The driver finds the replica set's other members by itself, and sends a write again whose primary has gone.
    """

    def __init__(self, client: MongoClient[Document], name: str) -> None:
        self._client, self.name = client, name
        options: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
        concern = WriteConcern("majority", wtimeout=WRITE_MS)
        self.driver: _Database[Document] = client.get_database(name, codec_options=options, write_concern=concern)

    def __getitem__(self, collection: str) -> Collection[Document]:
        return self.driver[collection]

    def command(self, command: Document) -> Document:
        """The answer to a database command. TryAgain, Refused."""
        with translating():
            found: Document = self.driver.command(command)
            return found

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def database(settings: Settings) -> str:
    """The name of the database of this topic prefix.

    >>> database(Settings()), database(Settings(topic_prefix="replay-7"))
    ('logverse', 'logverse_replay_7')
    """
    name = settings.mongodb_database + (f"_{re.sub('[^a-z0-9_]', '_', settings.topic_prefix.lower())}" if settings.topic_prefix else "")
    if not re.fullmatch("[a-z][a-z0-9_]{0,62}", name):
        remedy = "a-z, 0-9 and _, a letter first, 63 characters with the topic prefix"
        raise WrongSettings(f"{name!r} cannot be a database", where="mongodb_database", remedy=remedy)
    return name


def connect(settings: Settings) -> Database:
    """The database of these settings, whose schema is what this version works with.

    TryAgain while MongoDB is away, WrongSettings when the schema is missing or too old, Refused when it does not let us in.
    """
    from storage.mongodb.schema import must_be_migrated

    found = reach(settings)
    try:
        must_be_migrated(found)
    except BaseException:
        found.close()
        raise
    return found


def reach(settings: Settings) -> Database:
    """The database, whatever is in it: for the schema and for those who look at the server. Errors as for `connect`."""
    logging.getLogger("pymongo").setLevel(logging.CRITICAL)  # its troubles come to us as exceptions
    options: dict[str, Any] = {"authSource": "admin", **_login(settings)} if settings.mongodb_username else {}
    if settings.mongodb_ca_file:
        options |= {"tls": True, "tlsCAFile": _readable(settings.mongodb_ca_file)}
    where, name = hosts(settings), database(settings)
    with translating(f"no MongoDB answers at {settings.mongodb_hosts}", "logverse status; or name another: mongodb_hosts"):
        client: MongoClient[Document] = MongoClient(
            where, appname="logverse", serverSelectionTimeoutMS=SELECT_MS, connectTimeoutMS=CONNECT_MS, socketTimeoutMS=SOCKET_MS, **options
        )
        try:
            _new_enough(client)
        except BaseException:
            client.close()
            raise
    return Database(client, name)


def hosts(settings: Settings) -> list[str]:
    """HOST:PORT of each member that the settings name; WrongSettings when they name none."""
    if not settings.mongodb_hosts:
        raise WrongSettings(
            f"no MongoDB to talk to: none in the embedded stack of {settings.home_path} and no mongodb_hosts set",
            remedy="start one with `logverse up --with mongodb`, or name yours: mongodb_hosts: HOST:PORT in logverse.yaml",
        )
    return [_address(one.strip()) for one in settings.mongodb_hosts.split(",")]


def _address(text: str) -> str:
    """
    >>> _address("db1:27018"), _address("db1"), _address("[::1]:27017")
    ('db1:27018', 'db1:27017', '[::1]:27017')
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/@]+)(?::(\d{1,5}))?", text)
    if not found or not 0 < int(found[2] or PORT) < 65_536:
        raise WrongSettings(f"{text[:60]!r} is no address", where="mongodb_hosts", remedy="HOST:PORT,HOST:PORT, nothing else")
    return f"{found[1]}:{found[2] or PORT}"


def _login(settings: Settings) -> dict[str, str]:
    if not settings.mongodb_password_file:
        raise WrongSettings("no password", where="mongodb_password_file", remedy="name a file that holds it")
    path = settings.mongodb_password_file
    try:
        password = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:  # the text of the second would show bytes of the file
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise WrongSettings(f"cannot be read: {why}", where=f"mongodb_password_file {path}", remedy="name a readable text file") from None
    return {"username": settings.mongodb_username, "password": password}


def _readable(path: str) -> str:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise WrongSettings(f"cannot be read: {error.strerror}", where=f"mongodb_ca_file {path}", remedy="a PEM file") from error
    return path


def _new_enough(client: MongoClient[Document]) -> None:
    version = str(client.server_info()["version"])
    if int(version.split(".")[0]) < OLDEST:
        raise Refused(f"MongoDB {version} answers\n  → {OLDEST}.0 or later is wanted")


def release(found: Database) -> str:
    """What answers, in words. A real server tells of which sources it was built; the embedded stand-in was built of none of MongoDB's."""
    about = found.command({"buildInfo": 1})
    return f"MongoDB {about['version']}" if "gitVersion" in about else f"a stand-in for MongoDB {about['version']}"
