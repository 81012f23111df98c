"""How a replay shows where it is: one line that changes on a terminal, a line for each step elsewhere. And what it took."""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from logverse.printable import printable

_EACH_S = 0.2
_MEMORY_EACH_S = 1.0


class Progress:
    """Steps of a run on standard error, and how long each took (`seconds`, by its name)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._terminal = monotonic, sys.stderr.isatty()
        self._shown = 0.0
        self._step, self._began = "", 0.0
        self.seconds: dict[str, float] = {}

    def step(self, name: str) -> None:
        """The one before is over; an empty name ends the last one."""
        now = self._monotonic()
        if self._step:
            self.seconds[self._step] = now - self._began
        self._step, self._began, self._shown = name, now, 0.0
        self._clear()
        if name and not self._terminal:
            click.echo(f"{name} …", err=True)

    def show(self, text: Callable[[], str]) -> None:
        """Where the step is; asked for only when it is shown."""
        now = self._monotonic()
        if self._terminal and now - self._shown >= _EACH_S:
            self._shown = now
            click.echo(f"\r\x1b[K{self._step}: {printable(text())[:140]}", nl=False, err=True)

    def say(self, text: str) -> None:
        """A fact that stays."""
        self._clear()
        click.echo("\n".join(map(printable, text.splitlines())), err=True)

    def _clear(self) -> None:
        if self._terminal:
            click.echo("\r\x1b[K", nl=False, err=True)


class Memory:
    """The most memory that was in use: ours, and that of the job with all its processes (PSS, where psutil can tell)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._looked = monotonic, float("-inf")
        self.job_mib = 0.0

    def look(self, pid: int) -> None:
        """At the processes under this one, about once a second."""
        if self._monotonic() - self._looked >= _MEMORY_EACH_S:
            self._looked = self._monotonic()
            self.job_mib = max(self.job_mib, _pss_mib(pid))

    @property
    def own_mib(self) -> float:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024 if sys.platform == "linux" else 1024 * 1024)


def _pss_mib(pid: int) -> float:
    if not importlib.util.find_spec("psutil"):
        return 0.0
    import psutil  # type: ignore[import-untyped]

    def of(process: Any) -> float:
        try:
            return float(process.memory_full_info().pss) / 2**20
        except (psutil.Error, AttributeError):
            return 0.0

    try:
        leader = psutil.Process(pid)
        return sum(map(of, [leader, *leader.children(recursive=True)]))
    except psutil.Error:
        return 0.0
