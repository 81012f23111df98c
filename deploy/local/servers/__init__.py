"""The servers of the embedded stack. To add one: one file beside this, one line below."""

from collections.abc import Iterable

from deploy.local.home import Home, read_json, write_json
from deploy.local.server import Server
from deploy.local.servers.cassandra import CASSANDRA
from deploy.local.servers.flink import JOBMANAGER, TASKMANAGER
from deploy.local.servers.hdfs import DATANODE, NAMENODE
from deploy.local.servers.kafka import KAFKA
from deploy.local.servers.mongodb import MONGODB
from logverse.errors import WrongSettings

SERVERS: dict[str, Server] = {
    "kafka": KAFKA,
    "cassandra": CASSANDRA,
    "jobmanager": JOBMANAGER,
    "taskmanager": TASKMANAGER,
}
# What a stack has only when it was asked for: `logverse up --with NAME`.
EXTRAS: dict[str, tuple[Server, ...]] = {
    "hdfs": (NAMENODE, DATANODE),
    "mongodb": (MONGODB,),
}
KNOWN: dict[str, Server] = SERVERS | {server.name: server for servers in EXTRAS.values() for server in servers}
CHOSEN = "extras.json"  # in the home: what was asked for lasts, also over a reboot


def extras(home: Home) -> dict[str, Server]:
    """The servers that this home has beside SERVERS."""
    chosen = read_json(home / CHOSEN).get("with", [])
    return {server.name: server for name in chosen if name in EXTRAS for server in EXTRAS[name]}


def choose(home: Home, more: Iterable[str], less: Iterable[str] = ()) -> None:
    """Have these extras from the next start on, beside those chosen before, but for `less`. WrongSettings for an unknown one."""
    more, less = list(more), list(less)
    for name in [*more, *less]:
        if name not in EXTRAS:
            raise WrongSettings(f"there is no {name!r} to run", where="--with", remedy=f"one of {', '.join(EXTRAS)}")
    before = read_json(home / CHOSEN).get("with", [])
    wanted = [name for name in EXTRAS if name in {*before, *more} - {*less}]
    if wanted != before:
        write_json(home / CHOSEN, {"with": wanted})
