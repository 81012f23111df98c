"""Rule types, by ElastAlert2's names. To add one: one file beside this, one line below."""

from __future__ import annotations

from flink_jobs.rules.types.any_event import AnyEvent
from flink_jobs.rules.types.frequency import Frequency
from flink_jobs.rules.types.metric_aggregation import MetricAggregation
from flink_jobs.rules.types.percentage_match import PercentageMatch
from flink_jobs.rules.types.rule_type import RuleType

__all__ = ["RULE_TYPES", "RuleType"]

RULE_TYPES: dict[str, RuleType] = {
    "any": AnyEvent(),
    "frequency": Frequency(),
    "percentage_match": PercentageMatch(),
    "metric_aggregation": MetricAggregation(),
}
