"""`pattern_rate`: a pattern of log lines comes too often: more than so many times in the window, or than is usual.

`pattern` is a template's id or name, its text with `*` for anything, or `*` for each pattern by itself. Too often is `num_events` in the
window, or `spike_height` times as many as in the window before (as type `spike` has it). What is usual at this hour of the week is
learnt by type `anomaly` with `group_by: [service.name, log.record.template]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.judge import ByLimits, Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.options import CLEAR, Option, Problem, number, whole
from flink_jobs.rules.types.patterned import ALL, PATTERN, TEMPLATE, Door, PatternCount, group_problems
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.types.spiking import Spiking
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan


class PatternRate(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "pattern": PATTERN,
        "num_events": Option("how many lines in the window are too many", whole(1), "50"),
        "spike_height": Option("how many times as many as in the window before are too many", number(1), "3"),
        "threshold_cur": Option("fewer lines than this in the window are no spike", number(0), "20"),
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {"pattern": "*", "group_by": ["service.name", TEMPLATE], "num_events": 50}
    reads: ClassVar[tuple[str, ...]] = (TEMPLATE,)
    thresholds: ClassVar[tuple[str, ...]] = ("num_events", "spike_height", "threshold_cur", "clear_threshold")
    windows: ClassVar[int] = 2
    remembers: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from group_problems(rule)
        options = rule.options
        if ("num_events" in options) == ("spike_height" in options):
            yield Problem("num_events", "one of num_events and spike_height must be given", "num_events: 50")
        if "num_events" in options and "threshold_cur" in options:
            yield Problem("threshold_cur", "means nothing beside num_events", "leave it out; it is for spike_height")
        clear = options.get("clear_threshold")
        if clear is not None and ("spike_height" in options or clear >= options.get("num_events", clear + 1)):
            yield Problem("clear_threshold", f"{clear} is not below num_events", "a figure below num_events")

    def measure(self, rule: Rule) -> PatternCount:
        return PatternCount(rule.options["pattern"])

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        most, clear = rule.options.get("num_events"), rule.options.get("clear_threshold")
        return () if most is None else (Limit(float(most), ">=", clear),)

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        if plan.limits:
            return ByLimits(plan.measure, plan.limits)
        return Spiking(plan.measure, {**plan.rule.options, "spike_type": "up"})

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory:
        return Door(plan)

    def condition(self, plan: Plan) -> str:
        options = plan.rule.options
        often = f"up {options['spike_height']:g}-fold on the window before" if not plan.limits else f">= {options['num_events']}"
        return often + (" of any one pattern" if options["pattern"] == ALL else "")
