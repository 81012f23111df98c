"""Standard input as a source: a pipe that waits while Kafka is away, and ends when its other side does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator

from logverse.instant import Millis
from producers.joining import lines_in
from producers.sources.given import Given
from producers.sources.inbox import Inbox
from producers.sources.lines import CHUNK, Chunk, Lines, LongLine
from producers.sources.live import Run
from producers.sources.source import Batch

_WAITING = 4 * CHUNK  # bytes that were read and not sent: beyond it the pipe is left full, and its writer waits


class StandardInput:
    """Read by a thread of its own. A line's uid is the run and its byte offset: it cannot be read again."""

    live = True

    def __init__(self, given: Given, descriptor: int = 0) -> None:
        self._given, self._descriptor = given, descriptor
        self._run = Run(given.address.text, given.run, given.checkpoint, given.account, given.clock, given.say)
        self._text, self._lines = self._run.text(), Lines()
        self._room = threading.Event()
        self._inbox: Inbox[bytes] = Inbox(_WAITING, given.ring, self._room.set)
        self._eof = self._closed = self._over = False
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    def look(self, reading: bool = False) -> None:
        """The thread looks; a record of several lines is not waited for without end."""
        if not reading:
            self._given.translator.cut(self._text, self._given.clock())

    def stands(self) -> list[Millis]:
        oldest = self._inbox.oldest()
        if oldest is not None:
            return [oldest]
        ended = (self._eof or self._closed) and not self._over
        return [self._given.clock()] if ended or self._given.translator.due(self._text) else []

    def take(self, now: Millis) -> Iterator[Batch]:
        ended = self._eof or self._closed  # asked before the inbox: what comes between the two is taken next time
        data = self._inbox.take(CHUNK)
        for piece in data:
            yield from self._batches(self._lines.feed(piece), now)
        over = ended and not data
        if over:
            yield from self._batches(self._lines.end(), now)
        yield from (self._batch(record, now) for record in self._given.translator.release(self._text, over))
        if over:
            self._run.ended()
            self._over = True

    def end(self) -> None:
        """Its end is the end of the pipe."""

    def close(self) -> None:
        self._closed = True

    def release(self) -> None:
        """The thread waits for its pipe, and ends with the process."""

    def over(self) -> bool:
        return self._over

    def lag(self) -> int:
        return self._inbox.bytes

    def _batches(self, items: Iterable[Chunk | LongLine], now: Millis) -> Iterator[Batch]:
        for item in items:
            yield from (self._batch(whole, now) for whole in self._given.translator.whole(self._text, item, now))

    def _batch(self, item: Chunk | LongLine, now: Millis) -> Batch:
        records = self._given.translator.records(self._text, item, now)
        return Batch(records, self._run.began(lines_in(item)))

    def _read(self) -> None:
        while not self._closed:
            data = os.read(self._descriptor, CHUNK)
            if not data:
                break
            while not self._inbox.put(data, len(data), self._given.clock()) and not self._closed:
                self._room.wait(0.5)
                self._room.clear()
        self._eof = True
        self._given.ring()
