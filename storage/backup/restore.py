"""Archived records back to where they can be used: file after file, row group after row group, each checked, none done twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from logverse.errors import TryAgain
from storage.backup.manifest import File
from storage.backup.patience import Done, patiently
from storage.backup.restore_choice import Choice, Estimate
from storage.backup.restore_progress import Progress
from storage.backup.restore_reading import Part, parts
from storage.backup.targets.target import Target


class Sink(Protocol):
    """Where records go. All of a part is there when `put` returns; the same part again changes nothing."""

    def put(self, part: Part) -> Counter[str]:
        """What became of its records, by a word. TryAgain when the far side is away."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """How far it is: rows looked at, of at most so many, and what became of those that are wanted."""

    rows: int
    of: int
    counts: Counter[str]


class Restore:
    """`tell` hears of every row group."""

    def __init__(
        self, target: Target, estimate: Estimate, choice: Choice, sink: Sink, progress: Progress,
        tell: Callable[[Told], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._target, self._estimate, self._choice, self._sink = target, estimate, choice, sink
        self._progress, self._tell, self._sleep = progress, tell, sleep

    def run(self) -> Counter[str]:
        """All of it; what is damaged is left out and written down. TryAgain, Refused: what was done by then stays done."""
        rows, cut_short = 0, self._progress.marks.get("file")  # a backup since may have brought files that come before it
        for file in sorted(self._estimate.files, key=lambda file: file.name != cut_short):
            begin = self._progress.done(file.name)
            rows += sum(group.rows for group in file.groups[:begin])
            with closing(self._ahead(file, begin)) as found:
                for part in found:
                    counts = self._patiently(lambda part=part: self._sink.put(part))  # type: ignore[misc]
                    if part.damage:
                        counts["damaged"] += file.groups[part.number].rows
                    self._progress.add(file.name, part.number + 1, counts, part.damage)
                    rows += file.groups[part.number].rows
                    self._tell(Told(rows, self._estimate.rows, self._progress.counts))
        self._progress.finish()
        return self._progress.counts

    def _ahead(self, file: File, begin: int) -> Generator[Part, None, None]:
        """While one row group is written the next one is read."""
        with ThreadPoolExecutor(1, "restore") as pool:
            reading = _Reading(self._target, file, self._choice, begin)
            try:
                coming = pool.submit(self._patiently, reading.next)
                while (part := coming.result()) is not None:
                    coming = pool.submit(self._patiently, reading.next)
                    yield part
            finally:
                pool.shutdown(cancel_futures=True)
                reading.close()

    def _patiently(self, action: Callable[[], Done]) -> Done:
        return patiently(action, self._sleep)


class _Reading:
    """The parts of a file one by one; after an error it begins anew behind the last one that was given."""

    def __init__(self, target: Target, file: File, choice: Choice, begin: int) -> None:
        self._target, self._file, self._choice, self._at = target, file, choice, begin
        self._parts: Iterator[Part] | None = None

    def next(self) -> Part | None:
        try:
            if self._parts is None:
                self._parts = parts(self._target, self._file, self._choice, self._at)
            part = next(self._parts, None)
        except TryAgain:
            self._parts = None
            raise
        self._at += part is not None
        return part

    def close(self) -> None:
        if self._parts is not None:
            self._parts.close()  # type: ignore[attr-defined]
