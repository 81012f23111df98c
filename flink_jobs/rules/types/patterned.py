"""What the rule types about patterns (view `patterns`) share: which patterns a rule means, and a door that only these pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flink_jobs.rules.measures import Count
from flink_jobs.rules.memory import Hit, Sighting
from flink_jobs.rules.options import Described, Option, Problem
from logverse.instant import Millis
from logverse.rule import Rule
from logverse.summary import Summary

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

TEMPLATE = "log.record.template"
ALL = "*"


def _no_pattern(value: Any) -> str:
    return (
        ""
        if isinstance(value, str) and 0 < len(value) <= 1000 and value.isprintable()
        else "not an id, a name, a text with * for anything, or *"
    )


PATTERN = Option(
    "which: a template's id or name (logverse patterns list), its text with * for anything, or * for each",
    Described(_no_pattern, {"type": "string", "minLength": 1, "maxLength": 1000}),
    '"Connection to * refused"',
    required=True,
)


def group_problems(rule: Rule) -> Iterator[Problem]:
    """What is wrong with the groups of a rule about patterns: each service has patterns of its own, and all of them are all its lines."""
    if "service.name" not in rule.group_by:
        yield Problem("group_by", "patterns are each service's own", "group_by: [service.name], with or without more")
    if rule.options.get("pattern") == ALL and TEMPLATE not in rule.group_by:
        yield Problem("group_by", "all patterns together are all lines", f"group_by: [service.name, {TEMPLATE}], or name a pattern")


class PatternCount(Count):
    """Events of the patterns that are meant: `wanted` is an id, a name, a text in which `*` stands for anything, or ALL."""

    def __init__(self, wanted: str = ALL) -> None:
        self._wanted, self._parts = wanted, wanted.split("*")
        if wanted != ALL:
            self.subject = f'number of lines "{wanted}"'

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return (summary.count, summary.count) if self.means(summary) else (0, 0)

    def means(self, summary: Summary) -> bool:
        pattern = summary.pattern
        if pattern is None:
            return False
        return self._wanted in (ALL, summary[TEMPLATE], pattern.name) or in_parts(pattern.text, self._parts)


def in_parts(text: str, parts: list[str]) -> bool:
    """Whether the text is these parts in this order, with anything between them. No regular expression: it takes its time from nobody.

    >>> in_parts("Connection to <*> refused", ["Connection to ", " refused"]), in_parts("a", ["a"]), in_parts("ab", ["a"])
    (True, True, False)
    """
    first, *more = parts
    if not more:
        return text == first
    *middle, last = more
    if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


class Door:
    """Stands before the series and lets through only what is counted: no other pattern has a series. It remembers nothing."""

    waits = False

    def __init__(self, plan: Plan) -> None:
        self._group_by = plan.rule.group_by
        self.over = 0

    def see(self, sighting: Sighting) -> Iterator[Hit]:
        if sighting.columns[0]:
            place = sighting.place
            group = dict(zip(self._group_by, place.group, strict=True))
            yield Hit(group, sighting.at // 1000 * 1000, sighting.columns, sighting.peak, place.trait, sighting.sample, sighting.words)

    def settle(self, until: Millis) -> Iterable[Hit]:
        return ()

    def expire(self, cursor: Millis) -> None:
        """There is nothing to let go of."""

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return ()
