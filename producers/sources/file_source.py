"""Log files as a source: the piece of the file whose events are oldest comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from logverse.instant import Millis
from producers.checkpoint import Checkpoint
from producers.sources.files import Files
from producers.sources.lines import Chunk, LongLine
from producers.sources.log_file import LogFile
from producers.sources.source import Batch
from producers.translation import Translator


class FileSource:
    """A file's position moves when what was before it has arrived, so everything can be read again."""

    live = False

    def __init__(self, files: Files, translator: Translator, checkpoint: Checkpoint, clock: Callable[[], Millis]) -> None:
        self._files, self._translator, self._checkpoint, self._clock = files, translator, checkpoint, clock

    def look(self, reading: bool = False) -> None:
        self._files.look(reading)
        for file in self._files.reading if not reading else ():
            if file.waiting and self._translator.cut(file, self._clock()):
                self._checkpoint.urgent = True

    def stands(self) -> list[Millis]:
        return [self._translator.stands_at(file) for file in self._ready()]

    def _ready(self) -> list[LogFile]:
        return [file for file in self._files.reading if file.lag() or (file.waiting and self._translator.due(file))]

    def take(self, now: Millis) -> Iterator[Batch]:
        """One chunk of one file, so that several files come as nearly in order as may be."""
        ready = self._ready()
        if not ready:
            return
        file = min(ready, key=self._translator.stands_at)
        for item in self._files.read(file):
            for whole in self._translator.whole(file, item, now):
                yield self._batch(file, whole, now)
        ended = file.ending and not file.stream.left() and not file.lines.pending
        for record in self._translator.release(file, ended):
            yield self._batch(file, record, now)
        file.waiting = self._translator.holds(file)

    def _batch(self, file: LogFile, item: Chunk | LongLine, now: Millis) -> Batch:
        records = self._translator.records(file, item, now)
        return Batch(records, file.position.begin(item.end, file.last_time, item.tail).settle)

    def end(self) -> None:
        self._files.end()

    def close(self) -> None:
        """A file goes on by itself: what is not taken now is taken by the next run."""

    def release(self) -> None:
        for file in self._files.reading:
            file.stream.close()
        self._files.reading.clear()

    def over(self) -> bool:
        return False

    def lag(self) -> int:
        return sum(file.lag() for file in list(self._files.reading))
