"""What a condition says about one value, as forms: each as Python that tests it, as SQL that filters in the JVM, and for proofs.

The two must agree on every value, a missing one (None, NULL) included: SQL is TRUE exactly where `matches` is; it may be FALSE or
NULL elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Value: TypeAlias = "str | int | None"


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
class Glob:
    """Text made of these pieces in this order, with anything between them; the first begins it, the last ends it."""

    pieces: tuple[str, ...]  # two or more

    def matches(self, value: Value) -> bool:
        if not isinstance(value, str) or not value.startswith(self.pieces[0]):
            return False
        place = len(self.pieces[0])
        for piece in self.pieces[1:-1]:
            found = value.find(piece, place)
            if found < 0:
                return False
            place = found + len(piece)
        return len(value) - len(self.pieces[-1]) >= place and value.endswith(self.pieces[-1])

    def sql(self, column: str) -> str:
        pattern = "%".join(re.sub(r"([!%_])", r"!\1", piece) for piece in self.pieces)
        return f"{column} LIKE {literal(pattern)} ESCAPE '!'"

    def within(self, other: Glob) -> bool:
        """Whether every text of this is one of the other's: what may stand between our pieces only its gaps can take."""
        anything = next(char for char in map(chr, range(0xE000, 0xF8FF)) if not any(char in piece for piece in other.pieces))
        return other.matches(anything.join(self.pieces))

    def apart(self, other: Glob) -> bool:
        """Whether no text can be of both: their beginnings or their ends differ."""
        (one, *_, last), (start, *_, end) = self.pieces, other.pieces
        begin = one.startswith(start) or start.startswith(one)
        return not begin or not (last.endswith(end) or end.endswith(last))


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
        return f"(({self.inner.sql(column)}) IS NOT TRUE)"


@dataclass(frozen=True)
class OneOf:
    """Any of these conditions."""

    choices: tuple[Condition, ...]

    def matches(self, value: Value) -> bool:
        return any(choice.matches(value) for choice in self.choices)

    def sql(self, column: str) -> str:
        return "(" + " OR ".join(f"({choice.sql(column)})" for choice in self.choices) + ")"


Condition: TypeAlias = "Equal | Between | Glob | Pattern | Not | OneOf"


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
        case Glob(), Glob():
            return one.within(other)
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
        case Glob(), Glob():
            return one.apart(other)
    return False
