"""Which parser reads which text: the one that was asked for, or the one that fits its first lines. Keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from logverse.errors import WrongSettings
from logverse.instant import Millis
from producers.parsers import PARSERS, Parser
from producers.parsers.choosing import FALLBACK, choose, headed
from producers.parsers.local_time import Calendar
from producers.parsers.pattern import is_file, load
from producers.routes import Routes
from producers.sources.text import Text

AUTO = "auto"
_ENOUGH = 10  # lines: what comes after them will not be looked at
_KEPT = 64 * 1024  # bytes of lines that are looked at
_MOST = 4096  # texts with a parser of their own
_MOST_YOUNG = 256  # texts with fewer than _ENOUGH lines whose lines are kept


def check(log_type: str, where: str) -> None:
    """WrongSettings when there is no such form, or when the file that describes it is wrong."""
    if is_file(log_type):
        load(log_type, Routes())
    elif log_type not in (AUTO, *PARSERS):
        near = get_close_matches(log_type, PARSERS, 1)
        known = f"{near[0]}?" if near else f"one of {AUTO}, {', '.join(PARSERS)}, or a YAML file that describes one"
        raise WrongSettings(f"no form {log_type!r}", where=where, remedy=known)


class Forms:
    """`log_type`: `auto`, a name of PARSERS, or a YAML file that describes a form. `say` is told what was chosen."""

    def __init__(self, log_type: str, calendar: Calendar, say: Callable[[str], None]) -> None:
        self._log_type, self._calendar, self._say = log_type, calendar, say
        self._routes = Routes()
        self._parsers: dict[tuple[str, str], Parser] = {}
        self._young: dict[str, list[bytes]] = {}  # the lines of texts that began so lately that more of them may tell better
        if is_file(log_type):
            self._parsers[log_type, ""] = load(log_type, self._routes)

    def of(self, text: Text, lines: Sequence[bytes], now: Millis) -> Parser:
        """The parser for this text, which goes on with these lines; another than before when they tell better. `now`: processing time."""
        if self._log_type == AUTO and (text.position.type not in PARSERS or text.identity in self._young):
            self._choose(text, lines, now)
        return self.known(text, lines)

    def known(self, text: Text, lines: Sequence[bytes]) -> Parser:
        """The parser that `of` has chosen for the text."""
        name = self._log_type if self._log_type != AUTO else text.position.type or FALLBACK
        return self._named(name, text, text.head.rpartition(b"\n")[2] or (lines[0] if lines else b""))

    def guessed(self, text: Text) -> Parser:
        """The parser for its first line, which is all that is known of it: nothing is chosen yet."""
        first = text.head.rpartition(b"\n")[2]
        known = text.position.type if self._log_type == AUTO else self._log_type
        if known in PARSERS or is_file(known):
            return self._named(known, text, first)
        return PARSERS[choose([decoded(first)], self._calendar, text.position.first_seen).name](self._routes)

    def _named(self, name: str, text: Text, first_line: bytes) -> Parser:
        parser = self._parsers.get((name, ""))
        if parser is None:
            parser = self._parsers[name, ""] = PARSERS[name](self._routes)
        if not hasattr(parser, "headed"):
            return parser
        if (name, text.identity) not in self._parsers:
            if len(self._parsers) > _MOST:
                self._parsers = {key: known for key, known in self._parsers.items() if not key[1]}
            self._parsers[name, text.identity] = headed(parser, decoded(first_line))
        return self._parsers[name, text.identity]

    def _choose(self, text: Text, lines: Sequence[bytes], now: Millis) -> None:
        """For good by _ENOUGH lines; for now by fewer, or until the producer is started again, plain lines not even so long."""
        seen = [*self._young.pop(text.identity, ()), *_bounded(lines)]
        choice = choose([decoded(line) for line in seen], self._calendar, text.position.written or now)
        sure = choice.lines >= _ENOUGH or sum(map(len, seen)) >= _KEPT
        if not sure:
            self._young[text.identity] = seen
            if len(self._young) > _MOST_YOUNG:
                del self._young[next(iter(self._young))]
        name = choice.name if sure or choice.name != FALLBACK else ""
        if name and name != text.position.type:
            self._say(f"{text.label} is read as {choice.said()}")
        text.position.type = name


def decoded(line: bytes) -> str:
    """A line as parsers get it: without a carriage return, bytes that are not UTF-8 replaced."""
    if line.endswith(b"\r"):
        line = line[:-1]
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace")


def _bounded(lines: Sequence[bytes]) -> list[bytes]:
    taken, size = list[bytes](), 0
    for line in lines:
        size += len(line)
        if size > _KEPT and taken:
            break
        taken.append(line)
    return taken
