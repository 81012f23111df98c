"""What a rule's `where` and `match` say: conditions on fields, put together with `and`, `or` and `not`.

Written forms of a condition: `503` or `web` (equal), a list (one of), `">=500"`, `"<10"` (numbers), `5xx` (a class of status
codes), `ERROR` (a severity), `"!=x"` (anything else, missing included), `/regex/` (found anywhere), `*.example.*` (`*` is any
text), `"=text"` (exactly this text, whatever it looks like). A missing value meets only a `!=`. All fields of a mapping must be met;
beside them `or: [{…}, {…}]` (one of these), `and: [{…}, {…}]` (all of these), `not: {…}` (not all of that).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from flink_jobs.rules.backtracking import explodes
from flink_jobs.rules.forms import Between, Condition, Equal, Glob, Not, OneOf, Pattern, Value, column, entails
from logverse import severity
from logverse.errors import Malformed

# Fields that carry a whole number; all others carry text.
NUMBERS = ("http.response.status_code", "severity_number")
ALIASES = {"severity_text": "severity_number"}
# Here `/api/` is more likely meant as a path than as the pattern `api`.
PATHS = ("http.route", "url.path")
WORDS = ("and", "or", "not")  # of a mapping of conditions, beside its fields

_DEPTH, _SIZE, _GAPS = 8, 200, 8  # of nested mappings, of conditions in all, of `*` in one


def read(field: str, written: Any) -> Condition:
    """The condition a rule file writes for this field; Malformed says what is wrong with it and what to write instead."""
    if isinstance(written, list | tuple):
        if not written:
            raise Malformed("an empty list matches nothing: name at least one value")
        return OneOf(tuple(read(field, item) for item in written)) if len(written) > 1 else read(field, written[0])
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise Malformed(f'{written!r} is no condition: write a value, a list of values, ">=500", "!=x", 5xx, /regex/ or gl*b')
    if isinstance(written, str) and written.startswith("!="):
        return Not(read(field, written[2:].strip()))
    return _number(field, str(written)) if field in NUMBERS else _text(field, str(written))


@dataclass(frozen=True)
class Of:
    """One field meets a condition."""

    field: str
    condition: Condition

    def matches(self, value_of: Callable[[str], Value]) -> bool:
        return self.condition.matches(value_of(self.field))

    def sql(self) -> str:
        return f"({self.condition.sql(column(self.field))})"


@dataclass(frozen=True)
class All:
    """All of these; without parts, anything."""

    parts: tuple[Formula, ...]

    def matches(self, value_of: Callable[[str], Value]) -> bool:
        return all(part.matches(value_of) for part in self.parts)

    def sql(self) -> str:
        return " AND ".join(part.sql() for part in self.parts) or "TRUE"


@dataclass(frozen=True)
class AnyOf:
    """At least one of these."""

    parts: tuple[Formula, ...]

    def matches(self, value_of: Callable[[str], Value]) -> bool:
        return any(part.matches(value_of) for part in self.parts)

    def sql(self) -> str:
        return "(" + " OR ".join(f"({part.sql()})" for part in self.parts) + ")" if self.parts else "FALSE"


# `not` has no form of its own: it is carried down to the conditions (De Morgan), where a missing value's case is clear.
Formula: TypeAlias = "Of | All | AnyOf"


@lru_cache(maxsize=4096)
def implies(one: Formula, other: Formula) -> bool:
    """Whether what meets `one` meets `other`, as far as can be proven from their form: never true when it is false."""
    match one, other:
        case Of(field, condition), Of(named, wanted):
            return field == named and entails(condition, wanted)
        case _, All(parts):
            return all(implies(one, part) for part in parts)
        case AnyOf(parts), _:
            return all(implies(part, other) for part in parts)
    narrower = isinstance(one, All) and any(implies(part, other) for part in one.parts)
    return narrower or (isinstance(other, AnyOf) and any(implies(one, choice) for choice in other.parts))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a mapping of conditions: the keys that lead there, and the field if it is about one that nobody knows."""

    path: tuple[str, ...]
    problem: str
    unknown: str = ""


class Conditions:
    """A mapping of conditions, read. Fields by OpenTelemetry's names, aliases resolved. Malformed when anything is wrong with it."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        reading = _Reading(None)
        self.formula = reading.all_of(written, (), False)
        self.fields: tuple[str, ...] = tuple(dict.fromkeys(reading.fields))
        for fault in reading.faults:
            raise Malformed(": ".join([*fault.path, fault.problem]))

    def matches(self, value_of: Callable[[str], Value]) -> bool:
        return self.formula.matches(value_of)

    def sql(self) -> str:
        """A Flink SQL predicate over columns of the fields' names; `TRUE` when there is no condition."""
        return self.formula.sql()

    def allows(self, field: str, value: Value) -> bool:
        """Whether something with this value of the field can meet them, as far as what they say of that field alone can tell."""
        parts = self.formula.parts if isinstance(self.formula, All) else (self.formula,)
        return all(part.condition.matches(value) for part in parts if isinstance(part, Of) and part.field == field)

    def entails(self, other: Conditions) -> bool:
        """Whether what meets these meets the others too, as far as can be proven."""
        return implies(self.formula, other.formula)


def faults(written: Mapping[Any, Any], known: Container[str]) -> Iterator[Fault]:
    """Everything that is wrong with this mapping, fields that are not `known` included."""
    reading = _Reading(known)
    reading.all_of(written, (), False)
    yield from reading.faults


def fields_of(written: Any) -> tuple[str, ...]:
    """The fields that a mapping of conditions reads, also one that is wrong."""
    reading = _Reading(None)
    reading.all_of(written if isinstance(written, Mapping) else {}, (), False)
    return tuple(dict.fromkeys(reading.fields))


class _Reading:
    """A mapping on its way to a formula: the fields that were met, and what was wrong so far."""

    def __init__(self, known: Container[str] | None) -> None:
        self._known = known
        self.fields: list[str] = []
        self.faults: list[Fault] = []

    def all_of(self, written: Mapping[Any, Any], path: tuple[str, ...], negated: bool) -> Formula:
        """The formula of a mapping, or of its opposite."""
        if len(path) > 2 * _DEPTH:
            self._fault(path, f"is nested deeper than {_DEPTH}: make two rules of it")
            return All(())
        parts, seen = [], set[str]()
        for key, value in written.items():
            name, place = ALIASES.get(key, key), (*path, str(key))
            if name in seen:
                self._fault(place, f"says a second time what {name} must be; keep one")
            seen.add(name)
            parts.append(self._word(name, value, place, negated) if name in WORDS else self._field(name, value, place, negated))
        return AnyOf(tuple(parts)) if negated else All(tuple(parts))

    def _word(self, word: str, value: Any, path: tuple[str, ...], negated: bool) -> Formula:
        if word == "not":
            if not isinstance(value, Mapping) or not value:
                self._fault(path, "is not a mapping of FIELD: CONDITION")
                return All(())
            return self.all_of(value, path, not negated)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(part, Mapping) and part for part in value):
            self._fault(path, f"is not a list of mappings: write {word}: [{{FIELD: CONDITION}}, {{FIELD: CONDITION}}]")
            return All(())
        parts = tuple(self.all_of(part, (*path, str(place)), negated) for place, part in enumerate(value))
        return All(parts) if (word == "and") != negated else AnyOf(parts)

    def _field(self, field: Any, value: Any, path: tuple[str, ...], negated: bool) -> Formula:
        if not isinstance(field, str) or (self._known is not None and field not in self._known):
            self.faults.append(Fault(path, "", str(field)))
            return All(())
        self.fields.append(field)
        if len(self.fields) == _SIZE + 1:
            self._fault(path, f"is one of more than {_SIZE} conditions: make several rules of it")
        try:
            condition = read(field, value)
        except Malformed as error:
            self._fault(path, str(error))
            return All(())
        return Of(field, Not(condition) if negated else condition)

    def _fault(self, path: tuple[str, ...], problem: str) -> None:
        self.faults.append(Fault(path, problem))


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
        raise Malformed(f"{text[:40]!r} compares numbers and {field} carries text: write a value, a list, /regex/ or gl*b")
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return _pattern(field, text[1:-1])
    if "*" in text:
        pieces = re.sub(r"\*+", "*", text).split("*")
        if len(pieces) > _GAPS + 1:
            raise Malformed(f"{text[:40]!r} has more than {_GAPS} *: use fewer, or a /regex/")
        return Glob(tuple(pieces))
    return Equal(text)


def _pattern(field: str, pattern: str) -> Condition:
    if field in PATHS and not re.search(r"[\\^$.|?*+()\[\]{}]", pattern):
        raise Malformed(f'/{pattern}/ may be a path or a pattern: write "=/{pattern}/" for this path, "/{pattern}*" for all below it')
    if match := _NOT_ALIKE.search(pattern):
        raise Malformed(f"/{pattern[:60]}/ uses {match[0]!r}, which Python and Java read differently: use plainer forms")
    try:
        re.compile(pattern)
        slow = explodes(pattern)
    except re.error as error:
        raise Malformed(f"/{pattern[:60]}/ is no regular expression: {error}") from error
    except RecursionError:
        raise Malformed(f"/{pattern[:60]}/ is nested too deep") from None
    if slow:
        raise Malformed(f"/{pattern[:60]}/ reads a text in too many ways, and a long line would stop the job: of (a+)+b make a+b")
    return Pattern(pattern)
