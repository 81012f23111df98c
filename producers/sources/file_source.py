"""Log files as a source: the piece of the file whose events are oldest comes first."""

from __future__ import annotations

from collections.abc import Iterator

from logverse.instant import Millis
from producers.sources.files import Files
from producers.sources.source import Batch
from producers.translation import Translator


class FileSource:
    """A file's position moves when what was before it has arrived, so everything can be read again."""

    live = False

    def __init__(self, files: Files, translator: Translator) -> None:
        self._files, self._translator = files, translator

    def look(self, reading: bool = False) -> None:
        self._files.look(reading)

    def stands(self) -> list[Millis]:
        return [self._translator.stands_at(file) for file in self._files.lagging()]

    def take(self, now: Millis) -> Iterator[Batch]:
        """One chunk of one file, so that several files come as nearly in order as may be."""
        lagging = self._files.lagging()
        if not lagging:
            return
        file = min(lagging, key=self._translator.stands_at)
        for item in self._files.read(file):
            records = self._translator.records(file, item, now)
            stretch = file.position.begin(item.end, file.last_time, item.tail)
            yield Batch(records, stretch.settle)

    def end(self) -> None:
        self._files.end()

    def close(self) -> None:
        """A file goes on by itself: what is not taken now is taken by the next run."""

    def over(self) -> bool:
        return False

    def lag(self) -> int:
        return sum(file.lag() for file in list(self._files.reading))
