"""`up` and `down`: from a folder to a running stack, and back to a folder without a process."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from deploy.local import jars, logfile, ports, process, state
from deploy.local.home import FOLDERS, MARKER, Home, write_json
from deploy.local.life import FAILED, READY
from deploy.local.server import Server, stop_order
from deploy.local.servers import CHOSEN, EXTRAS, KNOWN, SERVERS, choose, extras
from deploy.local.state import ProcessState, StackState
from logverse.errors import Refused, TryAgain
from logverse.settings import STORES

UP_S = 180.0
DOWN_S = 120.0
LOOK_S = 0.1
ALERT_PATH = [name for name, server in SERVERS.items() if server.alert_path]

Show = Callable[[StackState], None]
Say = Callable[[str], None]


def is_up(home: Home) -> bool:
    """Does a supervisor live and is every server ready?"""
    return state.supervisor_pid(home) is not None and servers_ready(state.read(home), (SERVERS | extras(home)).keys())


def servers_ready(now: StackState, names: Collection[str] = SERVERS.keys()) -> bool:
    found = {one.name: one.state for one in now.processes}
    return all(found.get(name) == READY for name in names)


def extra_names(home: Home) -> list[str]:
    """The servers that this home has beside those of every stack."""
    return list(extras(home))


def store_names(home: Home) -> list[str]:
    """The servers of every stack, and what history may be kept in beside them."""
    return [*SERVERS, *(name for name in extras(home) if name in STORES)]


def begin(home: Home, say: Say, told: jars.Told, more: Collection[str] = (), less: Collection[str] = ()) -> None:
    """Have a supervisor: the living one, told to try again what has failed, or a new one on a home put in order.

    `more` and `less` name EXTRAS to have, and to have no longer; a stack that is up is Refused a change of them.
    Says what the user should know: a port that moved, or a jar that did not come for what no alert needs. WrongSettings without
    Flink or Java, TryAgain or Refused for another jar.
    """
    home.make()
    with _alone(home):
        pid = state.supervisor_pid(home)
        if pid is not None:
            _must_have(home, more, less)
            return _encourage(home, pid)
        choose(home, more, less)
        servers = SERVERS | extras(home)
        for server in servers.values():
            _fetch(server, say, told)
        sweep(home)
        for line in ports.settle(home, [port for server in servers.values() for port in server.ports]):
            say(line)
        for server in servers.values():
            server.prepare(home)
        write_json(home / "endpoints.json", {name: home.address(server.address) for name, server in servers.items() if server.address})
        _spawn_supervisor(home)


def wait_ready(
    home: Home,
    show: Show,
    names: Collection[str] = SERVERS.keys(),
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when these servers are ready, showing each state on the way. Refused names what failed, with port and log."""
    until = clock() + UP_S
    while clock() < until:
        now = state.read(home)
        show(now)
        if servers_ready(now, names):
            return
        failed = [one for one in now.processes if one.name in names and one.state == FAILED]
        if failed:
            raise Refused(failure(home, failed[0]))
        if state.supervisor_pid(home) is None:
            raise Refused(f"the supervisor ended: {logfile.telling_line(home.log('supervisor'))}\n  → its log: {home.log('supervisor')}")
        sleep(LOOK_S)
    late = [one for one in state.read(home).processes if one.name in names and one.state != READY]
    raise TryAgain("\n".join(["not ready in time:", *(failure(home, one) for one in late)]))


def failure(home: Home, one: ProcessState) -> str:
    """What a user needs to know of a process that does not run: which, where, why, and where it says more."""
    place = f" (port {one.address.rpartition(':')[2]})" if one.address else ""
    line = one.why or logfile.telling_line(home.log(one.name)) or "it said nothing"
    return f"{one.name}{place} is not ready: {line}\n  → its log: {home.log(one.name)}"


def down(home: Home, show: Show, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic) -> bool:
    """Stop everything of this home, also what a killed supervisor left. False when nothing was running."""
    if not home.is_ours or not (home / "run").is_dir():
        return False
    with _alone(home):
        pid = state.supervisor_pid(home)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until = clock() + DOWN_S
            while state.supervisor_pid(home) is not None and clock() < until:
                show(state.read(home))
                sleep(LOOK_S)
        left = sweep(home)
        (home / "run" / "state.json").unlink(missing_ok=True)
        (home / "endpoints.json").unlink(missing_ok=True)
    return pid is not None or left


def wipe(home: Home) -> None:
    """Delete what the stack has put into its home, and the home itself when nothing else lies there. Only while it is down.

    WrongSettings in a folder that never was a home: its data/ and logs/ are somebody's.
    """
    may_wipe(home)
    for name in FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
    for name in ("ports.json", "endpoints.json", CHOSEN, MARKER):  # the marker last: what was interrupted can be done again
        (home / name).unlink(missing_ok=True)
    if home.path.is_dir() and not any(home.path.iterdir()):
        home.path.rmdir()


def may_wipe(home: Home) -> None:
    """WrongSettings when this folder has folders of these names and is no home."""
    home.must_be_ours("nothing was deleted", f"name the home that `logverse up` made (it has a file {MARKER}): logverse --home DIR down")


def sweep(home: Home) -> bool:
    """Stop what a supervisor that was killed left running, in the right order, and forget temporary files. True when there was any."""
    left = {name for name, _ in process.marked(home)}
    process.end(process.named(home, *(left - KNOWN.keys())), patience_s=15.0)
    for server in stop_order(list(KNOWN.values())):
        process.end(process.named(home, server.name), server.stop_s)
    shutil.rmtree(home / "tmp", ignore_errors=True)
    (home / "tmp").mkdir()
    return bool(left)


def _must_have(home: Home, more: Collection[str], less: Collection[str]) -> None:
    """Ports and configuration are settled while nothing runs: what a running stack consists of does not change."""
    there = {one.name for one in state.read(home).processes}
    running = {name for name, servers in EXTRAS.items() if {server.name for server in servers} & there}
    if set(more) - running or set(less) & running:
        words = " ".join([*(f"--with {name}" for name in more), *(f"--without {name}" for name in less)])
        runs = f"with {', '.join(running)}" if running else "without any extra"
        raise Refused(f"the stack is up {runs}, which cannot change meanwhile\n  → logverse down, then logverse up {words}")


def _fetch(server: Server, say: Say, told: jars.Told) -> None:
    try:
        for section in server.jars:
            jars.jars_of(section, told)
    except (TryAgain, Refused) as error:
        if server.alert_path:
            raise
        say(f"{server.name} cannot start: {error}")


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One `up` or `down` at a time; a second one waits for the first."""
    with (home / "run" / "up.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _encourage(home: Home, pid: int) -> None:
    """Have a living supervisor try again what has failed; returns when it has taken notice."""
    now = state.read(home)
    if now.processes and not SERVERS.keys() <= {one.name for one in now.processes}:
        raise Refused("an earlier version of LogVerse keeps this stack up\n  → logverse down, then logverse up")
    before = now.at
    os.kill(pid, signal.SIGUSR1)
    for _ in range(50):
        now = state.read(home)
        if now.at > before and not any(one.state == FAILED for one in now.processes if one.kind == "server"):
            return
        time.sleep(LOOK_S)


def _spawn_supervisor(home: Home) -> None:
    (home / "run" / "state.json").unlink(missing_ok=True)
    with home.log("supervisor").open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.supervisor", str(home.path)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=home / "run",
            env=process.environment(home, "supervisor"),
            start_new_session=True,  # it survives the terminal
        )
    while state.supervisor_pid(home) is None:
        if child.poll() is not None:
            raise Refused(f"the supervisor did not start: {logfile.telling_line(home.log('supervisor'))}")
        time.sleep(LOOK_S)
