"""Rule types, by ElastAlert2's names. To add one: one file beside this, one line below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Measure
from flink_jobs.rules.options import Option, Problem
from flink_jobs.rules.types.any_event import AnyEvent
from flink_jobs.rules.types.frequency import Frequency
from flink_jobs.rules.types.metric_aggregation import MetricAggregation
from flink_jobs.rules.types.percentage_match import PercentageMatch
from logverse.rule import Rule


class RuleType(Protocol):
    """What a type adds to a rule: options of its own, the figure it takes, and the limits it compares it with."""

    options: ClassVar[Mapping[str, Option]]
    example: ClassVar[Mapping[str, Any]]  # an entry that works, without name and type: for the documentation and the contract tests
    sees_events: ClassVar[bool]  # single events (EVENT_FIELDS), or summaries (DIMENSIONS)?

    def problems(self, rule: Rule) -> Iterator[Problem]:
        """What is wrong with options that are each right by themselves."""
        ...

    def measure(self, rule: Rule) -> Measure: ...
    def limits(self, rule: Rule) -> tuple[Limit, ...]: ...


RULE_TYPES: dict[str, RuleType] = {
    "any": AnyEvent(),
    "frequency": Frequency(),
    "percentage_match": PercentageMatch(),
    "metric_aggregation": MetricAggregation(),
}
