"""Which parser fits a text: chosen by a sample, with how sure that is and how disordered its times are. It never gives up: see `plain`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.joining import joining
from producers.parsers import PARSERS
from producers.parsers.application import HEADS, Application
from producers.parsers.local_time import Calendar
from producers.parsers.parsed import Header, Parsed, Parser
from producers.routes import Routes
from producers.sources.lines import Chunk

SAMPLE = 200  # lines
FALLBACK = "plain"
_LEAST = 0.5  # of the lines: with fewer, most of the text would be dead letters
_LOOSE = "node"  # its last head is any text behind a time: a line that nothing else of it fits speaks half as much for it
_STRICT = Application(HEADS[_LOOSE][:-1])
# What goes on a record in front of it; other lines that begin none do not speak for a form.
_GOES_ON = re.compile(
    r"\s|Caused by: |Traceback |goroutine |\.\.\. \d|exit status|Node\.js v|[\w.$]{1,200}(?:Error|Exception|Warning|Interrupt)\b"
    r"|\w{1,100}(?:\.\w{1,100}){1,20}(?:: |$)|[\w./-]{1,200}\.[\w.()*-]{1,100}\(",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """`fit` of `lines` lines of the sample are of this form. `disorder`: how far event times ran backwards in it, milliseconds.

    `without_zone`, `without_year`: some of its times leave that out. `timed`: events with a time.
    """

    name: str
    fit: int
    lines: int
    timed: int = 0
    disorder: Millis = 0
    without_zone: bool = False
    without_year: bool = False

    @property
    def share(self) -> float:
        return self.fit / max(1, self.lines)

    def said(self) -> str:
        """In words, with what to do about it."""
        words = f"{self.name} ({self.fit:,} of {self.lines:,} lines fit)"
        if self.name == FALLBACK:
            words = f"plain lines, as no form fits half of the first {self.lines:,}: name one with --type, or write it down in YAML"
        elif self.without_zone:
            words += f"; its times name no {'year and no ' if self.without_year else ''}zone: see --timezone"
        return f"{words}; its {told(self.disorder)}" if self.disorder else words


def told(disorder: Millis) -> str:
    """That times run backwards by so much, and what to do about it."""
    return f"times run backwards by up to {disorder / 1000:,g} s: --watermark-delay {-(-disorder // 1000) + 1}s"


def choose(lines: Sequence[str], calendar: Calendar, written: Millis) -> Choice:
    """The form of a text with these lines, blank ones left out. `written`: when it was last written to (processing time)."""
    sample = [line for line in lines if line.strip()][:SAMPLE]
    fits = {name: _fit(headed(make(Routes()), sample[0]), sample) for name, make in PARSERS.items() if name != FALLBACK} if sample else {}
    able = [name for name, fit in fits.items() if fit >= _LEAST * len(sample)]
    best = max(able, key=lambda name: (fits[name] + _fit(_STRICT, sample)) / 2 if name == _LOOSE else fits[name], default=FALLBACK)
    if best == FALLBACK:
        return Choice(FALLBACK, len(sample), len(sample))
    parser = headed(PARSERS[best](Routes()), sample[0])
    return _measured(best, fits[best], len(sample), list(_parsed(parser, sample)), calendar, written)


def headed(parser: Parser, first_line: str) -> Parser:
    """The parser for a text that begins with this line."""
    made = getattr(parser, "headed", None)
    found: Parser = made(first_line) if made else parser
    return found


def _fit(parser: Parser, lines: Sequence[str]) -> int:
    begins = getattr(parser, "begins", None)
    if begins is None:
        return sum(_understands(parser, line) for line in lines)
    heads = [bool(begins(line)) and _understands(parser, line) for line in lines]
    first = heads.index(True) if True in heads else len(lines)
    goes_on = getattr(parser, "goes_on", _GOES_ON.match)
    return sum(head or (place > first and bool(goes_on(lines[place]))) for place, head in enumerate(heads))


def _understands(parser: Parser, line: str) -> bool:
    try:
        parser.parse(line)
    except Header:
        return True
    except Malformed:
        return False
    return True


def _parsed(parser: Parser, lines: Sequence[str]) -> Iterator[Parsed]:
    for record in records(parser, lines):
        try:
            yield parser.parse(record)
        except Malformed:
            continue


def records(parser: Parser, lines: Sequence[str]) -> list[str]:
    """The lines, joined where the parser joins."""
    joiner = joining(parser)
    if joiner is None:
        return list(lines)
    written = [line.encode("utf-8", "replace") for line in lines]
    end = sum(len(line) + 1 for line in written)
    found = [*joiner.feed(Chunk(0, end, written), 0), *joiner.flush()]
    return [line.decode() for chunk in found if isinstance(chunk, Chunk) for line in chunk.lines]


def _measured(name: str, fit: int, lines: int, events: Iterable[Parsed], calendar: Calendar, written: Millis) -> Choice:
    high = last = None
    timed, worst, zone, year = 0, 0, False, False
    for event in events:
        at, local = event.timestamp, event.local
        if at is None and local is not None:
            at, zone, year = calendar.instant(local, last, written, written), zone or not local.zone, year or local.year is None
        if at is None:
            continue
        timed, last, high = timed + 1, at, max(at, high or at)
        worst = max(worst, high - at)
    return Choice(name, fit, lines, timed, worst, zone, year)
