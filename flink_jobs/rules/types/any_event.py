"""`any`: one event that meets `where` is one too many (ElastAlert2's `any`). Sees single events, all EVENT_FIELDS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Count
from flink_jobs.rules.options import Option, Problem
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule


class AnyEvent(RuleType):
    """Fires at the first event, and is over when none came for a whole window."""

    options: ClassVar[Mapping[str, Option]] = {}
    example: ClassVar[Mapping[str, Any]] = {"where": {"severity_text": "FATAL"}}
    sees_events: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        if not rule.where:
            yield Problem("where", "is empty: the rule would fire on every event", "where: {severity_text: FATAL}")

    def measure(self, rule: Rule) -> Count:
        return Count()

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, ">="),)
