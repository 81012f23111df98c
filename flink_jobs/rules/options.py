"""What a rule type's options may be, so that a rule file is checked from the type's own table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flink_jobs.rules.conditions import Conditions
from logverse.errors import Malformed


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule: at which field (as written) and which key below it, and what to write instead."""

    field: str
    problem: str
    remedy: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `check` answers what is wrong with a value, "" when nothing is."""

    about: str
    check: Callable[[Any], str]
    example: str
    required: bool = False


def number(least: float | None = None, most: float | None = None) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
            return f"{value!r} is not a number"
        if (least is None or value >= least) and (most is None or value <= most):
            return ""
        return f"{value} is out of bounds ({'…' if least is None else least} to {'…' if most is None else most})"

    return check


def whole(least: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= 10**12
        return "" if fits else f"{value!r} is not a whole number from {least}"

    return check


def one_of(*choices: str) -> Callable[[Any], str]:
    return lambda value: "" if value in choices else f"{value!r} is not one of {', '.join(choices)}"


def conditions(value: Any) -> str:
    if not isinstance(value, Mapping) or not value:
        return "not a mapping of FIELD: CONDITION"
    try:
        Conditions(value)
    except Malformed as error:
        return str(error)
    return ""


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
