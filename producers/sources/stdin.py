"""Standard input as a source: a pipe that waits while Kafka is away, and ends when its other side does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from logverse.instant import Millis
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
        """The thread looks."""

    def stands(self) -> list[Millis]:
        oldest = self._inbox.oldest()
        if oldest is not None:
            return [oldest]
        return [self._given.clock()] if (self._eof or self._closed) and not self._over else []

    def take(self, now: Millis) -> Iterator[Batch]:
        ended = self._eof or self._closed  # asked before the inbox: what comes between the two is taken next time
        data = self._inbox.take(CHUNK)
        for piece in data:
            yield from (self._batch(item, now) for item in self._lines.feed(piece))
        if ended and not data:
            yield from (self._batch(item, now) for item in self._lines.end())
            self._run.ended()
            self._over = True

    def end(self) -> None:
        """Its end is the end of the pipe."""

    def close(self) -> None:
        self._closed = True

    def over(self) -> bool:
        return self._over

    def lag(self) -> int:
        return self._inbox.bytes

    def _batch(self, item: Chunk | LongLine, now: Millis) -> Batch:
        records = self._given.translator.records(self._text, item, now)
        return Batch(records, self._run.began(len(item.lines) if isinstance(item, Chunk) else 1))

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
