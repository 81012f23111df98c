"""Logs of applications in Python, Java, Go and Node: a time, a level, a message, and the stack traces between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from logverse import severity
from logverse.instant import Millis
from producers.parsers import stacks, stamps
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed

_T = r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d|UTC))?)"
_UPPER = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|SEVERE|CONFIG|FINE(?:R|ST)?|DPANIC|PANIC"
_L, _ANY = rf"(?P<level>{_UPPER})", rf"(?P<level>{_UPPER}|trace|debug|verbose|http|info|warn(?:ing)?|error|fatal|panic)"
_LOGGER = r"(?P<logger>[\w.$\-/:]{1,255}?)"
_M = r"(?P<message>.*)"
_THREAD = r"\[ ?(?P<thread>[^\]\n]{0,255}?) ?\]"
_SOURCE = r"(?P<file>[\w./\\-]{1,255}?):(?P<line>\d{1,9})"

# By language the first lines of its records, as its loggers write them when nobody tells them otherwise, and as many are told.
HEADS: dict[str, tuple[str, ...]] = {
    "python": (
        rf"{_T} \| {_L} *\| {_LOGGER}:(?P<function>[\w<>]{{1,128}}):(?P<line>\d{{1,9}}) - {_M}",  # loguru
        rf"\[{_T}: {_L}/(?P<thread>[\w-]{{1,128}})\] {_M}",  # celery
        rf"\[{_T}\] \[(?P<pid>\d{{1,9}})\] \[{_L}\] {_M}",  # gunicorn
        rf"{_T} - {_LOGGER} - {_L} - {_M}",  # the cookbook's Formatter
        rf"{_T} {_L} +{_THREAD} (?![\w.$]{{1,255}}(?: -|:) ){_M}",  # with a logger behind it, it is Java's
        rf"{_T} {_L} *:? {_LOGGER}(?::| -) {_M}",
        rf"{_T} \[?{_L}\]?:? (?! *\[|\d{{1,9}} --- ){_M}",
        rf"{_L}: *{_LOGGER}:{_M}",  # basicConfig, without a time
    ),
    "java": (
        rf"{_T} +{_L} (?P<pid>\d{{1,9}}) --- (?:\[[^\]\n]{{0,255}}\] )?{_THREAD} {_LOGGER} *: {_M}",  # Spring Boot
        rf"{_T} {_THREAD} {_L} +{_LOGGER}(?: -|:) {_M}",  # logback, log4j 2
        rf"{_T} {_L} +{_THREAD} {_LOGGER}(?: -|:) {_M}",
        rf"{_T} \[?{_L}\]? +(?:\[?(?P<logger>[\w.$]{{1,255}})\]?(?::(?P<line>\d{{1,9}}))?)(?: -|:) {_M}",  # log4j
        rf"(?P<time>\d\d-[A-Z][a-z]{{2}}-\d{{4}} \d\d:\d\d:\d\d\.\d{{3}}) {_L} {_THREAD} {_LOGGER} {_M}",  # Tomcat
    ),
    "go": (
        rf"(?P<level>[IWEF])(?P<time>[01]\d[0-3]\d \d\d:\d\d:\d\d\.\d{{1,9}}) +(?P<thread>\d{{1,9}}) {_SOURCE}\] {_M}",  # glog, klog
        rf"{_T}\t{_ANY}\t(?:(?P<logger>[\w.-]{{1,255}})\t)?(?:{_SOURCE}\t)?{_M}",  # zap
        rf"(?P<time>\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{{1,9}})?) (?:{_SOURCE}: )?(?:\[?{_ANY}\]?:? )?{_M}",  # the standard library
    ),
    "node": (
        rf"\[{_T}\] \[{_ANY}\] (?P<logger>[\w.-]{{1,128}}) - {_M}",  # log4js
        rf"\[{_T}\] {_ANY}(?: \((?:(?P<logger>[\w.-]{{1,128}})/)?(?P<pid>\d{{1,9}})(?: on [^)\n]{{1,255}})?\))?: {_M}",  # pino, bunyan
        rf"{_T} \[?{_ANY}\]?(?: \[(?P<logger>[\w.-]{{1,128}})\])?:? {_M}",  # winston
        rf"{_T} {_M}",  # console behind a time
    ),
    "zookeeper": (rf"{_T} - {_L} +\[(?P<thread>.{{0,512}}):(?P<logger>[\w.$]{{1,255}})@(?P<line>\d{{1,9}})\] - {_M}",),
    "hdfs": (rf"(?P<time>\d{{6}} \d{{6}}) (?P<thread>\d{{1,9}}) {_L} {_LOGGER}: {_M}",),
}
_LETTERS = {"I": severity.INFO, "W": severity.WARN, "E": severity.ERROR, "F": severity.FATAL, "CONFIG": severity.DEBUG + 2,
            "FINE": severity.DEBUG, "FINER": severity.TRACE, "FINEST": severity.TRACE,
            "DPANIC": severity.FATAL, "http": severity.DEBUG + 2}  # fmt: skip
_ATTRIBUTES = {"logger": "log.logger", "thread": "thread.name", "pid": "process.pid"}


class Application:
    """Records that begin with one of `heads` (regular expressions with named groups) or with a crash; all other lines go on one.

    The body is the message with what follows it, up to a stack trace, which has fields of its own. Lines in front of the first
    head, or behind one that nobody waited for, are events without a time.
    """

    def __init__(self, heads: Sequence[str]) -> None:
        self._heads = [re.compile(head, re.ASCII | re.DOTALL) for head in heads]

    def begins(self, line: str) -> bool:
        return bool(self._head(line) or stacks.CRASH.match(line))

    def parse(self, line: str) -> Parsed:
        """The record in these lines. Never Malformed: what is no record's beginning is a message without time or level."""
        lines = line.replace("\r\n", "\n").rstrip("\n").split("\n")
        head, crashed = self._head(lines[0]), bool(stacks.CRASH.match(lines[0]))
        parts = {name: value for name, value in head.groupdict().items() if value} if head else {}
        if head:
            lines[0] = parts.pop("message", "")
        place, fields = stacks.exception(lines)
        level = _number(parts.pop("level", ""), bool(fields), crashed)
        at = _time(parts.pop("time", ""))
        local = at if isinstance(at, Local) else None
        fields = _code(parts, fields)
        body = "\n".join(lines[:place]).rstrip() or lines[place if place < len(lines) else 0]
        attributes: dict[str, Any] = {_ATTRIBUTES[name]: value for name, value in parts.items() if name in _ATTRIBUTES}
        if "process.pid" in attributes:
            attributes["process.pid"] = int(attributes["process.pid"])
        return Parsed("error", None if local else at, level, body, fields, attributes or None, None, local)  # type: ignore[arg-type]

    def _head(self, line: str) -> re.Match[str] | None:
        for head in self._heads:
            if match := head.fullmatch(line):
                return match
        return None


def _time(text: str) -> Millis | Local | None:
    return stamps.read(text) if text else None


def _code(parts: dict[str, str], found: dict[str, Any]) -> dict[str, Any]:
    """Where the line was written, unless the trace tells where it broke."""
    if "file" in parts:
        found.setdefault("code.file.path", parts["file"])
    if "function" in parts:
        found.setdefault("code.function.name", parts["function"])
    if "line" in parts:
        found.setdefault("code.line.number", int(parts["line"]))
    return found


def _number(level: str, raised: bool, crashed: bool) -> int:
    """A trace behind an INFO line is most often a crash that was written after it: it must not be overlooked."""
    if crashed:
        return severity.FATAL
    said = _LETTERS.get(level) or severity.number_of(level) or severity.INFO
    return severity.ERROR if raised and said < severity.WARN else said
