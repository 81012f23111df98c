"""`anomaly`: a named detector, which learns what is usual for each series, finds a figure strange (flink_jobs/detectors).

The figure is taken of each `step`; how strange it is, is -log10 of how probable: 3 is one step in a thousand. `max_score`, `sensitivity`
or `alert_budget` say how strange is too strange. Nothing is learnt while an alert is active; a new level is, after `relearn_after`, or
when somebody says that it is normal (`logverse alerts mark`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.detectors import DETECTORS
from flink_jobs.detectors.budget import budget_problem
from flink_jobs.rules.detecting import Detecting, Terms, trained
from flink_jobs.rules.judge import Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import DURATION, Count, Measure, Several
from flink_jobs.rules.options import MIN_COUNT, Described, Option, Problem, conditions, number, one_of, span
from flink_jobs.rules.options import problems as option_problems
from flink_jobs.rules.types.metric_aggregation import AGGREGATED, AGGREGATIONS, aggregation_problems
from flink_jobs.rules.types.rule_type import RuleType
from logverse import durations
from logverse.instant import Millis
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

SENSITIVITY = {"low": 9.0, "medium": 6.0, "high": 4.0}
# The detector of a measure, when the rule names none.
USUAL = {"count": "count", "share": "ratio"}
_DAY = 86_400_000
# The measures that a detector of several can look at, by the name that it gives them.
PARTS: dict[str, Callable[[Rule], Measure]] = {
    "count": lambda _: Count(),
    "error_share": lambda rule: AGGREGATIONS["share"][0](rule),
    "p95": lambda rule: AGGREGATIONS["percentile"][0](_with(rule, percentile=95, metric_agg_key=DURATION)),
    "avg_duration": lambda rule: AGGREGATIONS["avg"][0](_with(rule, metric_agg_key=DURATION)),
}


def _with(rule: Rule, **options: Any) -> Rule:
    return Rule(rule.name, rule.type, options={**rule.options, **options})


def _no_options(value: Any) -> str:
    return "" if isinstance(value, Mapping) else f"{value!r:.60} is not a mapping of OPTION: VALUE"


class AnomalyType(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "detector": Option("who finds it strange", one_of(*DETECTORS), "count"),
        "measure": Option("which figure: as metric_agg_type of metric_aggregation", one_of(*AGGREGATIONS), "count"),
        "metric_agg_key": AGGREGATED["metric_agg_key"],
        "percentile": AGGREGATED["percentile"],
        "match": Option("which of the events count", conditions, '{http.response.status_code: "5xx"}'),
        "step": Option("of how much time a figure is taken", span(1000, 3_600_000), "10s"),
        "max_score": Option("how strange is too strange: -log10 of the probability of a step", number(1, 300), "6"),
        "sensitivity": Option("the same in words: low 9, medium 6, high 4", one_of(*SENSITIVITY), "medium"),
        "alert_budget": Option(
            "how many alerts a series may raise, by its history", Described(budget_problem, {"type": "string"}), "2/week"
        ),
        "direction": Option("which way it must be strange", one_of("above", "below", "both"), "above"),
        "min_count": MIN_COUNT,
        "relearn_after": Option("a new level that lasts this long is learnt", span(60_000, 30 * _DAY), "1d"),
        "detector_options": Option("what the detector alone understands", Described(_no_options, {"type": "object"}), "{min_steps: 60}"),
    }
    example: ClassVar[Mapping[str, Any]] = {"measure": "count", "step": "10s", "sensitivity": "medium", "direction": "both"}
    thresholds: ClassVar[tuple[str, ...]] = (
        "max_score", "sensitivity", "alert_budget", "direction", "min_count", "relearn_after", "detector", "detector_options",
    )  # fmt: skip

    def problems(self, rule: Rule) -> Iterator[Problem]:
        options = rule.options
        given = [name for name in ("max_score", "sensitivity", "alert_budget") if name in options]
        if len(given) > 1:
            yield Problem(given[1], f"says otherwise what {given[0]} says", f"keep {given[0]}")
        kind = DETECTORS[_detector(rule)]
        measure = options.get("measure", "count")
        yield from aggregation_problems(rule, "measure")
        for problem in option_problems(kind.options, options.get("detector_options", {})):
            yield Problem("detector_options", f"{problem.field}: {problem.problem}", problem.remedy, problem.field)
        for name in options.get("detector_options", {}):
            if name not in kind.options:
                yield Problem("detector_options", f"{name} is unknown to {_detector(rule)}", f"one of {', '.join(kind.options)}", str(name))
        yield from _unused(options, measure, kind.needs)
        if kind.needs == "ratio" and measure != "share":
            yield Problem("measure", f"{_detector(rule)} looks at a share", "measure: share")
        if kind.needs == "count" and measure not in ("count", "rate"):
            yield Problem("measure", f"{_detector(rule)} looks at a count", "measure: count")
        if kind.needs == "vector":
            yield from _part_problems(rule)

    def window_ms(self, rule: Rule) -> Millis:
        return _step(rule)

    def step_ms(self, rule: Rule) -> Millis:
        return _step(rule)

    def measure(self, rule: Rule) -> Measure:
        if DETECTORS[_detector(rule)].needs == "vector":
            return Several([PARTS[name](rule) for name in rule.options["detector_options"]["measures"]])
        return AGGREGATIONS[rule.options.get("measure", "count")][0](rule)

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return ()

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        return Detecting.of(terms_of(plan), state)

    def trained(self, plan: Plan, state: bytes, budget: bytes = b"") -> bytes | None:
        return trained(terms_of(plan), state, budget)

    def finder(self, rule: Rule) -> str:
        return _detector(rule)

    def condition(self, plan: Plan) -> str:
        options = plan.rule.options
        budget = options.get("alert_budget")
        how = f"at most {budget}" if budget else f"strangeness from {_max_score(plan.rule):g}"
        way = {"above": "higher than usual", "below": "lower than usual", "both": "unusual"}[options.get("direction", "both")]
        return f"{way} ({_detector(plan.rule)}, {how})"


def terms_of(plan: Plan) -> Terms:
    """What the rule wants of its detector."""
    rule, options = plan.rule, plan.rule.options
    return Terms(
        kind=DETECTORS[_detector(rule)],
        options=options.get("detector_options", {}),
        step_ms=plan.step_ms,
        measure=plan.measure,
        direction=options.get("direction", "both"),
        max_score=_max_score(rule),
        budget=options.get("alert_budget", ""),
        min_count=options.get("min_count", 0),
        relearn_after_ms=durations.read(options.get("relearn_after", "1d")),
    )


def _detector(rule: Rule) -> str:
    return str(rule.options.get("detector") or USUAL.get(rule.options.get("measure", "count"), "latency"))


def _step(rule: Rule) -> Millis:
    return durations.read(rule.options.get("step", "10s"))


def _max_score(rule: Rule) -> float:
    return float(rule.options.get("max_score", SENSITIVITY[rule.options.get("sensitivity", "medium")]))


def _unused(options: Mapping[str, Any], measure: str, needs: str) -> Iterator[Problem]:
    """Options that the measure does not look at: whoever wrote them believes that they select something."""
    uses = {
        "percentile": (measure == "percentile", "it is for measure: percentile"),
        "metric_agg_key": (bool(AGGREGATIONS[measure][1]), "it is for measures of durations and sizes"),
        "match": (measure == "share" or needs == "vector", "put it into where, or take measure: share"),
    }
    for name, (used, remedy) in uses.items():
        if name in options and not used:
            yield Problem(name, f"means nothing for {measure}", remedy)


def _part_problems(rule: Rule) -> Iterator[Problem]:
    names = rule.options.get("detector_options", {}).get("measures", [])
    for name in names if isinstance(names, list) else ():
        if name not in PARTS:
            yield Problem("detector_options", f"measures: {name!r:.40} is none", f"of {', '.join(PARTS)}", "measures")
        elif name == "error_share" and "match" not in rule.options:
            yield Problem("match", "is missing: error_share needs it", 'match: {http.response.status_code: "5xx"}')
