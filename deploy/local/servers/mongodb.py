"""MongoDB's protocol, spoken by a stand-in (deploy/local/mongodb_stand_in.py): another store of history, `logverse up --with mongodb`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from deploy.local import jars
from deploy.local.home import Home
from deploy.local.java import java_home
from deploy.local.server import Server
from logverse.errors import TryAgain, WrongSettings

PROBE_MS = 1_000  # the supervisor waits so long, and looks after nobody else meanwhile


def prepare(_: Home) -> None:
    """Nothing is to be written; but without the driver nobody could ever ask it."""
    if not find_spec("pymongo"):
        raise WrongSettings("MongoDB needs pymongo, which is not installed", where="--with", remedy="pip install 'logverse[mongodb]'")


def command(home: Home) -> list[str]:
    file, java = home / "data" / "mongodb" / "stand-in.mv", str(java_home() / "bin" / "java")
    whole = [str(path) for path in jars.jar_paths("mongodb")]
    return [sys.executable, "-m", "deploy.local.mongodb_stand_in", str(home.port("mongodb")), str(file), java, *whole]


def ready(home: Home) -> None:
    """It is ready when it answers a ping."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, object]] = MongoClient(
        home.address("mongodb"), serverSelectionTimeoutMS=PROBE_MS, connectTimeoutMS=PROBE_MS, socketTimeoutMS=PROBE_MS
    )
    try:
        client.admin.command("ping")
    except PyMongoError as error:
        raise TryAgain(f"nobody answers at {home.address('mongodb')} yet") from error
    finally:
        client.close()


MONGODB = Server(
    name="mongodb",
    ports=("mongodb",),
    address="mongodb",
    prepare=prepare,
    command=command,
    ready=ready,
    stop_s=20,  # it writes its file
    gives_up=False,  # nobody waits for it but the history, which waits for ever
    alert_path=False,
    jars=("mongodb",),
)
