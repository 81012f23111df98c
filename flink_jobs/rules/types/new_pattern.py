"""`new_pattern`: log lines of a pattern that the service never wrote before.

A service first learns for `learning`, in which nothing is new; from then on a pattern is new for `new_for` after it was first seen. Only
lines of severity ERROR and worse count, unless `where` says otherwise: every release writes new lines, few of them are news. The alert
is one a service (`group_by: [service.name, log.record.template]` makes it one a pattern), names the patterns that make most of it, and
is over a window after the last new line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.conditions import Conditions
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.options import Option, Problem, span, whole
from flink_jobs.rules.types.patterned import TEMPLATE, Door, PatternCount, group_problems
from flink_jobs.rules.types.rule_type import RuleType
from logverse import durations, severity
from logverse.instant import Millis
from logverse.rule import Rule
from logverse.summary import Summary

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

_DAY = 86_400_000


class NewPattern(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "learning": Option("how long a service's patterns are learnt before one is new", span(0, 30 * _DAY), "1h"),
        "new_for": Option("how long a pattern is new after it was first seen", span(1000, 7 * _DAY), "10m"),
        "num_events": Option("how many lines of new patterns in the window are news", whole(1), "1"),
    }
    example: ClassVar[Mapping[str, Any]] = {"where": {"severity_text": ">=ERROR"}, "learning": "1h", "window": "5m"}
    reads: ClassVar[tuple[str, ...]] = (TEMPLATE,)
    remembers: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from group_problems(rule)

    def where(self, rule: Rule) -> Mapping[str, Any]:
        if "severity_number" in Conditions(rule.where).fields:
            return rule.where
        return {**rule.where, "severity_number": f">={severity.ERROR}"}

    def measure(self, rule: Rule) -> PatternCount:
        learning, new_for = str(rule.options.get("learning", "1h")), rule.options.get("new_for", "10m")
        return NewCount(durations.read(learning), durations.read(new_for))

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(float(rule.options.get("num_events", 1)), ">="),)

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory:
        return Door(plan)

    def condition(self, plan: Plan) -> str:
        return f">= {plan.rule.options.get('num_events', 1)} once a service has been known for {plan.rule.options.get('learning', '1h')}"


class NewCount(PatternCount):
    """Events of patterns that were first seen less than `new_for` ago, and when their service had been known for `learning`."""

    subject = "number of lines of new patterns"

    def __init__(self, learning: Millis, new_for: Millis) -> None:
        super().__init__()
        self._learning, self._new_for = learning, new_for

    def means(self, summary: Summary) -> bool:
        pattern = summary.pattern
        if pattern is None or summary.second - pattern.first_seen >= self._new_for:
            return False
        return pattern.first_seen - pattern.watched_since >= self._learning
