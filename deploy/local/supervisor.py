"""The process that `up` leaves behind: keeps servers and services alive, brings jobs back, stops everything in the right order.

Run as `python -m deploy.local.supervisor HOME`. SIGTERM stops the stack, SIGUSR1 has it try again what has failed.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local import logfile, process, state
from deploy.local.home import Home, read_json
from deploy.local.keeper import Keeper
from deploy.local.life import STOPPED
from deploy.local.returning import Returning
from deploy.local.server import Server, service, stop_order
from deploy.local.servers import KNOWN, SERVERS, extras
from deploy.local.state import StackState
from logverse.instant import Millis

TURN_S = 0.2
CLEAN_MS: Millis = 10_000
HEARTBEAT_MS: Millis = 2_000  # state.json is written at least so often
SERVICE_STOP_S = 15.0

# Processes of ours that run with every stack, beside those of services/*.json.
BUILT_IN: dict[str, list[str]] = {"alerts-deliver": ["alerts", "deliver"]}

log = logging.getLogger("supervisor")


def _pass_over(_: Millis, __: str) -> None:
    return None


class Supervisor:
    """One turn after the other until told to stop. `clock` is monotonic milliseconds, `wall` milliseconds UTC."""

    def __init__(self, home: Home, pid: int, clock: Callable[[], Millis], wall: Callable[[], Millis]) -> None:
        self._home, self._pid, self._clock, self._wall = home, pid, clock, wall
        self._servers = SERVERS | extras(home)
        self._keepers = {name: Keeper(home, server) for name, server in self._servers.items()}
        self._returning = Returning(home)
        self._written: StackState | None = None
        self._cleaned: Millis = 0
        self.stopping = False
        self._gone: set[str] = set()  # what has been stopped on purpose
        self._broken: dict[str, str] = {}  # step of the turn → the error that it ended with last

    def turn(self) -> None:
        """Everything that is due. What goes wrong in one of its steps, such as on a full disk, keeps nobody from the others."""
        now = self._clock()
        self._guarded("services", self._follow_services)
        for keeper in list(self._keepers.values()):
            self._guarded(keeper.name, self._keep, keeper, now, broken=partial(self._broke, keeper))
        self._guarded("jobs", self._returning.turn, now, self._alert_path_ready(), broken=self._returning.broke)
        self._guarded("house", self._keep_house, now)
        self._guarded("state", self._write)

    def _keep(self, keeper: Keeper, now: Millis) -> None:
        needs = [self._keepers[name] for name in keeper.server.needs]
        if keeper.turn(now, all(need.is_ready for need in needs)):
            self._died(keeper.name, now)

    def _broke(self, keeper: Keeper, now: Millis, why: str) -> None:
        if keeper.broke(now, why):
            self._died(keeper.name, now)

    def _guarded(self, what: str, step: Callable[..., None], *given: Any, broken: Callable[[Millis, str], None] = _pass_over) -> None:
        """Do this step; an error of it is logged, once while it stays the same, and told to `broken`."""
        try:
            step(*given)
            self._broken.pop(what, None)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            if self._broken.get(what) != why:
                self._broken[what] = why
                log.exception("went wrong step=%s", what)
            broken(self._clock(), why)

    def forgive(self) -> None:
        """Try again whatever has failed."""
        now = self._clock()
        for keeper in self._keepers.values():
            keeper.life.forgive(now)
        self._returning.forgive(now)

    def stop(self) -> None:
        """Services first, then servers before what they need; what does not listen is killed. Nothing is left when this returns."""
        self.stopping = True
        self._guarded("state", self._write)
        self._guarded("jobs", self._returning.stop)
        process.end(process.named(self._home, *self._services()), SERVICE_STOP_S)
        self._gone.update(self._services())
        for server in stop_order(list(self._servers.values())):
            log.info("stopping name=%s", server.name)
            process.end(process.named(self._home, server.name), server.stop_s)
            self._gone.add(server.name)
            self._guarded("state", self._write)
        process.end((found for _, found in process.marked(self._home)), patience_s=1.0)
        (self._home / "run" / "state.json").unlink(missing_ok=True)

    def _died(self, name: str, now: Millis) -> None:
        for keeper in self._keepers.values():
            if name in keeper.server.needs:
                keeper.doubt(now, f"{name} has died")
        if name == "jobmanager":
            self._returning.jobmanager_died()

    def _alert_path_ready(self) -> bool:
        """What services and jobs wait for: a store that is away delays none of them."""
        return all(keeper.is_ready for keeper in self._keepers.values() if keeper.server.alert_path)

    def _services(self) -> list[str]:
        return [name for name, keeper in self._keepers.items() if keeper.server.kind == "service"]

    def _follow_services(self) -> None:
        """New files of services/ start something, removed ones stop it; none starts before the servers of the alert path are there."""
        wanted = wanted_services(self._home)
        for name in self._services():
            if name not in wanted:
                process.end(process.named(self._home, name), SERVICE_STOP_S)
                del self._keepers[name]
        if self._alert_path_ready():
            for name, server in wanted.items():
                self._keepers.setdefault(name, Keeper(self._home, server))

    def _keep_house(self, now: Millis) -> None:
        """Logs stay small, and old checkpoints go."""
        if now - self._cleaned >= CLEAN_MS:
            self._cleaned = now
            self._returning.tidy(self._wall())
            for path in (self._home / "logs").glob("*.log"):
                logfile.cap(path)

    def _write(self) -> None:
        at = self._wall()
        states = [keeper.state() for keeper in self._keepers.values()]
        states = [replace(one, state=STOPPED, pid=None) if one.name in self._gone else one for one in states]
        now = StackState(at, self._pid, self.stopping, tuple(states), self._returning.states())
        if self._written is None or now != replace(self._written, at=at) or at - self._written.at >= HEARTBEAT_MS:
            state.write(self._home, now)
            self._written = now


def wanted_services(home: Home) -> dict[str, Server]:
    """The built-in services and those of services/*.json. A name of a server, or a file without arguments, is none."""
    found = {path.stem: read_json(path).get("arguments") for path in sorted((home / "services").glob("*.json"))}
    arguments = BUILT_IN | {name: value for name, value in found.items() if isinstance(value, list) and name not in KNOWN}
    return {name: service(name, [str(part) for part in value]) for name, value in arguments.items()}


def main(home: Home) -> int:
    """Supervise until told to stop; 3 when this home has a supervisor already."""
    with state.supervising(home) as alone:
        if not alone:
            return 3
        supervisor = Supervisor(home, os.getpid(), lambda: int(time.monotonic() * 1000), lambda: int(time.time() * 1000))
        told: set[int] = set()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, lambda number, _: told.add(number))
        log.info("supervising home=%s", home.path)
        while not told & {signal.SIGTERM, signal.SIGINT}:
            if signal.SIGUSR1 in told:
                told.discard(signal.SIGUSR1)
                supervisor.forgive()
            supervisor.turn()
            time.sleep(TURN_S)
        supervisor.stop()
        log.info("stopped")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    sys.exit(main(Home(Path(sys.argv[1]))))
