"""A rule made ready to run: conditions read, measure and limits chosen, bucket step fixed. Made once, used for every row."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import orjson

from flink_jobs.rules import schedule
from flink_jobs.rules.blame import trait_of
from flink_jobs.rules.conditions import Conditions
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
from logverse.summary import DIMENSIONS, Summary

_NOTHING = Summary(0, (None,) * len(DIMENSIONS), 0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something belongs: the values of the rule's group_by, whether it meets `match`, and what tells it from others (blame.py).

    `values` are those of the fields that the type's own options name.
    """

    group: tuple[str, ...]
    matched: bool
    trait: str
    values: tuple[Value, ...] = ()


class Plan:
    """A compiled rule. Malformed when the rule cannot be run.

    `step_ms` is the width of its buckets and how often it is judged: a sixtieth of the window in whole seconds, at least
    one. `span_ms` is the window rounded up to whole steps, `kept_ms` all that it looks back. `shape` changes when other events
    than before are counted. `view` is the one of VIEWS that it reads: the first that has all its fields; "" when it sees single
    events (`sees_events`). `across`: it is judged over all services together.
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
        self.revision = rule.revision  # read at every save of every series
        self.where, self.match = Conditions(self.type.where(rule)), Conditions(rule.options.get("match", {}))
        self.schedule = schedule.read(rule.schedule) if rule.schedule else None
        self.fields = fields_of(self.type, rule)
        self.view = self._view()
        self.sees_events, self.across = not self.view, self.type.across(rule)
        self._busiest = BUSIEST.get(self.view, "") if BUSIEST.get(self.view) in rule.group_by else ""
        self.measure, self.limits = self.type.measure(rule), self.type.limits(rule)
        self.has_minimum = any(limit.comparison == "<" for limit in self.limits)
        window = self.type.window_ms(rule)
        self.step_ms: Millis = self.type.step_ms(rule) or max(1, round(window / 60_000)) * 1000
        self.span_ms: Millis = max(1, math.ceil(window / self.step_ms)) * self.step_ms
        self.kept_ms: Millis = self.span_ms * self.type.windows
        self.shape = self._shape()
        self.distinct, self.sketched = self.measure.distinct_bits > 0, bool(self.type.sketched(rule))
        self.width = len(self.measure.columns(_NOTHING, False))
        self.groups = {frozenset([*rule.group_by, *more]) for more in self.type.terms(rule)}

    def _view(self) -> str:
        if self.type.sees_events:
            return ""
        view = view_of(self._selecting, self.type.sketched(self.rule))
        if view is None and not (self.type.or_events and all(name in EVENT_FIELDS for name in self.needs)):
            raise Malformed(f"rule {self.rule.name}: {apart(self.needs)}")
        return view or ""

    def _shape(self) -> str:
        counted = {name: value for name, value in self.rule.options.items() if name not in self.type.thresholds}
        parts = [self.rule.type, self.rule.where, self.rule.group_by, self.rule.window_ms, counted]
        return digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode())[:12]

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields it reads."""
        return tuple(dict.fromkeys([*self.where.fields, *self.match.fields, *self.rule.group_by, *self.fields]))

    @property
    def _selecting(self) -> tuple[str, ...]:
        return tuple(name for name in self.needs if name != self.type.sketched(self.rule))

    def floor(self, at: Millis) -> Millis:
        return at - at % self.step_ms

    def ceil(self, at: Millis) -> Millis:
        return at + -at % self.step_ms

    def takes(self, group: Collection[str]) -> bool:
        """Whether a series with these fields is one of this rule."""
        return frozenset(group) in self.groups

    def place_of(self, fields: Mapping[str, Value], words: Mapping[str, str] | None = None) -> Place | None:
        """Where a summary of its view with these dimensions, by name, belongs; None when the rule is not about it.

        All the others beside the busiest count where nobody is asked for; a series of their own they are not. `words` are what a
        sentence says instead of a value (a template's text).
        """
        return None if self._busiest and fields[self._busiest] is None else self.place(fields.get, words)

    def place(self, value_of: Callable[[str], Value], words: Mapping[str, str] | None = None) -> Place | None:
        """Where an event with these fields belongs; None when the rule is not about it."""
        if not self.where.matches(value_of):
            return None
        group = tuple("" if (value := value_of(name)) is None else str(value) for name in self.rule.group_by)
        said = value_of if not words else lambda name: words.get(name) or value_of(name)
        values = tuple(map(value_of, self.fields)) if self.fields else ()
        trait = trait_of(said, self.rule.group_by, self.fields if self.type.tells else ())
        return Place(group, self.match.matches(value_of), trait, values)
