"""What a replay has while it runs: a folder, topics of its own, and the promise that all of it goes; also of those that were killed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import orjson

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from logverse.topics import named

Remove = Callable[[Settings, str], object]  # take away every topic and consumer group of this prefix

_REPORTS = "reports"
KEPT = 100  # reports, the newest ones


@dataclass(frozen=True, slots=True)
class Run:
    """One replay. `settings` have its topic prefix; `folder` is gone at the end."""

    name: str
    folder: Path
    settings: Settings


def folder_of(settings: Settings) -> Path:
    return settings.home_path / "replays"


def report_path(settings: Settings, name: str) -> Path:
    """Where the report of a run stays."""
    return folder_of(settings) / _REPORTS / f"{name}.json"


@contextmanager
def begun(settings: Settings, remove: Remove, say: Callable[[str], None]) -> Iterator[Run]:
    """A run, and its end. What is left of runs that were killed is cleared first."""
    root = folder_of(settings)
    (root / _REPORTS).mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as held:
        with _one_at_a_time(root):
            _clear(settings, root, remove, say)
            _forget(root / _REPORTS)
            name = f"replay-{secrets.token_hex(4)}"
            run = Run(name, root / name, replace(settings, topic_prefix=named(name, settings.topic_prefix)))
            run.folder.mkdir(mode=0o700)
            held.enter_context(_locked(run.folder))
            about = {"topic_prefix": run.settings.topic_prefix, "bootstrap_servers": settings.bootstrap_servers, "pid": os.getpid()}
            (run.folder / "run.json").write_bytes(orjson.dumps(about))
        try:
            yield run
        finally:
            _end(run, remove, say)


def _end(run: Run, remove: Remove, say: Callable[[str], None]) -> None:
    """A Kafka that is away keeps its topics; the folder stays too then, so that the next run knows of them."""
    try:
        remove(run.settings, run.settings.topic_prefix)
    except (TryAgain, Refused, WrongSettings) as error:
        say(f"{run.name} is not cleared away yet, the next replay does it: {error}")
        for path in run.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        return
    shutil.rmtree(run.folder, ignore_errors=True)


def _clear(settings: Settings, root: Path, remove: Remove, say: Callable[[str], None]) -> None:
    """Whose lock can be had is dead."""
    for folder in sorted(root.glob("replay-*")):
        with suppress(BlockingIOError), _locked(folder):
            _bury(settings, folder, remove, say)


def _forget(reports: Path) -> None:
    """The oldest go, so that there is room for one more."""
    for path in sorted(reports.glob("*.json"), key=lambda path: path.stat().st_mtime)[: 1 - KEPT]:
        path.unlink()


def _bury(settings: Settings, folder: Path, remove: Remove, say: Callable[[str], None]) -> None:
    try:
        about = orjson.loads((folder / "run.json").read_bytes())
        prefix, servers = str(about["topic_prefix"]), about["bootstrap_servers"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return shutil.rmtree(folder, ignore_errors=True)  # killed before it had any topic
    if servers != settings.bootstrap_servers:
        return say(f"topics {prefix}.* of a killed replay may be left on {servers}: replay there once, or delete them")
    try:
        remove(settings, prefix)
    except (TryAgain, Refused) as error:
        return say(f"{folder.name}, which was killed, cannot be cleared away now: {error}")
    shutil.rmtree(folder, ignore_errors=True)
    say(f"cleared away what {folder.name} had left, which was killed")


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """No run begins while another one looks which are dead."""
    with (root / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[TextIO]:
    """Until the end of this process, however it ends. BlockingIOError when another one has it."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file
