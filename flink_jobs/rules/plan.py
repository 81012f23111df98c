"""A rule made ready to run: conditions read, measure and limits chosen, bucket step fixed. Made once, used for every row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from flink_jobs.rules.conditions import Conditions
from flink_jobs.rules.explain import label_of
from flink_jobs.rules.forms import Value
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.options import problems
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.types.rule_type import fields_of
from flink_jobs.rules.views import BUSIEST, apart, view_of
from logverse.errors import Malformed
from logverse.identity import digest
from logverse.instant import Millis
from logverse.rule import Rule
from logverse.summary import DIMENSIONS, VIEWS, Summary

_NOTHING = Summary(0, (None,) * len(DIMENSIONS), 0)

# Options that say what is too much, not what is counted: with another value the buckets stay valid.
_THRESHOLDS = (
    "num_events", "max_percentage", "min_percentage", "max_threshold", "min_threshold", "min_count", "clear_threshold", "percentile",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where something belongs: the values of the rule's group_by, whether it meets `match`, and how to name it in a sentence."""

    group: tuple[str, ...]
    matched: bool
    label: str


class Plan:
    """A compiled rule. Malformed when the rule cannot be run.

    `step_ms` is the width of its buckets and how often it is judged: a sixtieth of the window in whole seconds, at least
    one. `span_ms` is the window rounded up to whole steps. `shape` changes when other events than before are counted.
    `view` is the one of VIEWS that it reads: the first that has all its fields; "" when it sees single events (`sees_events`).
    """

    def __init__(self, rule: Rule, clause: str | None = None) -> None:
        if rule.type not in RULE_TYPES:
            raise Malformed(f"rule {rule.name}: unknown type {rule.type!r}")
        self.type = RULE_TYPES[rule.type]
        for problem in problems(self.type.options, rule.options):
            raise Malformed(f"rule {rule.name}: {problem.field}: {problem.problem}")
        for problem in self.type.problems(rule):
            raise Malformed(f"rule {rule.name}: {problem.field}: {problem.problem}")
        self.rule, self.clause = rule, clause
        self.where, self.match = Conditions(self.type.where(rule)), Conditions(rule.options.get("match", {}))
        self.view = self._view()
        self.sees_events = not self.view
        self._name = BUSIEST.get(self.view, "") if BUSIEST.get(self.view) in rule.group_by else ""
        self.measure, self.limits = self.type.measure(rule), self.type.limits(rule)
        self.has_minimum = any(limit.comparison == "<" for limit in self.limits)
        self.step_ms: Millis = max(1, round(rule.window_ms / 60_000)) * 1000
        self.span_ms: Millis = max(1, math.ceil(rule.window_ms / self.step_ms)) * self.step_ms
        self.shape = self._shape()
        self.width = len(self.measure.columns(_NOTHING, False))

    def _view(self) -> str:
        if self.type.sees_events:
            return ""
        view = view_of(self.needs)
        if view is None and not (self.type.or_events and all(name in EVENT_FIELDS for name in self.needs)):
            raise Malformed(f"rule {self.rule.name}: {apart(self.needs)}")
        return view or ""

    def _shape(self) -> str:
        counted = {name: value for name, value in self.rule.options.items() if name not in _THRESHOLDS}
        parts = [self.rule.type, self.rule.where, self.rule.group_by, self.rule.window_ms, counted]
        return digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode())[:12]

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields it reads."""
        return tuple(dict.fromkeys([*self.where.fields, *self.match.fields, *self.rule.group_by, *fields_of(self.type, self.rule)]))

    def floor(self, at: Millis) -> Millis:
        return at - at % self.step_ms

    def ceil(self, at: Millis) -> Millis:
        return at + -at % self.step_ms

    def place_of(self, dimensions: tuple[Value, ...]) -> Place | None:
        """Where a summary of its view with these dimensions belongs; None when the rule is not about it.

        All the others beside the busiest count where nobody is asked for; a series of their own they are not.
        """
        fields = dict(zip(VIEWS[self.view], dimensions, strict=True))
        return None if self._name and fields[self._name] is None else self.place(fields.get)

    def place(self, value_of: Callable[[str], Value]) -> Place | None:
        """Where an event with these fields belongs; None when the rule is not about it."""
        if not self.where.matches(value_of):
            return None
        group = tuple("" if (value := value_of(name)) is None else str(value) for name in self.rule.group_by)
        return Place(group, self.match.matches(value_of), label_of(value_of, self.rule.group_by))
