"""One text being read: its bytes, its lines, and where it stands in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from logverse.instant import Millis
from producers.checkpoint import Position
from producers.sources.identity import is_rotated
from producers.sources.lines import Chunk, Lines, LongLine
from producers.sources.streams import Stream


@dataclass(slots=True, eq=False)
class LogFile:
    """An open file and how far it was read.

    Event times: `high` is the highest handed to Kafka in this run, None before the first; `last_time` the newest good one,
    which a line without one takes; `begins_at` that of the first line, 0 when it has none. Processing time: `quiet_since`,
    when the last bytes came. An `ending` file gives out its last half line once it was read to its end.
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
    shrunk: bool = False
    renamed: bool = False

    def __post_init__(self) -> None:
        self.continue_on(self.path, self.stream, self.position.sent)
        self.last_time = self.position.sent_time

    @property
    def rotated(self) -> bool:
        """Whether a server has no reason to write to it any more."""
        return self.renamed or is_rotated(self.path.name)

    def lag(self) -> int:
        """Bytes that were not read yet, one at least while a last half line is to be given out."""
        return self.stream.left() or int(self.ending and self.lines.pending > 0)

    def read(self) -> list[Chunk | LongLine]:
        """The next lines; none when no line has been completed. Malformed when a compressed file is broken."""
        data = self.stream.read()
        if data:
            return self.lines.feed(data)
        return self.lines.end() if self.ending else []

    def continue_on(self, path: Path, stream: Stream, offset: int) -> None:
        """Go on in another file that holds the same text."""
        stream.skip(offset)
        self.path, self.stream, self.lines = path, stream, Lines(offset)
        self.position.path = str(path)


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
