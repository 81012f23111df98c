"""Rule types, by ElastAlert2's names and ours beside them. To add one: one file beside this, one line below."""

from __future__ import annotations

from flink_jobs.rules.types.anomaly import AnomalyType
from flink_jobs.rules.types.any_event import AnyEvent
from flink_jobs.rules.types.blacklist import Blacklist
from flink_jobs.rules.types.cardinality import Cardinality
from flink_jobs.rules.types.change import Change
from flink_jobs.rules.types.flatline import Flatline
from flink_jobs.rules.types.frequency import Frequency
from flink_jobs.rules.types.metric_aggregation import MetricAggregation
from flink_jobs.rules.types.new_pattern import NewPattern
from flink_jobs.rules.types.new_term import NewTerm
from flink_jobs.rules.types.pattern_rate import PatternRate
from flink_jobs.rules.types.pattern_vanished import PatternVanished
from flink_jobs.rules.types.percentage_match import PercentageMatch
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.types.silence import Silence
from flink_jobs.rules.types.spike import Spike
from flink_jobs.rules.types.spike_aggregation import SpikeAggregation
from flink_jobs.rules.types.whitelist import Whitelist

__all__ = ["RULE_TYPES", "RuleType"]

RULE_TYPES: dict[str, RuleType] = {
    "any": AnyEvent(),
    "blacklist": Blacklist(),
    "whitelist": Whitelist(),
    "change": Change(),
    "frequency": Frequency(),
    "spike": Spike(),
    "flatline": Flatline(),
    "new_term": NewTerm(),
    "cardinality": Cardinality(),
    "metric_aggregation": MetricAggregation(),
    "spike_aggregation": SpikeAggregation(),
    "percentage_match": PercentageMatch(),
    "anomaly": AnomalyType(),
    "silence": Silence(),
    "new_pattern": NewPattern(),
    "pattern_rate": PatternRate(),
    "pattern_vanished": PatternVanished(),
}
