"""What lines would become, and why some would not: the same parsers, joining and times as a producer, and no Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import regex

from logverse import instant, severity
from logverse.errors import Malformed
from logverse.instant import Millis
from producers.account import Account
from producers.checkpoint import Position
from producers.forms import Forms, decoded
from producers.heartbeats import FUTURE_MS
from producers.joining import Joiner, joining
from producers.parsers import PARSERS, Parsed, Parser
from producers.parsers.choosing import FALLBACK
from producers.parsers.local_time import Calendar
from producers.parsers.parsed import Header
from producers.routes import Routes
from producers.sources.identity import HEAD, head_of
from producers.sources.lines import CHUNK, Chunk, Lines, LongLine
from producers.sources.live import LiveText
from producers.sources.streams import opened

_LOOKED_AT = 4096  # characters of a line in which the place is looked for where it stops to fit
_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Shown:
    """A record: its first line's number and offset, its text, and the event it becomes, or why it becomes none."""

    line: int
    offset: int
    text: str
    event: dict[str, Any] | None
    reason: str = ""
    fits_to: int = 0  # characters of it that fit its form
    fits: list[str] = field(default_factory=list)  # other forms that it fits


class Preview:
    """A file's first records. `clock` is processing time; `say` is told what `auto` chose."""

    def __init__(self, log_type: str, calendar: Calendar, clock: Callable[[], Millis], say: Callable[[str], None]) -> None:
        self._forms, self._calendar, self._clock = Forms(log_type, calendar, say), calendar, clock
        self.account = Account()  # of what was shown: lines, events, dead letters
        self.disorder: Millis = 0  # how far event times ran backwards in what was read

    def file(self, path: Path) -> Iterator[Shown]:
        """OSError when it cannot be opened; Malformed when it is compressed and broken."""
        stream = opened(path)
        written = stream.stat().st_mtime_ns // 1_000_000
        try:
            yield from self._shown(str(path), stream.read, written)
        except Malformed as error:
            raise Malformed(f"{path} {error}") from error
        finally:
            stream.close()

    def stream(self, source: BinaryIO) -> Iterator[Shown]:
        """Standard input."""
        yield from self._shown("standard input", lambda: source.read(CHUNK), self._clock())

    def _shown(self, label: str, read: Callable[[], bytes], written: Millis) -> Iterator[Shown]:
        text = LiveText("preview", label, Position(label, first_seen=self._clock(), written=written))
        joiner: Joiner | None = None
        for item in _items(read):
            if not text.head and isinstance(item, Chunk):
                text.head = head_of(b"\n".join(item.lines)[:HEAD], ended=True) or b""
            parser = self._forms.of(text, item.lines if isinstance(item, Chunk) else (), self._clock())
            before, joiner = joiner, joining(parser, joiner)
            for last in before.flush() if before and not joiner else ():
                yield from self._records(text, last, parser)
            for whole in joiner.feed(item, 0) if joiner else (item,):
                yield from self._records(text, whole, parser)
        for last in joiner.flush() if joiner else ():
            yield from self._records(text, last, parser)

    def _records(self, text: LiveText, item: Chunk | LongLine, parser: Parser) -> Iterator[Shown]:
        if isinstance(item, LongLine):
            self.account.lines += 1
            yield self._failed(item.start, decoded(item.head[:_LOOKED_AT]), "line too long", parser)
            return
        offset = item.start
        for record in item.lines:
            start, offset = offset, offset + len(record) + 1
            self.account.lines += 1
            if not record.strip(b"\r"):
                self.account.blank += 1
                continue
            yield from self._record(text, start, decoded(record), parser)
            self.account.lines += record.count(b"\n")

    def _record(self, text: LiveText, start: int, record: str, parser: Parser) -> Iterator[Shown]:
        try:
            parsed = parser.parse(record)
        except Header:
            self.account.blank += 1
        except Malformed as error:
            yield self._failed(start, record, str(error), parser, error.__cause__)
        else:
            self.account.events += 1
            yield Shown(self.account.lines, start, record, self._event(text, parsed))

    def _event(self, text: LiveText, parsed: Parsed) -> dict[str, Any]:
        at, position = parsed.timestamp, text.position
        if at is None and parsed.local is not None:
            at = self._calendar.instant(parsed.local, text.last_time, min(position.written, position.first_seen), self._clock())
        text.last_time = text.last_time if at is None else at
        if at is not None and at <= self._clock() + FUTURE_MS:
            text.high = max(at, at if text.high is None else text.high)
            self.disorder = max(self.disorder, text.high - at)
        return {
            "timestamp": None if at is None else instant.written(at),
            "log.type": parsed.log_type,
            **({"service.name": parsed.service} if parsed.service else {}),
            "severity_text": severity.text_of(parsed.severity_number),
            "severity_number": parsed.severity_number,
            "body": parsed.body,
            **parsed.fields,
            **({"attributes": dict(parsed.attributes)} if parsed.attributes else {}),
        }

    def _failed(self, start: int, record: str, reason: str, parser: Parser, cause: BaseException | None = None) -> Shown:
        self.account.dead_letters[reason] += 1
        fits_to = getattr(cause, "pos", None)  # JSON says so itself
        others = [name for name in PARSERS if name not in (FALLBACK, "node") and _fits(name, record)]
        return Shown(self.account.lines, start, record, None, reason, fitting(parser, record) if fits_to is None else fits_to, others)


def fitting(parser: Parser, line: str) -> int:
    """How many characters of a line that does not fit are as they should be, by the expression that goes furthest.

    >>> from producers.parsers.access import AccessLog
    >>> fitting(AccessLog(Routes()), '10.0.0.7 - - [noon] GET / 200')
    20
    """
    line, furthest = line[:_LOOKED_AT], 0
    for text in getattr(parser, "expressions", ()):
        expression = regex.compile(text, regex.DOTALL)
        furthest = max(furthest, _last(partial(_begins, expression, line), len(line)))
    return furthest


def _begins(expression: Any, line: str, count: int) -> bool:
    """Whether a text that fits could begin as these characters."""
    try:
        return expression.fullmatch(line[:count], partial=True, timeout=_PATIENCE_S) is not None
    except TimeoutError:
        return False


def _last(holds: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` for which it holds, as it does for all smaller ones."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _fits(name: str, record: str) -> bool:
    parser = PARSERS[name](Routes())
    if hasattr(parser, "begins") and not parser.begins(record.partition("\n")[0]):
        return False
    try:
        parser.parse(record)
    except Malformed:
        return False
    return True


def _items(read: Callable[[], bytes]) -> Iterator[Chunk | LongLine]:
    lines = Lines()
    while data := read():
        yield from lines.feed(data)
    yield from lines.end()
