"""Lines into records: a stack trace goes on the line that it belongs to. Bounded, timed out, and the same over kills and restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from logverse.instant import Millis
from producers.sources.lines import TAIL, Chunk, LongLine

MAX_LINES = 500  # of one record; what goes on beyond is a record of its own
MAX_BYTES = 128 * 1024
WAIT_MS = 500  # for the next line of a record (processing time): shorter than any watermark delay, or it would come late


def lines_in(item: Chunk | LongLine) -> int:
    """How many lines of the text these records are."""
    return sum(record.count(b"\n") + 1 for record in item.lines) if isinstance(item, Chunk) else 1


@dataclass(slots=True, eq=False)
class Joiner:
    """The lines of one text on their way to being records.

    A record is the bytes of its lines with `\\n` between them, and comes out as a line of a Chunk: its place is that of its first
    line. Where records begin depends on the bytes of the text and on `cuts` alone, so a text that is read on from the end of any
    record gives the same ones. `begins` is the parser's.
    """

    begins: Callable[[str], bool]
    unfinished: Callable[[str], bool] | None = None  # the parser's: whether a record goes on behind this line, whatever comes
    apart: Callable[[str, str], bool] | None = None  # the parser's: whether two lines can never be of one record
    start: int = 0  # of the record that may go on
    end: int = 0
    since: Millis = 0  # processing time of its last line
    _lines: list[bytes] = field(default_factory=list)
    _size: int = 0
    _after: bytes = b""  # the last TAIL bytes before `end`
    _half: bool = False  # its last line has no line break yet

    @property
    def holds(self) -> bool:
        """Whether a record waits for its end."""
        return bool(self._lines)

    def feed(self, item: Chunk | LongLine, now: Millis, cuts: Sequence[int] = ()) -> Iterator[Chunk | LongLine]:
        """The records that these next lines complete. The last one waits for what comes next.

        `cuts` are offsets where a record was not waited for any longer, so that another begins.
        """
        if item.start < self.end:
            self._taken()  # read again from where the last record ended
        if isinstance(item, LongLine) or item.start != self.end or self._half:
            yield from self.flush()
        if isinstance(item, LongLine):
            self.end, self._after = item.end, item.tail
            yield item
        elif whole := self._joined(item, now, cuts):
            yield whole

    def cut(self, now: Millis, cuts: list[int]) -> bool:
        """End a record whose next line did not come in time, and note it in `cuts`; False when there is none."""
        if not self._lines or now - self.since < WAIT_MS or self.end in cuts:
            return False
        cuts.append(self.end)
        return True

    def due(self, cuts: Sequence[int]) -> bool:
        """Whether it holds a record that was cut off."""
        return self.holds and self.end in cuts

    def flush(self) -> Iterator[Chunk]:
        """The record that waits: nothing more of it will come, or it has waited long enough."""
        if self._lines:
            yield Chunk(self.start, self.end, [self._taken()], self._after)

    def _joined(self, chunk: Chunk, now: Millis, cuts: Sequence[int]) -> Chunk | None:
        begin = self.start if self._lines else chunk.start
        known = self._after if chunk.start == self.end else b""
        records, offset = list[bytes](), chunk.start
        for line in chunk.lines:
            if self._lines and (offset in cuts or self._ends_before(line)):
                records.append(self._taken())
            if self._lines or (line and line != b"\r"):
                if not self._lines:
                    self.start = offset
                self._lines.append(line)
                self._size += len(line) + 1
            else:
                records.append(line)  # a blank line between records is nobody's
            offset += len(line) + 1
        self.since, self.end, self._after, self._half = now, chunk.end, chunk.tail, offset > chunk.end
        end = self.start if self._lines else chunk.end
        if end == begin:
            return None
        tail = chunk.tail if end == chunk.end else self._before(end, chunk, known)
        return Chunk(begin, end, records, tail)

    def _ends_before(self, line: bytes) -> bool:
        full = len(self._lines) >= MAX_LINES or self._size + len(line) > MAX_BYTES
        if self.apart is not None and self.apart(_decoded(self._lines[-1]), _decoded(line)):
            return True
        if self.unfinished is not None and not full and self.unfinished(_decoded(self._lines[-1])):
            return False
        return full or self.begins(_decoded(line))

    def _taken(self) -> bytes:
        record, self._lines, self._size = b"\n".join(self._lines), [], 0
        return record

    @staticmethod
    def _before(end: int, chunk: Chunk, known: bytes) -> bytes:
        """The last TAIL bytes before `end`; none when not all of them are known: then the text is told by its length."""
        read = (b"\n".join(chunk.lines) + b"\n")[: max(0, end - chunk.start)]
        tail = (known + read)[-TAIL:]
        return tail if len(tail) == TAIL or end == len(tail) else b""


def joining(parser: object, joiner: Joiner | None = None) -> Joiner | None:
    """What joins lines for this parser: `joiner`, which goes on as the parser says, or a new one; None: its records are single lines."""
    begins = getattr(parser, "begins", None)
    if begins is None:
        return None
    joiner = joiner or Joiner(begins)
    joiner.begins, joiner.unfinished, joiner.apart = begins, getattr(parser, "unfinished", None), getattr(parser, "apart", None)
    return joiner


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
