"""`metric_aggregation`: a count, rate, share, percentile, average, maximum or sum against thresholds (ElastAlert2's name)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import DURATION, SIZE, Average, AverageSize, Count, Measure, Peak, Percentile, Rate, Share, Total
from flink_jobs.rules.options import CLEAR, MIN_COUNT, Option, Problem, clear_problems, conditions, number, one_of
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule


def _min_count(rule: Rule) -> int:
    return int(rule.options.get("min_count", 1))


def _average(rule: Rule) -> Measure:
    if rule.options["metric_agg_key"] == SIZE:
        return AverageSize(_min_count(rule))
    return Average("avg", _min_count(rule), rule.options.get("max_threshold"))


# metric_agg_type → (its measure, the keys it can be taken of)
AGGREGATIONS: dict[str, tuple[Callable[[Rule], Measure], tuple[str, ...]]] = {
    "count": (lambda _: Count(), ()),
    "rate": (lambda rule: Rate(rule.window_ms), ()),
    "share": (lambda rule: Share(_min_count(rule)), ()),
    "percentile": (
        lambda rule: Percentile(rule.options["percentile"], _min_count(rule), rule.options.get("max_threshold")),
        (DURATION,),
    ),
    "avg": (_average, (DURATION, SIZE)),
    "max": (lambda rule: Peak("max", _min_count(rule), rule.options.get("max_threshold")), (DURATION,)),
    "sum": (lambda rule: Total(rule.options["metric_agg_key"]), (DURATION, SIZE)),
}
# An option that only some aggregations understand.
_ONLY = {
    "percentile": ("percentile",), "match": ("share",), "min_count": ("share", "percentile", "avg", "max"),
    "metric_agg_key": ("percentile", "avg", "max", "sum"),
}  # fmt: skip
_NEEDED = {"percentile": ("percentile", "95"), "share": ("match", '{http.response.status_code: "5xx"}')}


# The options that say which figure.
AGGREGATED: Mapping[str, Option] = {
    "metric_agg_type": Option("which figure", one_of(*AGGREGATIONS), "percentile", required=True),
    "metric_agg_key": Option("what it is taken of", one_of(DURATION, SIZE), DURATION),
    "percentile": Option("which percentile", number(0, 100), "95"),
    "match": Option("which of the events count", conditions, '{http.response.status_code: "5xx"}'),
    "min_count": MIN_COUNT,
}


def aggregation_problems(rule: Rule, named: str = "metric_agg_type") -> Iterator[Problem]:
    """What is wrong with the options that say which figure; `named` is the one that names it."""
    kind = rule.options.get(named, "count")
    keys = AGGREGATIONS[kind][1]
    if keys and rule.options.get("metric_agg_key") not in keys:
        yield Problem("metric_agg_key", f"{kind} is taken of {' or '.join(keys)}", f"metric_agg_key: {keys[0]}")
    if kind in _NEEDED and _NEEDED[kind][0] not in rule.options:
        name, example = _NEEDED[kind]
        yield Problem(name, f"is missing: {kind} needs it", f"{name}: {example}")
    for name, kinds in _ONLY.items():
        if named == "metric_agg_type" and name in rule.options and kind not in kinds:
            yield Problem(name, f"means nothing for {kind}", f"leave it out; it is for {', '.join(kinds)}")


class MetricAggregation(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        **AGGREGATED,
        "max_threshold": Option("fires above this figure (seconds, bytes, percent, events)", number(), "1.5"),
        "min_threshold": Option("fires below this figure", number(), "10"),
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "metric_agg_type": "percentile", "percentile": 95, "metric_agg_key": DURATION, "max_threshold": 1.5, "min_count": 20,
    }  # fmt: skip

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from clear_problems(rule.options, "min_threshold", "max_threshold")
        yield from aggregation_problems(rule)

    def measure(self, rule: Rule) -> Measure:
        return AGGREGATIONS[rule.options["metric_agg_type"]][0](rule)

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        sides = (("max_threshold", ">"), ("min_threshold", "<"))
        clear = rule.options.get("clear_threshold")
        return tuple(Limit(float(rule.options[name]), sign, clear) for name, sign in sides if name in rule.options)
