"""One text being read: its bytes, its lines, and where it stands in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logverse.instant import Millis
from producers.checkpoint import Position
from producers.sources.identity import is_rotated, shown
from producers.sources.lines import Chunk, Lines, LongLine
from producers.sources.pods import container_of
from producers.sources.streams import Plain, Stream

Inode = tuple[int, int]  # device and number: which file, whatever its name


@dataclass(slots=True, eq=False)
class LogFile:
    """An open file and how far it was read.

    Event times: `high` is the highest handed to Kafka in this run, None before the first; `last_time` the newest good one,
    which a line without one takes; `begins_at` that of the first line, 0 when it has none. Processing time: `quiet_since`,
    when the last bytes came. An `ending` file gives out its last half line once it was read to its end, and is closed then;
    an `overdue` one gives it out, and is kept: its server may still write to it. `turn`: which rotation of its name it went with.
    """

    identity: str
    path: Path
    stream: Stream
    position: Position
    head: bytes
    lines: Lines = field(init=False)
    high: Millis | None = None
    last_time: Millis | None = None
    begins_at: Millis | None = None
    quiet_since: Millis = 0
    ending: bool = False
    overdue: bool = False
    turn: int = 0
    events: int = 0
    untimed: int = 0  # of these, without a time of their own
    shrunk: bool = False
    renamed: bool = False
    waiting: bool = False  # a record of several lines may go on

    def __post_init__(self) -> None:
        self.continue_on(self.path, self.stream, self.position.sent)
        self.last_time = self.position.sent_time

    @property
    def live(self) -> bool:
        return False

    @property
    def label(self) -> str:
        return shown(self.path)

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"log.file.path": self.label}

    @property
    def attributes(self) -> Mapping[str, Any]:
        return container_of(self.label).attributes

    @property
    def service(self) -> str | None:
        return container_of(self.label).service

    @property
    def rotated(self) -> bool:
        """Whether a server has no reason to write to it any more."""
        return self.renamed or is_rotated(self.path.name)

    def inode(self) -> Inode:
        stat = self.stream.stat()
        return stat.st_dev, stat.st_ino

    def lag(self) -> int:
        """Bytes that were not read yet, one at least while a last half line or record is to be given out."""
        last = (self.ending or self.overdue) and self.lines.pending > 0
        return self.stream.left() or int(last or (self.ending and self.waiting))

    def read(self) -> list[Chunk | LongLine]:
        """The next lines; none when no line has been completed. Malformed when a compressed file is broken.

        Replaced when the file holds another text by now. Asked after the reading, so that whatever was read before is of ours.
        """
        data = self.stream.read()
        if data and self.replaced():
            raise Replaced
        if data:
            self.overdue = False
            return self.lines.feed(data)
        return self.lines.end() if self.ending or self.overdue else []

    def emptied(self) -> bool:
        """Copy-and-truncate: it holds another text, or is shorter than what was read, twice in a row."""
        if self.replaced():
            return True
        shrunk = isinstance(self.stream, Plain) and self.stream.stat().st_size < self.stream.position
        sure, self.shrunk = shrunk and self.shrunk, shrunk
        return sure

    def replaced(self) -> bool:
        """Whether the file, which was ours, has another beginning by now, or other bytes before where we are."""
        start = self.lines.start
        return self.stream.grows and (
            self.stream.head(len(self.head)) != self.head
            or (self.stream.stat().st_size >= start and self.stream.before(start) != self.lines.tail)
        )

    def continue_on(self, path: Path, stream: Stream, offset: int, tail: bytes | None = None) -> None:
        """Go on in another file that holds the same text. Malformed when it is compressed and broken before the offset.

        `tail`: the bytes before the offset, as they were read; without it, those of the file.
        """
        if tail is None:
            tail = stream.before(offset) if offset else b""
        stream.skip(offset)
        self.path, self.stream, self.lines = path, stream, Lines(offset, tail)
        self.position.path = str(path)


def version(path: Path) -> tuple[int, int] | None:
    """Size and modification time, nanoseconds: another one when something was written. None when there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


class Replaced(Exception):
    """What a file gave out is not of the text that was being read in it."""


class CutOff:
    """What is left of a text whose file was emptied before a copy could be found: nothing."""

    grows = False

    def __init__(self, stream: Stream) -> None:
        self.stat, self.close = stream.stat, stream.close

    def read(self) -> bytes:
        return b""

    def skip(self, offset: int) -> None:
        raise AssertionError("nothing is left to skip")

    def left(self) -> int:
        return 0

    def head(self, size: int) -> bytes:
        return b""

    def before(self, offset: int) -> bytes:
        return b""
