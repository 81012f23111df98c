"""Processes of a stack, found again by a mark in their environment: children inherit it, strangers and other stacks never have it.

A process id alone proves nothing after a crash; the mark also names Python workers that outlive their TaskManager.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from deploy.local.home import Home

MARK = "LOGVERSE_STACK"

# What of the environment of whoever typed `up` reaches the servers. Nothing else: Flink logs its whole environment,
# and a stack must come up the same after a reboot.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "JAVA_HOME", "LOGVERSE_CACHE", "XDG_CACHE_HOME")


def environment(home: Home, name: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the process `name` of this stack."""
    kept = {key: environ[key] for key in PASSED_ON if key in environ}
    path = f"{Path(sys.executable).parent}:{kept.get('PATH', '/usr/bin:/bin')}"  # Python workers look for this Python there
    return kept | {"PATH": path, "TMPDIR": str(home / "tmp"), MARK: mark(home, name)}


def users_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's own environment without what sets us up, save for the cache: for verbs that must act on the home they are told."""
    return {key: value for key, value in environ.items() if not key.startswith("LOGVERSE_") or key == "LOGVERSE_CACHE"}


def mark(home: Home, name: str) -> str:
    return f"{name}@{home.path.resolve()}"


def name_of(home: Home, environ: Mapping[str, str]) -> str | None:
    """Which process of this stack has this environment; None for a stranger's.

    >>> name_of(Home(Path("/a")), {MARK: "kafka@/a"}), name_of(Home(Path("/b")), {MARK: "kafka@/a"})
    ('kafka', None)
    """
    name, _, path = environ.get(MARK, "").partition("@")
    return name if name and path == str(home.path.resolve()) else None


def marked(home: Home) -> Iterator[tuple[str, psutil.Process]]:
    """Every living process of this stack but the one that asks, with the name it was started under."""
    for process in psutil.process_iter():
        name = name_of(home, _environment_of(process))
        if name and process.pid != os.getpid():
            yield name, process


def named(home: Home, *names: str) -> list[psutil.Process]:
    """The living processes that were started under these names, and what they started."""
    return [process for name, process in marked(home) if name in names]


def end(processes: Iterable[psutil.Process], patience_s: float) -> None:
    """Ask them to stop, wait, then make them; when this returns they are gone."""
    waiting = list(processes)
    for process in waiting:
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(waiting, timeout=patience_s)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=10)


def memory(process: psutil.Process) -> int:
    """Bytes that this process takes: its share of shared pages where the system tells (PSS), else its resident set."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        found: dict[str, str] = process.environ()
        return found
    except (psutil.Error, OSError):  # gone, a zombie, or somebody else's
        return {}


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)
