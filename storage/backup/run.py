"""One backup: what no manifest speaks of is read from Kafka, several partitions at a time, and promised piece by piece."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event

from logverse.instant import Millis
from storage.backup import adopting
from storage.backup.archive import Archive
from storage.backup.committing import Committing
from storage.backup.cutting import USUAL, Cutter, Finished, Sizes
from storage.backup.manifest import File, Gap, Manifest, Span
from storage.backup.plan import Plan, plan
from storage.backup.reading import Source
from storage.backup.steps import Announce, Step
from storage.backup.storing import UPLOADING, Storing
from storage.backup.targets.target import Target

PROMISE_EACH_MS: Millis = 60_000  # a long backup that is killed has to do again at most so much
_LEFT_FOR_DEAD: Millis = 86_400_000  # temporary names of other machines, unchanged for so long
_TURN_S = 0.5


@dataclass(slots=True)
class Outcome:
    """What came of a backup. `adopted` are whole files that a killed one had left without a promise."""

    run: str
    files: list[File] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    adopted: int = 0
    manifests: list[int] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def gap_rows(self) -> int:
        return sum(gap.rows for gap in self.gaps)


@dataclass(slots=True)
class Told:
    """How far a backup is: `offsets` are done of `of`."""

    of: int
    offsets: int = 0
    rows: int = 0


def _silent(_: Step, __: str) -> None:
    return None


class Backup:
    """`spool` is a folder of this run's own on this machine's disk; beside it lie those of runs that were killed here. `clock` is
    milliseconds UTC. `tell` is called often, from the calling thread. TryAgain and Refused leave behind what was promised by then.
    """

    def __init__(
        self, source: Source, target: Target, archive: Archive, spool: Path, clock: Callable[[], Millis], topic_prefix: str = "",
        announce: Announce = _silent, tell: Callable[[Told], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep,
        sizes: Sizes = USUAL, parallel: int = 2,
    ) -> None:  # fmt: skip
        self._source, self._target, self._archive, self._spool, self._clock = source, target, archive, spool, clock
        self._prefix, self._announce, self._tell, self._sizes, self._parallel = topic_prefix, announce, tell, sizes, parallel
        self._stop, self._finished = Event(), SimpleQueue[File | Gap | Span]()
        self._storing = Storing(target, spool.name, announce, self._unless_stopped(sleep))
        self._committing = Committing(self._storing, archive, spool, announce, clock)
        self._pending: list[File | Gap | Span] = []

    def planned(self) -> Plan:
        """What there is to do, as of now."""
        return plan(self._source.parts(), self._archive)

    def run(self) -> Outcome:
        """Do it; the last manifest says that the run has finished, also when there was nothing to do."""
        self._spool.mkdir(mode=0o700, parents=True)
        outcome, first = Outcome(self._spool.name), self.planned()
        adopted = list(adopting.adopted(self._target, self._archive, first, self._clock()))
        self._pending += adopted
        outcome.adopted = len(adopted)
        if adopted:
            self._promise(outcome, finished=False)
        todo = plan(self._source.parts(), self._archive)
        outcome.notes = todo.notes
        self._pending += todo.gaps
        self._work(todo, outcome)
        self._promise(outcome, finished=True)
        self._clean()
        return outcome

    def _work(self, todo: Plan, outcome: Outcome) -> None:
        told, last, rows = Told(todo.offsets), self._clock(), SimpleQueue[tuple[int, int]]()
        spans = SimpleQueue[Span]()
        for span in todo.spans:
            spans.put(span)
        workers = min(self._parallel, len(todo.spans))
        with ThreadPoolExecutor(max(1, workers), "backup") as pool:
            left: set[Future[None]] = {pool.submit(self._worker, spans, rows) for _ in range(workers)}
            failed: BaseException | None = None
            try:
                while left:
                    done, left = wait(left, _TURN_S, FIRST_COMPLETED)
                    failed = failed or next((error for one in done if (error := one.exception())), None)
                    if failed:
                        self._stop.set()
                    self._take_in(told, rows)
                    if self._clock() - last >= PROMISE_EACH_MS:
                        self._promise(outcome, finished=False)
                        last = self._clock()
            finally:
                self._stop.set()  # interrupted, too: the workers end at their next piece
        if failed:
            self._promise(outcome, finished=False)
            raise failed

    def _worker(self, spans: SimpleQueue[Span], rows: SimpleQueue[tuple[int, int]]) -> None:
        with closing(self._source.reader()) as reader:
            while not self._stop.is_set():
                try:
                    span = spans.get_nowait()
                except Empty:
                    return
                cutter = Cutter(span, self._spool, self._clock(), self._announce, self._sizes)
                try:
                    at = span.start
                    for piece in reader.read(span):
                        self._finish(cutter.add(piece))
                        rows.put((piece.next - at, len(piece.records)))
                        at = piece.next
                        if self._stop.is_set():
                            return
                    self._finish(cutter.end())
                finally:
                    cutter.abandon()

    def _finish(self, parts: Iterator[Finished | Gap | Span] | Iterator[Finished | Span]) -> None:
        for part in parts:
            if isinstance(part, Finished):
                stored = self._storing.store(part)
                part.path.unlink()
                self._finished.put(stored)
            else:
                self._finished.put(part)

    def _take_in(self, told: Told, rows: SimpleQueue[tuple[int, int]]) -> None:
        while not rows.empty():
            offsets, count = rows.get_nowait()
            told.offsets += offsets
            told.rows += count
        self._tell(told)

    def _promise(self, outcome: Outcome, finished: bool) -> None:
        """A manifest with all that is done and not promised yet; none when that is nothing and the run goes on."""
        while not self._finished.empty():
            self._pending.append(self._finished.get_nowait())
        if not self._pending and not finished:
            return
        made = self._committing.commit(
            Manifest(
                number=0, run=outcome.run, at=0, topic_prefix=self._prefix, finished=finished, notes=outcome.notes,
                files=tuple(one for one in self._pending if isinstance(one, File)),
                gaps=tuple(one for one in self._pending if isinstance(one, Gap)),
                empty=tuple(one for one in self._pending if isinstance(one, Span)),
            )
        )  # fmt: skip
        self._pending.clear()
        outcome.files += made.files
        outcome.gaps += made.gaps
        outcome.manifests.append(made.number)

    def _clean(self) -> None:
        """Of runs that were killed: on this machine all, since only one runs at a time here; of other machines what is old."""
        self._announce(Step.CLEAN, self._spool.name)
        dead = {path.name for path in self._spool.parent.iterdir()}
        for found in list(self._target.list(UPLOADING)):
            if found.name.split("/")[1] in dead or found.changed < self._clock() - _LEFT_FOR_DEAD:
                self._target.remove(found.name)
        for path in self._spool.parent.iterdir():
            shutil.rmtree(path, ignore_errors=True)

    def _unless_stopped(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """Whoever waits for the target while another has failed for good waits no longer."""
        return lambda delay: None if self._stop.is_set() else sleep(delay)
