"""What a rule's `where` and `match` say about one field: as Python that tests a value, and as SQL that filters in the JVM.

Written forms: `503` or `web` (equal), a list (one of), `">=500"`, `"<10"` (numbers), `5xx` (a class of status codes), `ERROR`
(a severity), `"!=x"` (anything else, missing included), `/regex/` (found anywhere), `prefix*`, `"=text"` (exactly this text,
whatever it looks like). A missing value meets only a `!=`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from logverse import severity
from logverse.errors import Malformed

Value: TypeAlias = "str | int | None"

# Fields that carry a whole number; all others carry text.
NUMBERS = ("http.response.status_code", "severity_number")
ALIASES = {"severity_text": "severity_number"}
# Here `/api/` is more likely meant as a path than as the pattern `api`.
PATHS = ("http.route", "url.path")


@dataclass(frozen=True)
class Equal:
    """This value and no other."""

    value: str | int

    def matches(self, value: Value) -> bool:
        return value == self.value

    def sql(self, column: str) -> str:
        return f"{column} = {literal(self.value)}"


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included; None is no bound."""

    low: int | None
    high: int | None

    def matches(self, value: Value) -> bool:
        if not isinstance(value, int):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def sql(self, column: str) -> str:
        bounds = [(">=", self.low), ("<=", self.high)]
        return " AND ".join(f"{column} {sign} {bound}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True)
class Prefix:
    """Text that begins so."""

    text: str

    def matches(self, value: Value) -> bool:
        return isinstance(value, str) and value.startswith(self.text)

    def sql(self, column: str) -> str:
        pattern = re.sub(r"([!%_])", r"!\1", self.text) + "%"
        return f"{column} LIKE {literal(pattern)} ESCAPE '!'"


@dataclass(frozen=True)
class Pattern:
    """Text in which this regular expression is found. Only what Python and Java read alike is accepted."""

    pattern: str

    @cached_property
    def _search(self) -> Callable[[str], object]:
        return re.compile(self.pattern, re.ASCII).search

    def matches(self, value: Value) -> bool:
        return isinstance(value, str) and self._search(value) is not None

    def sql(self, column: str) -> str:
        return f"REGEXP({column}, {literal(self.pattern)})"


@dataclass(frozen=True)
class Not:
    """Anything but that, missing values included."""

    inner: Condition

    def matches(self, value: Value) -> bool:
        return not self.inner.matches(value)

    def sql(self, column: str) -> str:
        return f"({column} IS NULL OR NOT ({self.inner.sql(column)}))"


@dataclass(frozen=True)
class OneOf:
    """Any of these conditions."""

    choices: tuple[Condition, ...]

    def matches(self, value: Value) -> bool:
        return any(choice.matches(value) for choice in self.choices)

    def sql(self, column: str) -> str:
        return "(" + " OR ".join(f"({choice.sql(column)})" for choice in self.choices) + ")"


Condition: TypeAlias = "Equal | Between | Prefix | Pattern | Not | OneOf"


def literal(value: str | int) -> str:
    """A Flink SQL literal: in standard SQL a quote is doubled and nothing else in a string has a meaning."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def column(field: str) -> str:
    """The field as a quoted SQL identifier."""
    return "`" + field.replace("`", "``") + "`"


def entails(one: Condition, other: Condition) -> bool:
    """Whether every value that meets `one` meets `other`, as far as can be proven from their form: never true when it is false."""
    match one, other:
        case _ if one == other:
            return True
        case OneOf(choices), _:
            return all(entails(choice, other) for choice in choices)
        case Equal(value), _:
            return other.matches(value)
        case _, OneOf(choices):
            return any(entails(one, choice) for choice in choices)
        case Not(this), Not(that):
            return entails(that, this)
        case _, Not(that):
            return apart(one, that)
        case Between(low, high), Between(least, most):
            return (least is None or (low is not None and low >= least)) and (most is None or (high is not None and high <= most))
        case Prefix(text), Prefix(start):
            return text.startswith(start)
    return False


def apart(one: Condition, other: Condition) -> bool:
    """Whether no value can meet both, as far as can be proven."""
    match one, other:
        case (Equal(value), some) | (some, Equal(value)):
            return not some.matches(value)
        case (OneOf(choices), some) | (some, OneOf(choices)):
            return all(apart(choice, some) for choice in choices)
        case Between(low, high), Between(least, most):
            return (high is not None and least is not None and high < least) or (most is not None and low is not None and most < low)
        case Prefix(text), Prefix(start):
            return not text.startswith(start) and not start.startswith(text)
    return False


def read(field: str, written: Any) -> Condition:
    """The condition a rule file writes for this field; Malformed says what is wrong with it and what to write instead."""
    if isinstance(written, list | tuple):
        if not written:
            raise Malformed("an empty list matches nothing: name at least one value")
        return OneOf(tuple(read(field, item) for item in written)) if len(written) > 1 else read(field, written[0])
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise Malformed(f'{written!r} is no condition: write a value, a list of values, ">=500", "!=x", 5xx, /regex/ or prefix*')
    if isinstance(written, str) and written.startswith("!="):
        return Not(read(field, written[2:].strip()))
    return _number(field, str(written)) if field in NUMBERS else _text(field, str(written))


class Conditions:
    """Conditions on several fields, all of which must be met. Fields by OpenTelemetry's names, aliases resolved."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        self.by_field: dict[str, Condition] = {}
        for name, condition in written.items():
            field = ALIASES.get(name, name)
            if field in self.by_field:
                raise Malformed(f"{name}: says a second time what {field} must be; keep one")
            try:
                self.by_field[field] = read(field, condition)
            except Malformed as error:
                raise Malformed(f"{name}: {error}") from error

    def matches(self, value_of: Callable[[str], Value]) -> bool:
        return all(condition.matches(value_of(field)) for field, condition in self.by_field.items())

    def sql(self) -> str:
        """A Flink SQL predicate over columns of the fields' names; `TRUE` when there is no condition."""
        return " AND ".join(f"({condition.sql(column(field))})" for field, condition in self.by_field.items()) or "TRUE"

    def entails(self, other: Conditions) -> bool:
        """Whether what meets these meets the others too, as far as can be proven."""
        return all(field in self.by_field and entails(self.by_field[field], condition) for field, condition in other.by_field.items())


_COMPARED = re.compile(r"(>=|<=|>|<)\s*(\S+)")
_STATUS_CLASS = re.compile(r"([1-5])xx", re.IGNORECASE)
# Forms that Python and Java read differently: a filter in the JVM would let other events through than the rule wants.
_NOT_ALIKE = re.compile(r"\(\?(?!i\)|[:=!<])|\(\?<[^=!]|\\[ZzAGpPQEXRhHvVNxuU0k]|\[[^\]]*(?:\[|&&)|[*+?}]\+")


def _number(field: str, text: str) -> Condition:
    if text.startswith("="):
        text = text[1:].strip()
    if field == "http.response.status_code" and (match := _STATUS_CLASS.fullmatch(text)):
        return Between(int(match[1]) * 100, int(match[1]) * 100 + 99)
    if match := _COMPARED.fullmatch(text):
        low, high = _named(field, match[2])
        return {">=": Between(low, None), "<=": Between(None, high), ">": Between(high + 1, None), "<": Between(None, low - 1)}[match[1]]
    low, high = _named(field, text)
    return Equal(low) if low == high else Between(low, high)


def _named(field: str, text: str) -> tuple[int, int]:
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        return int(text), int(text)
    number = severity.number_of(text) if field == "severity_number" else None
    if number is None:
        forms = '17, ERROR, ">=ERROR"' if field == "severity_number" else '503, 5xx, ">=500"'
        raise Malformed(f"{text[:40]!r} is no whole number and {field} carries one: write it as {forms} or a list of such")
    low = number - (number - 1) % 4
    return low, low + 3


def _text(field: str, text: str) -> Condition:
    if text.startswith("="):
        return Equal(text[1:])
    if _COMPARED.fullmatch(text):
        raise Malformed(f"{text[:40]!r} compares numbers and {field} carries text: write a value, a list, /regex/ or prefix*")
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return _pattern(field, text[1:-1])
    if text.endswith("*"):
        return Prefix(text[:-1])
    return Equal(text)


def _pattern(field: str, pattern: str) -> Condition:
    if field in PATHS and not re.search(r"[\\^$.|?*+()\[\]{}]", pattern):
        raise Malformed(f'/{pattern}/ may be a path or a pattern: write "=/{pattern}/" for this path, "/{pattern}*" for all below it')
    if match := _NOT_ALIKE.search(pattern):
        raise Malformed(f"/{pattern[:60]}/ uses {match[0]!r}, which Python and Java read differently: use plainer forms")
    try:
        re.compile(pattern)
    except re.error as error:
        raise Malformed(f"/{pattern[:60]}/ is no regular expression: {error}") from error
    return Pattern(pattern)
