"""Bytes into lines with their positions: half lines wait, endless ones are cut down to what identifies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

CHUNK = 256 * 1024  # what is read at once: about a thousand access log lines, 10 ms of work
MAX_LINE = CHUNK  # a longer line is a dead letter: as JSON it would not fit Kafka's default record of 1 MiB
KEPT = 64 * 1024  # of a line that is too long
TAIL = 1024  # bytes before a position that tell its text from one that only begins alike


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines that follow each other, without their `\\n`. `start` and `end` are byte offsets in the decompressed text.

    `tail`: the last TAIL bytes of the text before `end`.
    """

    start: int
    end: int
    lines: Sequence[bytes]
    tail: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over MAX_LINE: its first KEPT bytes, and length and sha256 of all of it."""

    start: int
    end: int
    head: bytes
    length: int
    sha256: str
    tail: bytes = field(default=b"", compare=False, repr=False)


class Lines:
    """Cuts a text that arrives in pieces into lines; each line comes out once, with the offset where it begins.

    >>> lines = Lines()
    >>> lines.feed(b"one\\ntw"), lines.feed(b"o\\n")
    ([Chunk(start=0, end=4, lines=[b'one'])], [Chunk(start=4, end=8, lines=[b'two'])])
    """

    def __init__(self, offset: int = 0, tail: bytes = b"") -> None:
        self.start = offset  # of the line that has not ended yet
        self.tail = tail  # the last TAIL bytes before it
        self.wrong = ""  # never: any bytes are lines
        self._rest = b""
        self._long: _Long | None = None

    @property
    def pending(self) -> int:
        """Bytes of the half line at the end."""
        return self._long.length if self._long else len(self._rest)

    def feed(self, data: bytes) -> list[Chunk | LongLine]:
        """The lines that these next bytes (CHUNK at most) complete."""
        first, found, rest = data.partition(b"\n")
        if not found:
            self._hold(data)
            return []
        if not self._long and len(self._rest) + len(first) <= MAX_LINE:
            return self._whole(self._rest + data)
        self._hold(first)
        return [self._ended(1), *(self.feed(rest) if rest else [])]

    def end(self) -> list[Chunk | LongLine]:
        """The half line at the end of a text that will not go on."""
        if self._long:
            return [self._ended(0)]
        if not self._rest:
            return []
        line, self._rest = self._rest, b""
        start, self.start = self.start, self.start + len(line)
        self.tail = (self.tail + line[-TAIL:])[-TAIL:]
        return [Chunk(start, self.start, [line], self.tail)]

    def _whole(self, data: bytes) -> list[Chunk | LongLine]:
        lines = data.split(b"\n")
        self._rest = lines.pop()
        length = len(data) - len(self._rest)
        start, self.start = self.start, self.start + length
        self.tail = (self.tail + data[max(0, length - TAIL) : length])[-TAIL:]
        return [Chunk(start, self.start, lines, self.tail)]

    def _hold(self, data: bytes) -> None:
        if self._long:
            self._long.add(data)
        elif len(self._rest) + len(data) <= MAX_LINE:
            self._rest += data
        else:
            self._long = _Long(self._rest + data)
            self._rest = b""

    def _ended(self, line_break: int) -> LongLine:
        long = self._long
        if long is None:
            raise AssertionError("a line that is not too long ends elsewhere")
        self._long = None
        start, self.start = self.start, self.start + long.length + line_break
        self.tail = (long.tail + b"\n" * line_break)[-TAIL:]  # such a line is longer than TAIL
        return LongLine(start, self.start, long.head, long.length, long.hasher.hexdigest(), self.tail)


class _Long:
    """A line too long to keep."""

    def __init__(self, data: bytes) -> None:
        self.head, self.length, self.hasher, self.tail = data[:KEPT], len(data), sha256(data), data[-TAIL:]

    def add(self, data: bytes) -> None:
        self.length += len(data)
        self.hasher.update(data)
        self.tail = (self.tail + data[-TAIL:])[-TAIL:]
