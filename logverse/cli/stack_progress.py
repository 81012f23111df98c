"""How `up` and `down` show what happens at once: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from logverse.cli.output import printable

if TYPE_CHECKING:
    from rich.table import Table

    from deploy.local.state import ProcessState, StackState

COLORS = {"ready": "green", "starting": "yellow", "restarting": "yellow", "failed": "red", "stopped": "dim"}


@contextmanager
def jars_progress() -> Iterator[Callable[[str, int, int], None]]:
    """For jars as they arrive; shows nothing when none has to be fetched."""
    if not sys.stderr.isatty():
        yield lambda name, count, all_: click.echo(f"fetched {name} ({count} of {all_})", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(TextColumn("fetching {task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True)) as bar:
        task = None

        def told(name: str, count: int, all_: int) -> None:
            nonlocal task
            task = bar.add_task(name, total=all_) if task is None else task
            bar.update(task, completed=count, description=name)

        yield told


@contextmanager
def states_progress(goal: str = "ready") -> Iterator[Callable[[StackState], None]]:
    """For the states of the processes until each has reached the goal."""
    began = time.monotonic()
    if not sys.stderr.isatty():
        yield _lines(began)
        return
    from rich.console import Console
    from rich.live import Live

    seen: dict[str, tuple[str, float]] = {}
    with Live(console=Console(stderr=True), refresh_per_second=8) as live:

        def show(now: StackState) -> None:
            for one in now.processes:
                if seen.get(one.name, ("", 0.0))[0] != one.state:
                    seen[one.name] = one.state, time.monotonic() - began
            live.update(_table(now, seen, goal, time.monotonic() - began))

        yield show


def _lines(began: float) -> Callable[[StackState], None]:
    seen: dict[str, tuple[str, int]] = {}

    def show(now: StackState) -> None:
        for one in now.processes:
            if seen.get(one.name) != (one.state, one.restarts):
                seen[one.name] = one.state, one.restarts
                click.echo(f"{time.monotonic() - began:5.1f} s  {_words(one)}", err=True)

    return show


def _words(one: ProcessState) -> str:
    address = f" at {one.address}" if one.address and one.state == "ready" else ""
    why = f": {printable(one.why)}" if one.why and one.state in ("restarting", "failed") else ""
    return f"{one.name} {one.state}{address}{why}"


def _table(now: StackState, seen: dict[str, tuple[str, float]], goal: str, elapsed: float) -> Table:
    from rich.spinner import Spinner
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for one in now.processes:
        there = one.state == goal
        mark = Text("✓" if there else "✗", "green" if there else "red") if there or one.state == "failed" else Spinner("dots")
        at = seen[one.name][1] if there else elapsed
        note = one.address if one.state == "ready" else printable(one.why)[:70]
        table.add_row(mark, one.name, Text(one.state, COLORS.get(one.state, "")), f"{at:.1f} s", Text(note))
    return table
