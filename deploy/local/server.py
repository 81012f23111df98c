"""What the supervisor must know of a program to keep it alive: the noun of this package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.home import Home
from deploy.local.life import START_MS
from logverse.instant import Millis

Command = Callable[[Home], list[str]]


def _nothing(_: Home) -> None:
    return None


def _inherited(_: Home) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Server:
    """One program of the stack. Entries are in `servers/`; services of ours become one by `service`.

    `prepare` writes its configuration (while nothing of the stack runs), `command` is what to execute (a fresh one each start),
    `ready` asks it by its own protocol and raises TryAgain with what is still missing.
    `needs` names the servers that it talks to: it is stopped before them, and its start-up time counts only while they are ready.
    `gives_up`: after some deaths in a row it stays `failed`; what does not give up tries again each minute, for ever.
    `alert_path`: alerts need it; services and jobs wait for these servers, and for no other.
    """

    name: str
    command: Command
    ready: Callable[[Home], None] = _nothing
    prepare: Callable[[Home], None] = _nothing
    ports: tuple[str, ...] = ()
    address: str = ""  # the port among them that users are told
    needs: tuple[str, ...] = ()
    environment: Callable[[Home], dict[str, str]] = _inherited
    start_ms: Millis = START_MS  # alive and still not ready after so long: it hangs
    stop_s: float = 15.0
    gives_up: bool = True
    alert_path: bool = True
    kind: str = "server"  # or "service": a process of ours
    jars: tuple[str, ...] = ()  # sections of jars.lock.toml that must be in the cache before it starts


def service(name: str, arguments: list[str], needs: tuple[str, ...] = ()) -> Server:
    """A process of ours, `logverse ARGUMENTS`, that the stack keeps alive; ready when alive."""

    def command(home: Home) -> list[str]:
        return [*logverse(home), *arguments]

    return Server(name=name, command=command, needs=needs, gives_up=False, alert_path=False, kind="service")


def logverse(home: Home) -> list[str]:
    """The `logverse` command on this home, in this very Python."""
    return [sys.executable, "-m", "logverse.cli.main", "--home", str(home.path)]


def stop_order(servers: list[Server]) -> list[Server]:
    """Every server before those that it needs; the later in the list, the earlier to stop, where nothing else decides.

    >>> kafka, flink = Server("kafka", command=lambda home: []), Server("flink", command=lambda home: [], needs=("kafka",))
    >>> [server.name for server in stop_order([flink, kafka])]
    ['flink', 'kafka']
    """
    order: list[Server] = []
    waiting = list(reversed(servers))
    while waiting:
        free = next((one for one in waiting if not any(one.name in other.needs for other in waiting)), None)
        if free is None:
            raise ValueError(f"servers that need each other in a circle: {', '.join(one.name for one in waiting)}")
        waiting.remove(free)
        order.append(free)
    return order
