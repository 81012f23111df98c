"""How messages stand in a stream of syslog (RFC 6587): ended by a line feed, or preceded by their length."""

from __future__ import annotations

import re
from typing import Protocol

from logverse.errors import Malformed
from producers.sources.lines import MAX_LINE, Chunk, Lines, LongLine

_COUNT = re.compile(rb"([1-9]\d{0,8}) ")
_DIGITS = 10  # a length with its space


class Frames(Protocol):
    """Cuts what one sender sends into messages. `wrong`: why nothing that follows can be understood, empty while it can."""

    wrong: str

    @property
    def pending(self) -> int:
        """Bytes of the message that is not complete."""

    def feed(self, data: bytes) -> list[Chunk | LongLine]:
        """The messages that these next bytes complete, also those before what is `wrong`."""

    def end(self) -> list[Chunk | LongLine]:
        """What is left when the sender is gone. Malformed when it was cut off in the middle of a message."""


class Counted:
    """Octet counting: `5 hello`. Its chunks count as if each message were a line.

    >>> Counted().feed(b"5 hello3 you12 ha")
    [Chunk(start=0, end=10, lines=[b'hello', b'you'])]
    """

    def __init__(self) -> None:
        self._rest, self._start, self.wrong = b"", 0, ""

    @property
    def pending(self) -> int:
        return len(self._rest)

    def feed(self, data: bytes) -> list[Chunk | LongLine]:
        rest, lines, at = self._rest + data, list[bytes](), 0
        if self.wrong:
            return []
        while match := _COUNT.match(rest, at):
            length, begin = int(match[1]), match.end()
            if length > MAX_LINE:
                self.wrong = f"a message of {length:,} bytes was announced"
            if self.wrong or len(rest) - begin < length:
                break
            lines.append(rest[begin : begin + length].rstrip(b"\r\n\0"))
            at = begin + length
        self._rest = rest[at:]
        if not match and (len(self._rest) >= _DIGITS or not (self._rest == b"" or self._rest.isdigit())):
            self.wrong = "no length where one must be"
        return self._chunk(lines)

    def end(self) -> list[Chunk | LongLine]:
        if self._rest or self.wrong:
            raise Malformed(self.wrong or "cut off in the middle of a message")
        return []

    def _chunk(self, lines: list[bytes]) -> list[Chunk | LongLine]:
        start, self._start = self._start, self._start + sum(len(line) + 1 for line in lines)
        return [Chunk(start, self._start, lines)] if lines else []


def framed(first: bytes) -> Frames:
    """The framing of a stream that begins so: a length, or anything else.

    >>> type(framed(b"<13>Nov 21")).__name__, type(framed(b"47 <13>1 2026")).__name__
    ('Lines', 'Counted')
    """
    return Counted() if re.match(rb"[1-9]\d{0,8} ?<|[1-9]\d{0,8}$", first) else Lines()
