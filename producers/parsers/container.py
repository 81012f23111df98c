"""Log files of containers: Kubernetes' (CRI) and Docker's (json-file), an envelope around the lines that the program wrote."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import orjson

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.parsers import stacks, times
from producers.parsers.access import AccessLog
from producers.parsers.application import HEADS, Application
from producers.parsers.json_log import JsonLog
from producers.parsers.logfmt import Logfmt
from producers.parsers.parsed import Parsed, Parser
from producers.parsers.plain import Plain
from producers.parsers.web_errors import NginxError
from producers.routes import Routes

_CRI = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([A-Z:]{1,32}) (.*)", re.ASCII | re.DOTALL
)
_TRACE = re.compile(
    r"\s+\S|Caused by: |\.\.\. \d+ more|Traceback \(most|goroutine \d|[\w.$]{1,200}(?:Error|Exception|Interrupt)(?::|$)", re.ASCII
)


class Piece(NamedTuple):
    """What one line of the file holds: when and where the program wrote it, and whether its line goes on in the next."""

    at: Millis | None
    stream: str
    text: str
    partial: bool


class _Container(ABC):
    """Unwraps each line, joins pieces and stack traces, and reads what the program wrote with the first form that fits: it may write
    several. What fits none is kept as it is. A line without a time has that of its envelope.
    """

    def __init__(self, routes: Routes) -> None:
        applications = [Application(HEADS[name]) for name in ("python", "java", "go")]
        self._json: Parser = JsonLog(routes)
        self._forms: list[Parser] = [AccessLog(routes), NginxError(routes), *applications, Logfmt(routes)]
        self._plain = Plain(routes)

    def begins(self, line: str) -> bool:
        """A stack trace's lines go on the line before them, as does what is in no envelope."""
        try:
            text = self.piece(line).text
        except Malformed:
            return False
        return not _TRACE.match(text) or bool(stacks.CRASH.match(text))

    def goes_on(self, line: str) -> bool:
        """Whether a line that begins nothing is in an envelope all the same."""
        try:
            return bool(self.piece(line).stream)
        except Malformed:
            return False

    def unfinished(self, line: str) -> bool:
        """Whether the program's line goes on in the next line of the file."""
        try:
            return self.piece(line).partial
        except Malformed:
            return False

    def apart(self, line: str, following: str) -> bool:
        """Whether the program wrote these two to different streams, which the runtime mixes as they come: neither goes on the other. What
        was cut in two by that stays two records."""
        try:
            return self.piece(line).stream != self.piece(following).stream
        except Malformed:
            return False

    def parse(self, line: str) -> Parsed:
        first, *more = line.split("\n")
        pieces = [self.piece(first), *map(self._bare, more)]
        text = "".join(piece.text + ("" if piece.partial else "\n") for piece in pieces).removesuffix("\n")
        parsed = self._inner(text)
        if parsed.timestamp is None:
            parsed.timestamp, parsed.local = pieces[0].at, None
        parsed.attributes = {**(parsed.attributes or {}), "log.iostream": pieces[0].stream}
        return parsed

    @abstractmethod
    def piece(self, line: str) -> Piece:
        """What is in the envelope. Malformed when it is none."""

    def _bare(self, line: str) -> Piece:
        try:
            return self.piece(line)
        except Malformed:
            return Piece(None, "", line, False)

    def _inner(self, text: str) -> Parsed:
        first_line = text.partition("\n")[0]
        for form in [self._json] if text.startswith("{") else self._forms:
            begins = getattr(form, "begins", None)
            if begins is not None and not begins(first_line):
                continue
            try:
                return form.parse(text)
            except Malformed:
                continue
        parsed = self._plain.parse(text)
        parsed.fields |= _raised(text)
        return parsed


class Cri(_Container):
    """`2026-11-21T12:00:00.123456789Z stdout F message`; P instead of F: the line goes on."""

    def piece(self, line: str) -> Piece:
        match = _CRI.fullmatch(line)
        if not match:
            raise Malformed("not a line of a container runtime")
        return Piece(times.rfc3339(match[1]), match[2], match[4], match[3].partition(":")[0] == "P")


class DockerJson(_Container):
    """`{"log":"message\\n","stream":"stdout","time":"…"}`; without the line break the line goes on."""

    def piece(self, line: str) -> Piece:
        if not line.startswith('{"log":'):
            raise Malformed("not a line of Docker's json-file")
        try:
            found: dict[str, Any] = orjson.loads(line)
            text, stream, time = found["log"], found["stream"], found["time"]
        except (orjson.JSONDecodeError, KeyError) as error:
            raise Malformed("not a line of Docker's json-file") from error
        if not (isinstance(text, str) and isinstance(stream, str) and isinstance(time, str)):
            raise Malformed("not a line of Docker's json-file")
        return Piece(times.rfc3339(time), stream, text.removesuffix("\n"), not text.endswith("\n"))


def _raised(text: str) -> dict[str, Any]:
    lines = text.split("\n")
    return stacks.exception(lines)[1] if len(lines) > 1 else {}
