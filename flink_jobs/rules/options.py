"""What a rule type's options may be, so that a rule file is checked from the type's own table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

from flink_jobs.rules.conditions import Conditions
from logverse import durations
from logverse.errors import Malformed
from logverse.instant import Millis


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule: at which field (as written) and which key below it, and what to write instead."""

    field: str
    problem: str
    remedy: str = ""
    key: str = ""


class Check(Protocol):
    """Answers what is wrong with a value, "" when nothing is. One with a `schema` says so to editors too, in JSON Schema's words."""

    def __call__(self, value: Any, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is for, what its values may be, and one that works, as YAML."""

    about: str
    check: Check
    example: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """What an editor is told of it; a check without a `schema` leaves the value open."""
        return {"description": self.about, **getattr(self.check, "schema", {}), "examples": [yaml.safe_load(self.example)]}


@dataclass(frozen=True)
class Described:
    """A check that editors are told of."""

    wrong: Callable[[Any], str]
    schema: Mapping[str, Any]

    def __call__(self, value: Any, /) -> str:
        return self.wrong(value)


def number(least: float | None = None, most: float | None = None) -> Check:
    def wrong(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
            return f"{value!r} is not a number"
        if (least is None or value >= least) and (most is None or value <= most):
            return ""
        return f"{value} is out of bounds ({'…' if least is None else least} to {'…' if most is None else most})"

    bounds = {"minimum": least, "maximum": most}
    return Described(wrong, {"type": "number", **{name: bound for name, bound in bounds.items() if bound is not None}})


def whole(least: int) -> Check:
    def wrong(value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= 10**12
        return "" if fits else f"{value!r} is not a whole number from {least}"

    return Described(wrong, {"type": "integer", "minimum": least})


def one_of(*choices: str) -> Check:
    return Described(
        lambda value: "" if isinstance(value, str) and value in choices else f"{value!r} is not one of {', '.join(choices)}",
        {"enum": list(choices)},
    )


def _no_conditions(value: Any) -> str:
    if not isinstance(value, Mapping) or not value:
        return "not a mapping of FIELD: CONDITION"
    try:
        Conditions(value)
    except Malformed as error:
        return str(error)
    return ""


# Spelled out once in the schema, under this name.
conditions = Described(_no_conditions, {"$ref": "#/definitions/conditions"})


def span(least: Millis, most: Millis) -> Check:
    """A duration in whole seconds; 0 without a unit is one if it may be that short."""

    def wrong(value: Any) -> str:
        if value == 0 and type(value) is int and least == 0:
            return ""
        try:
            found = durations.read(value) if isinstance(value, str) else None
        except ValueError:
            found = None
        if found is None:
            return f"{value!r} is no duration: a number with its unit (s, m, h)"
        if found % 1000 or not least <= found <= most:
            return f"{value} is not between {durations.written(least)} and {durations.written(most)}, in whole seconds"
        return ""

    text = {"type": "string", "pattern": "^(\\d+(ms|[smhdwy]))+$"}
    return Described(wrong, text if least else {"anyOf": [text, {"const": 0}, {"const": "0"}]})


truth = Described(lambda value: "" if isinstance(value, bool) else f"{value!r} is neither true nor false", {"type": "boolean"})


MIN_COUNT = Option("events that there must be before the figure is judged: small counts page nobody", whole(0), "20")
CLEAR = Option("the figure must get to this side again before the alert may end", number(), "2")


def problems(known: Mapping[str, Option], options: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with these options by themselves: unknown ones are for the caller to name."""
    for name, option in known.items():
        if name not in options:
            if option.required:
                yield Problem(name, f"is missing: {option.about}", f"{name}: {option.example}")
        elif wrong := option.check(options[name]):
            yield Problem(name, wrong, f"{name}: {option.example}")


def clear_problems(options: Mapping[str, Any], lowest: str, highest: str) -> Iterator[Problem]:
    """What is wrong with thresholds together: none at all, or a `clear_threshold` on the bad side."""
    low, high, clear = options.get(lowest), options.get(highest), options.get("clear_threshold")
    if low is None and high is None:
        yield Problem(highest, f"neither {highest} nor {lowest} is given: the rule could never fire", f"{highest}: …")
    if clear is None or not all(isinstance(value, int | float | None) for value in (low, high, clear)):
        return
    if low is not None and high is not None:
        yield Problem("clear_threshold", f"cannot be for both {lowest} and {highest}", "make two rules of it")
    elif high is not None and clear > high:
        yield Problem("clear_threshold", f"{clear} is above {highest} {high}", f"a figure at or below {high}")
    elif low is not None and clear < low:
        yield Problem("clear_threshold", f"{clear} is below {lowest} {low}", f"a figure at or above {low}")
