"""What events are chosen by beside the columns that the store looks up itself: severity, status, route and text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from logverse import severity
from logverse.errors import WrongSettings
from storage.rows import StoredEvent

# Of several events at once, because regular expressions are matched by the column.
Choice = Callable[[Sequence[StoredEvent]], Sequence[bool]]
Span = tuple[int, int]

_TERM = re.compile(r"(>=|<=|>|<|=)?\s*([A-Za-z0-9]+)(\+)?", re.ASCII)
_LEAST, _MOST = -32_768, 2**31 - 1
SEVERITIES = "ERROR, ERROR,FATAL, >=WARN or >=17"
STATUSES = "503, 5xx, 404,5xx or >=400"


def severities(text: str, where: str = "--severity") -> list[Span]:
    """Spans of severity numbers. A name stands for its whole range in OpenTelemetry.

    >>> severities("ERROR"), severities(">=WARN"), severities("<INFO, NOTICE")
    ([(17, 20)], [(13, 2147483647)], [(-32768, 8), (10, 10)])
    """
    return _spans(text, _severity, where, SEVERITIES)


def statuses(text: str, where: str = "--status") -> list[Span]:
    """Spans of HTTP status codes.

    >>> statuses("5xx"), statuses("404,>=500")
    ([(500, 599)], [(404, 404), (500, 2147483647)])
    """
    return _spans(text, _status, where, STATUSES)


def within(number: int | None, spans: Sequence[Span]) -> bool:
    """Whether the number is in one of them; one that is not known is in none."""
    return number is not None and any(low <= number <= high for low, high in spans)


def search(text: str, regex: bool, where: str = "--grep") -> Choice:
    """Whether an event's text holds this text, or a match of this expression (RE2's: its time is linear, whatever attackers log)."""
    if not regex:
        return lambda events: [text in text_of(event) for event in events]
    matcher = _matcher(text, where)
    return lambda events: matcher([text_of(event) for event in events])


def fields_of(event: StoredEvent) -> dict[str, Any]:
    """The record's fields. What JSON parsers disagree on is read as leniently as Flink reads it; bytes that say nothing are the body."""
    try:
        found = orjson.loads(event.record)
    except orjson.JSONDecodeError:
        text = event.record.decode("utf-8", "replace")
        try:
            found, _ = json.JSONDecoder().raw_decode(text.lstrip())
        except (ValueError, RecursionError):
            found = {"body": text}
    return found if isinstance(found, dict) else {"body": str(found)}


def text_of(event: StoredEvent) -> str:
    """What `grep` looks at: the body, and of an exception its message and stack."""
    fields = fields_of(event)
    parts = (fields.get(name) for name in ("body", "exception.message", "exception.stacktrace"))
    return "\n".join(part for part in parts if isinstance(part, str))


def _matcher(pattern: str, where: str) -> Callable[[list[str]], list[bool]]:
    try:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import compute
    except ImportError as error:
        raise WrongSettings("--regex needs pyarrow", where=where, remedy="pip install pyarrow, or leave --regex out") from error

    def matches(texts: list[str]) -> list[bool]:
        column = pyarrow.array([text.encode("utf-8", "backslashreplace") for text in texts], pyarrow.large_binary())
        found: list[bool] = compute.match_substring_regex(column.cast(pyarrow.large_string()), pattern).to_pylist()
        return found

    try:
        matches([""])
    except pyarrow.ArrowInvalid as error:
        raise WrongSettings(f"{pattern[:60]!r}: {error}", where=where, remedy="https://github.com/google/re2/wiki/Syntax") from error
    return matches


def _spans(text: str, one: Callable[[str], Span | None], where: str, examples: str) -> list[Span]:
    found = []
    for term in text.split(","):
        parts = _TERM.fullmatch(term.strip())
        span = one(parts[2]) if parts else None
        if parts is None or span is None or (parts[1] and parts[3]):
            raise WrongSettings(f"{term.strip()[:40]!r} is not known", where=where, remedy=f"for example {examples}")
        found.append(_compared(">=" if parts[3] else parts[1], *span))
    return found


def _compared(comparison: str | None, low: int, high: int) -> Span:
    spans = {">=": (low, _MOST), ">": (high + 1, _MOST), "<=": (_LEAST, high), "<": (_LEAST, low - 1)}
    return spans.get(comparison or "", (low, high))


def _severity(text: str) -> Span | None:
    if text.isdigit():
        return (int(text), int(text)) if len(text) <= 2 else None
    number = severity.number_of(text)
    if number is None:
        return None
    return (number, number + 3) if number % 4 == 1 else (number, number)


def _status(text: str) -> Span | None:
    if re.fullmatch("[1-9]xx", text.lower()):
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    return (int(text), int(text)) if re.fullmatch("[0-9]{3}", text) else None
