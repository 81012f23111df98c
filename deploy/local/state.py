"""What runs, as the supervisor writes it to run/state.json and `up`, `status` and `doctor` read it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from typing import IO, Any, TypeVar

from deploy.local.home import Home, read_json, write_json
from deploy.local.life import STOPPED

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process: where it stands, and why it is not ready when it is not."""

    name: str
    kind: str  # "server" | "service"
    state: str = STOPPED
    pid: int | None = None
    address: str = ""
    restarts: int = 0
    why: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job that the supervisor brings back after the JobManager's death: waiting, submitting, submitted or failed."""

    name: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """All of it at one moment. `at`: when the supervisor last looked, milliseconds UTC; `stopping`: it has been told to stop."""

    at: int = 0
    pid: int | None = None
    stopping: bool = False
    processes: tuple[ProcessState, ...] = ()
    jobs: tuple[JobState, ...] = field(default=())

    def process(self, name: str) -> ProcessState | None:
        return next((one for one in self.processes if one.name == name), None)


def read(home: Home) -> StackState:
    """What the supervisor last wrote; an empty state when it never did."""
    found = read_json(home / "run" / "state.json")
    return StackState(
        at=found.get("at", 0),
        pid=found.get("pid"),
        stopping=found.get("stopping", False),
        processes=tuple(_of(ProcessState, one) for one in found.get("processes", [])),
        jobs=tuple(_of(JobState, one) for one in found.get("jobs", [])),
    )


def write(home: Home, state: StackState) -> None:
    write_json(home / "run" / "state.json", asdict(state))


@contextmanager
def supervising(home: Home) -> Iterator[bool]:
    """Hold this home as its only supervisor; False when another one does. The lock goes when its process does, however it dies."""
    with (home / "run" / "supervisor.pid").open("a+") as file:
        if not _locked(file):
            yield False
            return
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield True
        file.truncate(0)


def _locked(file: IO[str]) -> bool:
    for _ in range(20):  # whoever asks `supervisor_pid` holds it for an instant
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def supervisor_pid(home: Home) -> int | None:
    """The supervisor's process id if one is alive: only who holds the lock is one, whatever the file says."""
    try:
        with (home / "run" / "supervisor.pid").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None


def _of(kind: Callable[..., T], found: dict[str, Any]) -> T:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in found.items() if name in known})
