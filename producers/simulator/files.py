"""Writes a simulation into DIR/SERVICE/LOG.log, or DIR/SERVICE/HOST/LOG.log, and what happened when into DIR/labels.json."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import orjson

from logverse import instant
from logverse.errors import WrongSettings
from logverse.instant import Millis
from producers.simulator.episodes import Episode
from producers.simulator.simulation import Line, Simulation
from producers.simulator.traffic import client, lines, silent

# How often the live writer looks at the clock: a line is in its file this long after its time, at most.
LIVE_STEP_S = 0.1
# As a service does not exist in more than one place: 1 MiB of lines before the file system is asked.
_BUFFER = 1 << 20


class Folder:
    """The files of one simulation, created anew; WrongSettings when one is there already, so no real log is overwritten."""

    def __init__(self, path: Path, simulation: Simulation) -> None:
        self._labels, self._simulation, self._open = path / "labels.json", simulation, ExitStack()
        self._logs = places(path, simulation)
        for taken in (self._labels, *self._logs.values()):
            if taken.exists():
                raise WrongSettings("is there already", where=str(taken), remedy="name an empty or new folder, or remove it first")
        try:
            for log in self._logs.values():
                log.parent.mkdir(parents=True, exist_ok=True)
            self._files: dict[tuple[str, str, int], TextIO] = {
                place: self._open.enter_context(log.open("x", buffering=_BUFFER)) for place, log in self._logs.items()
            }
        except OSError as error:
            raise WrongSettings(f"cannot be written: {error.strerror}", where=str(error.filename or path)) from error

    def write(self, line: Line) -> None:
        self._files[line.service, line.log, line.host].write(line.text)

    def flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def write_labels(self, until: Millis | None) -> None:
        """Say what happened before `until`; None while it still goes on, when the labels say what is planned."""
        plan = self._simulation
        happened = [episode for episode in plan.episodes if until is None or episode.start < until]
        content = {
            "seed": plan.seed,
            "rate": plan.rate,
            "services": plan.services,
            "start": instant.written(plan.start),
            "end": None if until is None else instant.written(until),
            "labels": [self._label(episode, episode.end if until is None else until) for episode in happened],
        }
        # Renamed into place, so that whoever watches the file never reads half of it.
        new = self._labels.with_suffix(".new")
        new.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        new.replace(self._labels)

    def _label(self, episode: Episode, until: Millis) -> dict[str, Any]:
        label = episode.label(until)
        if episode.kind == "silent-host":
            label["host"] = f"{episode.service}-{silent(self._simulation, episode)}"
        if (address := client(self._simulation, episode)) is not None:
            label["client"] = address
        return label

    def close(self) -> None:
        self._open.close()


def places(path: Path, simulation: Simulation) -> dict[tuple[str, str, int], Path]:
    """The file of each service's logs on each host."""
    hosts = range(1, simulation.hosts + 1)
    folders = {
        (service, host): path / service / (f"{service}-{host}" if simulation.hosts > 1 else "")
        for service in simulation.services for host in hosts
    }  # fmt: skip
    return {(service, log, host): folder / f"{log}.log" for (service, host), folder in folders.items() for log in simulation.logs}


def write_all(path: Path, simulation: Simulation, progress: Callable[[Millis, int], None], stopped: Callable[[], bool]) -> int:
    """Write the whole span as fast as it goes; the number of lines. `progress` hears the time reached and the lines so far."""
    folder = Folder(path, simulation)
    written, told, until = 0, 0, simulation.end
    try:
        for line in lines(simulation):
            folder.write(line)
            written += line.text.count("\n")
            told += 1
            if not told % 10_000:
                progress(line.at, written)
                if stopped():
                    until = line.at
                    break
        return written
    finally:
        folder.close()
        folder.write_labels(until)


def write_live(
    path: Path,
    simulation: Simulation,
    clock: Callable[[], Millis],
    sleep: Callable[[float], object],
    progress: Callable[[Millis, int], None],
    stopped: Callable[[], bool],
) -> int:
    """Write each line when the clock (milliseconds, UTC) reaches its time, until the end or until `stopped`; the number of lines.

    A start in the past is caught up with at once. A clock that is set back makes it wait: times in the files never go backwards.
    """
    folder = Folder(path, simulation)
    folder.write_labels(None)
    written = reached = 0

    def wait_for(at: Millis) -> bool:
        nonlocal reached
        while not stopped():
            if at <= reached:
                return True
            reached = max(reached, clock())
            if at > reached:
                folder.flush()
                progress(reached, written)
                sleep(LIVE_STEP_S)
        return False

    try:
        for line in lines(simulation):
            if not wait_for(line.at):
                break
            folder.write(line)
            written += line.text.count("\n")
        else:
            wait_for(simulation.end or 0)
        return written
    finally:
        folder.close()
        folder.write_labels(reached if simulation.end is None else min(reached, simulation.end))
