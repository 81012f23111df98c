"""`spike_aggregation`: a figure of this window against that of the window just before (ElastAlert2's `spike_aggregation`).

The figures are those of `metric_aggregation`, the comparison is that of `spike`. ElastAlert2's `min_doc_count` is `min_count` here,
asked of both windows; its `buffer_time` is the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.judge import Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import DURATION, Measure
from flink_jobs.rules.options import Option, Problem
from flink_jobs.rules.types.metric_aggregation import AGGREGATED, AGGREGATIONS, aggregation_problems
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.types.spike import SPIKE_OPTIONS, Spike, spike_in_words
from flink_jobs.rules.types.spiking import Spiking
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan


class SpikeAggregation(RuleType):
    options: ClassVar[Mapping[str, Option]] = {**AGGREGATED, **SPIKE_OPTIONS}
    example: ClassVar[Mapping[str, Any]] = {
        "metric_agg_type": "avg", "metric_agg_key": DURATION, "min_count": 20, "spike_height": 3, "spike_type": "up", "window": "5m",
    }  # fmt: skip
    thresholds: ClassVar[tuple[str, ...]] = (*Spike.thresholds, "min_count", "percentile")
    windows: ClassVar[int] = 2

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from aggregation_problems(rule)

    def measure(self, rule: Rule) -> Measure:
        return AGGREGATIONS[rule.options["metric_agg_type"]][0](rule)

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return ()

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        return Spiking(plan.measure, plan.rule.options)

    def condition(self, plan: Plan) -> str:
        return spike_in_words(plan)
